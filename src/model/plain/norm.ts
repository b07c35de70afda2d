/** RMSNorm (Zhang and Sennrich 2019, arXiv 1910.07467), the epsilon inside the root. */
import type { ModelSpec } from '../model.js';
import type { Vector } from '../model-weights.js';
import { add } from './vectors.js';

/** The fields of a model that say how its norms multiply. */
export type NormRule = Pick<ModelSpec, 'normEpsilon' | 'normPlusOne'>;

/** Without weights: the mean of the squares becomes 1. */
export function unitNorm(x: Float64Array, epsilon: number): Float64Array {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i] * x[i];
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return x.map((value) => value * scale);
}

/** Times the weights, or times 1 + the weights. */
export function rmsNorm(
  x: Float64Array,
  weight: Vector,
  { normEpsilon, normPlusOne }: NormRule,
): Float64Array {
  const plus = normPlusOne ? 1 : 0;
  return unitNorm(x, normEpsilon).map((value, i) => value * (plus + weight[i]));
}

/** Each head in place, by a norm that takes and returns `headDim` elements. */
export function eachHead(
  vectors: Float64Array,
  headDim: number,
  norm: (head: Float64Array) => Float64Array,
): void {
  for (let at = 0; at < vectors.length; at += headDim) {
    const head = vectors.subarray(at, at + headDim);
    head.set(norm(head));
  }
}

/** Adds to the residual stream what a block computes from it, with the norms before and after the block. */
export function addBlock(
  x: Float64Array,
  { before, after }: { before?: Vector; after?: Vector },
  rule: NormRule,
  block: (input: Float64Array) => Float64Array,
): void {
  const output = block(before ? rmsNorm(x, before, rule) : x);
  add(x, after ? rmsNorm(output, after, rule) : output);
}
