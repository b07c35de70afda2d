/**
 * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): the cache holds one latent vector and one
 * rotary key a position; each head's key and value are projected from the latent vector again.
 */
import type { LatentSpec } from '../attention-spec.js';
import type { LatentWeights } from '../model-weights.js';
import { ropeAmplitude, rotaryPairs, rotateHead } from '../rope.js';
import type { KvCache } from './attention.js';
import { createIndexer, type Selection } from './indexer.js';
import { rmsNorm, type NormRule } from './norm.js';
import { multiply, project, softmax } from './vectors.js';

/** Of the norms of both latent vectors, whatever the model's other norms have. */
const LATENT_EPSILON = 1e-6;

/** What one layer's indexer chose, for the layers after it that have none: the last one's. */
export interface LastSelection {
  last?: Selection | undefined;
}

/** @param asked positions to attend to, whatever the indexer's scores say */
export type LatentAttention = (
  input: Float64Array,
  position: number,
  asked?: readonly number[],
) => Float64Array;

/**
 * @param positions of the whole run
 * @param cache of each position the latent vector and, turned, the rotary key of all heads; and the keys and values
 * of each head that follow from it, [heads * (nope + value)]
 * @param selection of the last layer before that has an indexer; this one's, if it has one
 */
export function latentAttention(
  spec: LatentSpec,
  weights: LatentWeights,
  model: NormRule,
  positions: number,
  { keys, values, indexKeys = [] }: KvCache = { keys: [], values: [] },
  selection: LastSelection = {},
): LatentAttention {
  const { kvRank, nope, rope, heads, value, bias } = spec;
  const rule = { ...model, normEpsilon: LATENT_EPSILON };
  const pairs = rotaryPairs(rope.dim, rope, positions);
  const amplitude = ropeAmplitude(rope);
  const choose = spec.indexer?.own && createIndexer(spec, weights, positions, indexKeys);

  /** What queries are made of: a latent vector, or the input itself. */
  function beforeQueries(input: Float64Array): Float64Array {
    if (spec.qRank === undefined) return input;
    const down = project(weights.qDown!, input, bias, weights.qDownBias);
    return rmsNorm(down, weights.qNorm!, rule);
  }

  return (input, position, asked) => {
    const before = beforeQueries(input);
    if (choose) selection.last = choose(input, before, position, asked);
    const query = multiply(weights.qUp, before);
    for (let h = 0; h < heads; h++)
      rotateHead(query, h * (nope + rope.dim) + nope, position, pairs, amplitude);
    const down = project(weights.kvDown, input, bias, weights.kvDownBias);
    const latent = rmsNorm(down.slice(0, kvRank), weights.kvNorm, rule);
    const rotary = down.slice(kvRank);
    rotateHead(rotary, 0, position, pairs, amplitude);
    keys.push(Float64Array.of(...latent, ...rotary));
    values.push(multiply(weights.kvUp, latent));

    const attended = new Float64Array(heads * value);
    const chosen = spec.indexer && !spec.indexer.dense ? selection.last?.taken : undefined;
    const kept = keys.map((key, p) => ({ key, expanded: values[p] }));
    const attendedTo = chosen ? chosen.map((p) => kept[p]) : kept;
    for (let h = 0; h < heads; h++) attendHead(spec, attendedTo, query, h, attended);
    return project(weights.o, attended, bias, weights.oBias);
  };
}

/** What is kept of one position: its latent vector with the rotary key, and what is made of it. */
interface Position {
  key: Float64Array;
  expanded: Float64Array;
}

/** Writes query head `h`'s share of the values of these positions. */
function attendHead(
  { kvRank, nope, rope, value, scale }: LatentSpec,
  positions: readonly Position[],
  query: Float64Array,
  h: number,
  attended: Float64Array,
): void {
  const queryAt = h * (nope + rope.dim);
  const keyAt = h * (nope + value);
  const scores = Float64Array.from(positions, ({ key, expanded }) => {
    let sum = 0;
    for (let i = 0; i < nope; i++) sum += query[queryAt + i] * expanded[keyAt + i];
    for (let i = 0; i < rope.dim; i++) sum += query[queryAt + nope + i] * key[kvRank + i];
    return sum * scale;
  });
  const shares = softmax(scores);
  for (const [j, { expanded }] of positions.entries())
    for (let i = 0; i < value; i++)
      attended[h * value + i] += shares[j] * expanded[keyAt + nope + i];
}
