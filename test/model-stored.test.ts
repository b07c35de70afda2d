/** Weights of a checkpoint as cores store them. */
import { expect, it } from 'vitest';
import { storeWeights } from '../src/model/stored.js';
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
