/**
 * The model as published, and nothing of the machine: a decoder in double precision that takes one
 * token at a time. It defines which logits a mapped model has to produce. Architecture: Llama 3
 * (arXiv 2407.21783), Qwen3 (arXiv 2505.09388), as in Hugging Face transformers,
 * src/transformers/models/llama/modeling_llama.py and .../qwen3/modeling_qwen3.py.
 */
import { unexpected } from './errors.js';
import type { GqaSpec } from './attention-spec.js';
import type { DenseSpec } from './mlp-spec.js';
import type { DenseWeights, GqaWeights, Matrix, Vector, Weights } from './model-weights.js';
import { layerOf, type ModelSpec } from './model.js';
import { ropeAmplitude, rotaryPairs, rotateHead, type RotaryPair } from './rope.js';

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

/** A decoder with an empty cache, for a run of so many positions. */
export function createPlainDecoder(
  model: ModelSpec,
  weights: Weights,
  positions = model.maxContext,
): PlainDecoder {
  const emptyCache = () => Array.from(model.layers, (): Float64Array[] => []);
  const keys = emptyCache();
  const values = emptyCache();
  const pairsOf = model.kinds.map(({ attention: of }) =>
    of.kind === 'gqa' ? rotaryPairs(of.headDim, of.rope, positions) : [],
  );

  function step(token: number): Float64Array {
    if (!Number.isInteger(token) || token < 0 || token >= model.vocab)
      throw unexpected('token', `a whole number from 0 to ${model.vocab - 1}`, token);
    if (keys[0].length >= model.maxContext)
      throw unexpected('position', `less than ${model.maxContext}`, keys[0].length);
    const x = embedded(model, weights, token);
    weights.layers.forEach((layer, number) => {
      const spec = layerOf(model, number);
      if (spec.attention.kind !== 'gqa' || layer.attention.kind !== 'gqa') throw noKernel();
      if (spec.mlp.kind !== 'dense' || layer.mlp.kind !== 'dense') throw noKernel();
      const cache = { keys: keys[number], values: values[number] };
      const pairs = pairsOf[model.layers[number]];
      const normed = rmsNorm(x, layer.attentionNorm!, model.normEpsilon);
      add(x, attention(model, spec.attention, layer.attention, normed, cache, pairs));
      add(x, mlp(spec.mlp, layer.mlp, rmsNorm(x, layer.mlpNorm!, model.normEpsilon)));
    });
    return headLogits(model, weights, x);
  }

  return { step, keys, values };
}

function noKernel() {
  return new TypeError('no such layer');
}

/** The residual stream of a token before the first layer. */
export function embedded(model: ModelSpec, { embedding }: Weights, token: number): Float64Array {
  const x = new Float64Array(model.dim);
  for (let i = 0; i < x.length; i++)
    x[i] = embedding.values[token * model.dim + i] * embedding.scale;
  return x;
}

/** The `vocab` logits of a residual stream of `dim` elements: final norm and head. */
export function headLogits(
  model: ModelSpec,
  weights: Weights,
  residual: ArrayLike<number>,
): Float64Array {
  const normed = rmsNorm(Float64Array.from(residual), weights.finalNorm, model.normEpsilon);
  return multiply(weights.head, normed);
}

/** The number of the largest logit; of equal ones the lowest. */
export function greedy(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

interface Cache {
  keys: Float64Array[];
  values: Float64Array[];
}

/** Appends the token's key and value to the cache and attends to all of it, the token included. */
function attention(
  { normEpsilon }: ModelSpec,
  spec: GqaSpec,
  weights: GqaWeights,
  normed: Float64Array,
  { keys, values }: Cache,
  pairs: readonly RotaryPair[],
): Float64Array {
  const { heads, kvHeads, headDim } = spec;
  const position = keys.length;
  const query = multiply(weights.q, normed);
  const key = multiply(weights.k, normed);
  if (weights.qNorm) normHeads(query, weights.qNorm, normEpsilon);
  if (weights.kNorm) normHeads(key, weights.kNorm, normEpsilon);
  const rotate = (vector: Float64Array, head: number) =>
    rotateHead(vector, head * headDim, position, pairs, ropeAmplitude(spec.rope));
  for (let h = 0; h < heads; h++) rotate(query, h);
  for (let h = 0; h < kvHeads; h++) rotate(key, h);
  keys.push(key);
  values.push(multiply(weights.v, normed));

  const attended = new Float64Array(heads * headDim);
  for (let h = 0; h < heads; h++) {
    const kvAt = Math.floor((h * kvHeads) / heads) * headDim;
    const shares = softmax(scoresOf(query, h * headDim, keys, kvAt, spec));
    for (let p = 0; p <= position; p++)
      for (let i = 0; i < headDim; i++)
        attended[h * headDim + i] += shares[p] * values[p][kvAt + i];
  }
  return multiply(weights.o, attended);
}

function scoresOf(
  query: Float64Array,
  queryAt: number,
  keys: Float64Array[],
  keyAt: number,
  { headDim, scale }: GqaSpec,
): Float64Array {
  return Float64Array.from(keys, (key) => {
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += query[queryAt + i] * key[keyAt + i];
    return sum * scale;
  });
}

function mlp(_: DenseSpec, weights: DenseWeights, normed: Float64Array): Float64Array {
  const gate = multiply(weights.gate, normed);
  const up = multiply(weights.up, normed);
  for (let i = 0; i < up.length; i++) up[i] *= gate[i] / (1 + Math.exp(-gate[i]));
  return multiply(weights.down, up);
}

function rmsNorm(x: Float64Array, weight: Vector, epsilon: number): Float64Array {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i] * x[i];
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]);
}

function normHeads(vectors: Float64Array, weight: Vector, epsilon: number): void {
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
function multiply({ values: matrix, scale }: Matrix, x: Float64Array): Float64Array {
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
