/** Dense models by their sizes, and one of odd ones, so that slices are uneven. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RopeScaling, Span } from '../../src/model/attention-spec.js';
import { denseSpec, gqaSpec, layerSpec } from '../../src/model/families/common.js';
import { gqaOf, denseOf, kindsOf, type ModelSpec } from '../../src/model/model.js';

type Whole = Omit<ModelSpec, 'kinds' | 'layers' | 'normPlusOne' | 'embeddingScale'>;

export interface DenseSizes extends Whole {
  /** How many, all alike. */
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ffn: number;
  ropeTheta: number;
  ropeScaling?: RopeScaling;
  /** Query and key heads are normalised. */
  qkNorm: boolean;
  span?: Span;
}

/** A model like Llama, or with `qkNorm` like Qwen3. */
export function denseModel(sizes: DenseSizes): ModelSpec {
  const { layers, heads, kvHeads, headDim, ffn, ropeTheta, ropeScaling, qkNorm, span, ...rest } =
    sizes;
  const rope = { dim: headDim, width: headDim, theta: ropeTheta, pairs: 'halves' } as const;
  const attention = gqaSpec({
    heads,
    kvHeads,
    headDim,
    qkNorm: qkNorm ? 'head' : 'none',
    rope: { ...rope, ...(ropeScaling && { scaling: ropeScaling }) },
    span: span ?? { kind: 'full' },
  });
  const layer = layerSpec({ attention, mlp: denseSpec(ffn) });
  const alike = kindsOf(Array.from({ length: layers }, () => layer));
  return { ...rest, ...alike, normPlusOne: false, embeddingScale: 1 };
}

/** The sizes of a model whose layers are all alike. */
export function sizesOf({ kinds, layers, ...rest }: ModelSpec): DenseSizes {
  const { heads, kvHeads, headDim, rope, qkNorm, span } = gqaOf(kinds[0]);
  const { normPlusOne: _, embeddingScale: __, ...whole } = rest;
  return {
    ...whole,
    layers: layers.length,
    heads,
    kvHeads,
    headDim,
    ffn: denseOf(kinds[0]).inner,
    ropeTheta: rope!.theta,
    ...(rope!.scaling && { ropeScaling: rope!.scaling }),
    qkNorm: qkNorm === 'head',
    span,
  };
}

/** The same model with other sizes. */
export function resized(model: ModelSpec, changes: Partial<DenseSizes>): ModelSpec {
  return denseModel({ ...sizesOf(model), ...changes });
}

export const model = denseModel({
  name: 'small',
  family: 'llama',
  dim: 22,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  headDim: 6,
  ffn: 31,
  vocab: 19,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  tied: false,
  qkNorm: false,
  maxContext: 64,
  dtype: 'f32',
  weightBits: 32,
});

export const qwen = resized(model, { family: 'qwen3', qkNorm: true });

/** The file of a tiny model of so many layers, written into a folder. */
export function deepModel(folder: string, layers: number): string {
  const path = join(folder, `${layers}-layers.json`);
  const tiny = JSON.parse(readFileSync('models/tiny.json', 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...tiny, num_hidden_layers: layers }));
  return path;
}
