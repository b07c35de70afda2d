/**
 * The model as published, and nothing of the machine: a decoder in double precision that takes one
 * token at a time. It defines which logits a mapped model has to produce. Architecture: Llama 3
 * (arXiv 2407.21783), Qwen3 (arXiv 2505.09388), as in Hugging Face transformers,
 * src/transformers/models/llama/modeling_llama.py and .../qwen3/modeling_qwen3.py.
 */
import { unexpected } from './errors.js';
import type { LayerWeights, ModelSpec, Weights } from './model.js';
import { ropeAmplitude, ropeFrequencies, rotateHead } from './rope.js';

export interface PlainDecoder {
  /**
   * Takes the next token and returns the `vocab` logits of the one after it. Throws a ModelError if
   * there is no such token, or no position left up to `maxContext`.
   */
  step(token: number): Float64Array;
  /** The cache so far, [layer][position][kvHeads * headDim]: keys after RoPE, and values. */
  readonly keys: Float64Array[][];
  readonly values: Float64Array[][];
}

/** A decoder with an empty cache. */
export function createPlainDecoder(model: ModelSpec, weights: Weights): PlainDecoder {
  const emptyCache = () => Array.from({ length: model.layers }, (): Float64Array[] => []);
  const keys = emptyCache();
  const values = emptyCache();
  const frequencies = ropeFrequencies(model);

  function step(token: number): Float64Array {
    if (!Number.isInteger(token) || token < 0 || token >= model.vocab)
      throw unexpected('token', `a whole number from 0 to ${model.vocab - 1}`, token);
    if (keys[0].length >= model.maxContext)
      throw unexpected('position', `less than ${model.maxContext}`, keys[0].length);
    const x = new Float64Array(model.dim);
    for (let i = 0; i < x.length; i++)
      x[i] = weights.embedding[token * model.dim + i] * weights.embeddingScale;
    weights.layers.forEach((layer, number) => {
      add(x, attention(model, layer, x, keys[number], values[number], frequencies));
      add(x, mlp(model, layer, x));
    });
    return headLogits(model, weights, x);
  }

  return { step, keys, values };
}

/** The `vocab` logits of a residual stream of `dim` elements: final norm and head. */
export function headLogits(
  model: ModelSpec,
  weights: Weights,
  residual: ArrayLike<number>,
): Float64Array {
  const normed = rmsNorm(Float64Array.from(residual), weights.finalNorm, model.normEpsilon);
  return multiply(weights.head, normed, weights.headScale);
}

/** The number of the largest logit; of equal ones the lowest. */
export function greedy(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

/** Appends the token's key and value to the cache and attends to all of it, the token included. */
function attention(
  model: ModelSpec,
  layer: LayerWeights,
  x: Float64Array,
  keys: Float64Array[],
  values: Float64Array[],
  frequencies: Float64Array,
): Float64Array {
  const { heads, kvHeads, headDim, normEpsilon } = model;
  const position = keys.length;
  const normed = rmsNorm(x, layer.attentionNorm, normEpsilon);
  const query = multiply(layer.q, normed, layer.scales.q);
  const key = multiply(layer.k, normed, layer.scales.k);
  if (layer.qNorm) normHeads(query, layer.qNorm, normEpsilon);
  if (layer.kNorm) normHeads(key, layer.kNorm, normEpsilon);
  const rotate = (vector: Float64Array, head: number) =>
    rotateHead(vector, head * headDim, position, frequencies, ropeAmplitude(model));
  for (let h = 0; h < heads; h++) rotate(query, h);
  for (let h = 0; h < kvHeads; h++) rotate(key, h);
  keys.push(key);
  values.push(multiply(layer.v, normed, layer.scales.v));

  const attended = new Float64Array(heads * headDim);
  for (let h = 0; h < heads; h++) {
    const kvAt = Math.floor((h * kvHeads) / heads) * headDim;
    const shares = softmax(scoresOf(query, h * headDim, keys, kvAt, headDim));
    for (let p = 0; p <= position; p++)
      for (let i = 0; i < headDim; i++)
        attended[h * headDim + i] += shares[p] * values[p][kvAt + i];
  }
  return multiply(layer.o, attended, layer.scales.o);
}

function scoresOf(
  query: Float64Array,
  queryAt: number,
  keys: Float64Array[],
  keyAt: number,
  headDim: number,
): Float64Array {
  return Float64Array.from(keys, (key) => {
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += query[queryAt + i] * key[keyAt + i];
    return sum / Math.sqrt(headDim);
  });
}

function mlp(model: ModelSpec, layer: LayerWeights, x: Float64Array): Float64Array {
  const normed = rmsNorm(x, layer.mlpNorm, model.normEpsilon);
  const gate = multiply(layer.gate, normed, layer.scales.gate);
  const up = multiply(layer.up, normed, layer.scales.up);
  for (let i = 0; i < up.length; i++) up[i] *= gate[i] / (1 + Math.exp(-gate[i]));
  return multiply(layer.down, up, layer.scales.down);
}

function rmsNorm(x: Float64Array, weight: Float32Array, epsilon: number): Float64Array {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i] * x[i];
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]);
}

function normHeads(vectors: Float64Array, weight: Float32Array, epsilon: number): void {
  for (let at = 0; at < vectors.length; at += weight.length) {
    const head = vectors.subarray(at, at + weight.length);
    head.set(rmsNorm(head, weight, epsilon));
  }
}

function softmax(scores: Float64Array): Float64Array {
  let most = -Infinity;
  for (const score of scores) most = Math.max(most, score);
  const shares = scores.map((score) => Math.exp(score - most));
  let sum = 0;
  for (const share of shares) sum += share;
  return shares.map((share) => share / sum);
}

/** A matrix [outputs][inputs] of stored numbers times a vector, times the matrix's scale. */
function multiply(matrix: Float32Array, x: Float64Array, scale: number): Float64Array {
  const product = new Float64Array(matrix.length / x.length);
  for (let row = 0; row < product.length; row++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += matrix[row * x.length + i] * x[i];
    product[row] = sum * scale;
  }
  return product;
}

function add(x: Float64Array, delta: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] += delta[i];
}
