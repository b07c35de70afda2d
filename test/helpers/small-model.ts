/** A model of odd sizes, so that slices are uneven, and the same with norms of query and key heads. */
import type { ModelSpec } from '../../src/model/model.js';

export const model: ModelSpec = {
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
};

export const qwen: ModelSpec = { ...model, family: 'qwen3', qkNorm: true };
