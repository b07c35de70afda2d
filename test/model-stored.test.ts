/** Weights of a checkpoint as cores store them. */
import { expect, it } from 'vitest';
import { storeWeights } from '../src/model/stored.js';
import { unblocked } from '../src/model/blocks.js';
import { MXFP4, int4Of, type BlockFormat, type WeightFormat } from '../src/model/formats.js';
import { roundF16 } from '../src/numeric/types.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import type { DenseWeights, GqaWeights, Matrix, Weights } from '../src/model/model-weights.js';
import type { ModelSpec } from '../src/model/model.js';

const THIRD = 0.333251953125;
const matrix = (...values: number[]): Matrix => ({ values: Float64Array.from(values), scale: 1 });

function weightsOf(): Weights {
  const embedding = matrix(1 / 3, -2, 1e-8);
  const attention: GqaWeights = {
    ...{ kind: 'gqa', q: matrix(1 / 3), k: matrix(2), v: matrix(3), o: matrix(4) },
    qBias: Float64Array.of(1 / 3),
  };
  const mlp: DenseWeights = {
    kind: 'dense',
    gate: matrix(1),
    up: matrix(1 / 3),
    down: matrix(127, 1, -3),
  };
  const attentionNorm = Float64Array.of(1 / 3);
  const layers = [{ attention, mlp, attentionNorm, scalar: 1 / 3 }];
  return { embedding, layers, finalNorm: Float64Array.of(1 / 3), head: embedding };
}

const stored = (model: Pick<ModelSpec, 'dtype' | 'weightBits'>) =>
  storeWeights(model as ModelSpec, weightsOf());

it('stay exact in 32 bits', () => {
  expect(stored({ dtype: 'f32', weightBits: 32 })).toEqual(weightsOf());
});

it('are rounded to 16 bits, matrices and all else, and a tied head stays the embedding', () => {
  const { embedding, head, layers, finalNorm } = stored({ dtype: 'f16', weightBits: 16 });
  const { attention, mlp, attentionNorm, scalar } = layers[0];
  const { q, qBias } = attention as GqaWeights;
  expect([...embedding.values]).toEqual([THIRD, -2, 0]);
  expect(head).toBe(embedding);
  const rounded = [q.values, qBias!, (mlp as DenseWeights).up.values, attentionNorm!, finalNorm];
  expect(rounded.map(([value]) => value)).toEqual(Array.from(rounded, () => THIRD));
  expect(scalar).toBe(1 / 3);
});

it('are integers of 8 bits with a scale, and norms are not', () => {
  const { layers, finalNorm } = stored({ dtype: 'f32', weightBits: 8 });
  const { down } = layers[0].mlp as DenseWeights;
  expect(down).toEqual({ values: Float64Array.of(127, 1, -3), scale: 1 });
  const { q } = layers[0].attention as GqaWeights;
  expect([...q.values]).toEqual([127]);
  expect(q.scale).toBe(Math.fround(1 / 3 / 127));
  expect([...finalNorm]).toEqual([1 / 3]);
});

/** Weights of which one matrix has codes already, stored; and what is noted. */
function storedWith(codes: Matrix, rest: WeightFormat) {
  const formats = { experts: rest, rest, tables: { type: 'f32' } as const };
  const model = {
    ...modelOf([layerWith()], { dim: 1, formats }),
    ...{ dtype: 'f32', weightBits: 4 },
  } as ModelSpec;
  const weights = weightsOf();
  const mlp = { ...(weights.layers[0].mlp as DenseWeights), up: codes };
  const rounded = new Set<WeightFormat>();
  const layers = [{ ...weights.layers[0], mlp }];
  const stored = storeWeights(model, { ...weights, layers }, rounded).layers[0];
  return { mlp: stored.mlp as DenseWeights, rounded };
}

it('keep codes and scales that are in their format, and note what others are rounded to', () => {
  const codes: Matrix = {
    ...{ values: Float64Array.of(6, -1.5), scale: 1 },
    blocks: { format: MXFP4, width: 1, scales: Float64Array.of(2 ** -10, 8) },
  };
  const kept = storedWith(codes, MXFP4);
  expect(kept.mlp.up).toBe(codes);
  expect(kept.mlp.gate.blocks).toMatchObject({ format: MXFP4, width: 1 });
  expect([...kept.rounded]).toEqual([MXFP4]);
  const other = storedWith(codes, int4Of(32));
  expect([...other.mlp.up.values]).toEqual([7, -7]);
  expect([...other.mlp.up.blocks!.scales]).toEqual([6 / 1024 / 7, 12 / 7].map(roundF16));
  const wide = storedWith(codes, { type: 'f32' });
  expect([...wide.mlp.up.values]).toEqual([6 / 1024, -12]);
  expect(wide.rounded.size).toBe(0);
});

it('keep codes of FP8 in smaller blocks, each with the scale of the one that it is a part of', () => {
  const values = [1, 2, 3, 4, 5, 6];
  const fp8 = (outputs: number): BlockFormat => ({ type: 'fp8', block: [outputs, 1] });
  const codes = (): Matrix => ({
    ...{ values: Float64Array.from(values), scale: 1 },
    blocks: { format: fp8(4), width: 1, scales: Float64Array.of(8, 32) },
  });
  const { up } = storedWith(codes(), fp8(2)).mlp;
  expect(up.blocks).toEqual({ format: fp8(2), width: 1, scales: Float64Array.of(8, 8, 32) });
  expect([...up.values]).toEqual(values);
  expect([...unblocked(up).values]).toEqual([8, 16, 24, 32, 160, 192]);
  const others = storedWith(codes(), fp8(3)).mlp.up;
  expect([...others.blocks!.scales]).toEqual([24 / 448, 192 / 448].map(Math.fround));
});
