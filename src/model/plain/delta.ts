/**
 * Gated DeltaNet (Yang, Kautz and Hatamizadeh 2024, arXiv 2412.06464), as Qwen3-Next has it: each value
 * head has a state of keyDim x valueDim, which forgets by a share, and is corrected where its key points.
 */
import type { DeltaSpec } from '../attention-spec.js';
import type { DeltaWeights, Vector } from '../model-weights.js';
import type { Attention } from './attention.js';
import { eachHead, rmsNorm, type NormRule } from './norm.js';
import { multiply, scaleBy, sigmoid, silu } from './vectors.js';

/** Added to the sum of the squares of a query or key, inside the root. */
const L2_EPSILON = 1e-6;

/** What a delta net remembers. */
export interface DeltaState {
  /** Of each value head, [keyDim][valueDim]. */
  heads: Float64Array[];
  /** Inputs of the convolution, [queries, keys, values], of the last tokens, the newest last. */
  window: Float64Array[];
}

/** Before the first token. */
export function emptyState({ valueHeads, keyDim, valueDim }: DeltaSpec): DeltaState {
  const heads = Array.from({ length: valueHeads }, () => new Float64Array(keyDim * valueDim));
  return { heads, window: [] };
}

/** @param state changes with each token */
export function deltaAttention(
  spec: DeltaSpec,
  weights: DeltaWeights,
  { normEpsilon }: NormRule,
  { heads: states, window }: DeltaState = emptyState(spec),
): Attention {
  const { keyHeads, valueHeads, keyDim, valueDim } = spec;
  const keys = keyHeads * keyDim;
  const convolve = convolution(weights.conv, spec.conv, window);

  return (input) => {
    const projected = [weights.q, weights.k, weights.v].map((matrix) => multiply(matrix, input));
    const mixed = convolve(Float64Array.from(projected.flatMap((vector) => [...vector])));
    const query = mixed.subarray(0, keys);
    const key = mixed.subarray(keys, 2 * keys);
    const value = mixed.subarray(2 * keys);
    eachHead(query, keyDim, unitLength);
    eachHead(key, keyDim, unitLength);
    scaleBy(query, 1 / Math.sqrt(keyDim));
    const beta = multiply(weights.beta, input).map(sigmoid);
    const alpha = multiply(weights.alpha, input);

    const output = new Float64Array(valueHeads * valueDim);
    for (const [h, state] of states.entries()) {
      const keyAt = Math.floor((h * keyHeads) / valueHeads) * keyDim;
      scaleBy(state, Math.exp(-Math.exp(weights.aLog[h]) * softplus(alpha[h] + weights.dtBias[h])));
      const values = value.subarray(h * valueDim, (h + 1) * valueDim);
      correct(state, key.subarray(keyAt, keyAt + keyDim), values, beta[h]);
      output.set(read(state, query.subarray(keyAt, keyAt + keyDim), valueDim), h * valueDim);
    }

    // Its weights multiply as they are in models whose other norms multiply by 1 + theirs too.
    const rule = { normEpsilon, normPlusOne: false };
    eachHead(output, valueDim, (head) => rmsNorm(head, weights.norm, rule));
    const gate = multiply(weights.z, input);
    for (let i = 0; i < output.length; i++) output[i] *= silu(gate[i]);
    return multiply(weights.o, output);
  };
}

/** Each channel's sum over the last `reach` tokens, by weights with the newest last, through SiLU. */
function convolution(
  weights: Vector,
  reach: number,
  window: Float64Array[],
): (channels: Float64Array) => Float64Array {
  return (channels) => {
    window.push(channels);
    if (window.length > reach) window.shift();
    const before = reach - window.length;
    return channels.map((_, c) => {
      let sum = 0;
      for (const [t, earlier] of window.entries())
        sum += weights[c * reach + before + t] * earlier[c];
      return silu(sum);
    });
  };
}

/** The state [keyDim][valueDim] read by a query: sum of its rows, each times the query's element. */
function read(state: Float64Array, query: Float64Array, valueDim: number): Float64Array {
  const values = new Float64Array(valueDim);
  for (let i = 0; i < query.length; i++)
    for (let j = 0; j < valueDim; j++) values[j] += query[i] * state[i * valueDim + j];
  return values;
}

/** Moves what the key reads from the state towards the value, by the share `beta`. */
function correct(state: Float64Array, key: Float64Array, value: Float64Array, beta: number): void {
  const held = read(state, key, value.length);
  for (let i = 0; i < key.length; i++)
    for (let j = 0; j < value.length; j++)
      state[i * value.length + j] += key[i] * beta * (value[j] - held[j]);
}

function unitLength(vector: Float64Array): Float64Array {
  let squares = 0;
  for (const element of vector) squares += element * element;
  const length = Math.sqrt(squares + L2_EPSILON);
  return vector.map((element) => element / length);
}

/** ln(1 + e^x); beyond 30 e^-x is lost next to x. */
function softplus(x: number): number {
  return x > 30 ? x : Math.log1p(Math.exp(x));
}
