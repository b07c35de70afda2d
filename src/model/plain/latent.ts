/**
 * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): the cache holds one latent vector and one
 * rotary key a position; each head's key and value are projected from the latent vector again.
 */
import { unexpected } from '../errors.js';
import type { LatentSpec } from '../attention-spec.js';
import type { LatentWeights } from '../model-weights.js';
import { ropeAmplitude, rotaryPairs, rotateHead } from '../rope.js';
import type { Attention, KvCache } from './attention.js';
import { rmsNorm, type NormRule } from './norm.js';
import { multiply, project, softmax } from './vectors.js';

/** Of the norms of both latent vectors, whatever the model's other norms have. */
const LATENT_EPSILON = 1e-6;

/**
 * @param positions of the whole run
 * @param cache of each position the latent vector and, turned, the rotary key of all heads; and the keys and values
 * of each head that follow from it, [heads * (nope + value)]
 */
export function latentAttention(
  spec: LatentSpec,
  weights: LatentWeights,
  model: NormRule,
  positions: number,
  { keys, values }: KvCache = { keys: [], values: [] },
): Attention {
  const { kvRank, nope, rope, heads, value, bias } = spec;
  const rule = { ...model, normEpsilon: LATENT_EPSILON };
  const pairs = rotaryPairs(rope.dim, rope, positions);
  const amplitude = ropeAmplitude(rope);

  function queriesOf(input: Float64Array): Float64Array {
    if (spec.qRank === undefined) return multiply(weights.qUp, input);
    const down = project(weights.qDown!, input, bias, weights.qDownBias);
    return multiply(weights.qUp, rmsNorm(down, weights.qNorm!, rule));
  }

  return (input, position) => {
    checkIndexer(spec, position);
    const query = queriesOf(input);
    for (let h = 0; h < heads; h++)
      rotateHead(query, h * (nope + rope.dim) + nope, position, pairs, amplitude);
    const down = project(weights.kvDown, input, bias, weights.kvDownBias);
    const latent = rmsNorm(down.slice(0, kvRank), weights.kvNorm, rule);
    const rotary = down.slice(kvRank);
    rotateHead(rotary, 0, position, pairs, amplitude);
    keys.push(Float64Array.of(...latent, ...rotary));
    values.push(multiply(weights.kvUp, latent));

    const attended = new Float64Array(heads * value);
    for (let h = 0; h < heads; h++) attendHead(spec, { keys, values }, query, h, attended);
    return project(weights.o, attended, bias, weights.oBias);
  };
}

/** Up to `topK` positions an indexer chooses all of them, and a dense one however many there are. */
function checkIndexer({ indexer }: LatentSpec, position: number): void {
  if (indexer && !indexer.dense && position >= indexer.topK)
    throw unexpected('position', `less than ${indexer.topK} (index_topk)`, position);
}

/** Writes query head `h`'s share of the values of all positions. */
function attendHead(
  { kvRank, nope, rope, value, scale }: LatentSpec,
  { keys, values }: KvCache,
  query: Float64Array,
  h: number,
  attended: Float64Array,
): void {
  const queryAt = h * (nope + rope.dim);
  const keyAt = h * (nope + value);
  const scores = Float64Array.from(keys, (key, position) => {
    const { [position]: expanded } = values;
    let sum = 0;
    for (let i = 0; i < nope; i++) sum += query[queryAt + i] * expanded[keyAt + i];
    for (let i = 0; i < rope.dim; i++) sum += query[queryAt + nope + i] * key[kvRank + i];
    return sum * scale;
  });
  const shares = softmax(scores);
  for (const [j, expanded] of values.entries())
    for (let i = 0; i < value; i++)
      attended[h * value + i] += shares[j] * expanded[keyAt + nope + i];
}
