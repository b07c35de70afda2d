/**
 * The indexer of sparse attention (DeepSeek-V3.2, GLM-5): which positions a layer attends to. As published, but that
 * its queries and keys are not turned into a smaller format first, which no score needs.
 */
import type { LatentSpec } from '../attention-spec.js';
import type { LatentWeights } from '../model-weights.js';
import { ropeAmplitude, rotaryPairs, rotateHead } from '../rope.js';
import { multiply } from './vectors.js';

/** Of the norm of its keys, whatever the model's other norms have. */
const EPSILON = 1e-6;

/** What an indexer chose for one token. */
export interface Selection {
  /** The positions with the largest scores, of equal ones the earlier, in ascending order. */
  positions: readonly number[];
  /** Those that are attended to: these, or others that were asked for. */
  taken: readonly number[];
  /** Of all positions. */
  scores: Float64Array;
  /** The least score of those that are chosen, and the largest of the others. */
  last: number;
  next: number;
}

/** Chooses for a token, by its input and the latent vector of its queries; nothing where all positions are chosen. */
type Choose = (
  input: Float64Array,
  latent: Float64Array,
  position: number,
  asked?: readonly number[],
) => Selection | undefined;

/**
 * @param positions of the whole run
 * @param keys of each position its key, turned
 */
export function createIndexer(
  spec: LatentSpec,
  { indexer: weights }: LatentWeights,
  positions: number,
  keys: Float64Array[],
): Choose {
  const { heads, dim, topK, dense, pairs: lie } = spec.indexer!;
  const pairs = rotaryPairs(spec.rope.dim, { ...spec.rope, pairs: lie }, positions);
  const amplitude = ropeAmplitude(spec.rope);
  const { q, k, headWeights, kNorm, kNormBias } = weights!;

  function keyOf(input: Float64Array, position: number): Float64Array {
    const key = multiply(k, input);
    const mean = key.reduce((sum, x) => sum + x, 0) / dim;
    const variance = key.reduce((sum, x) => sum + (x - mean) ** 2, 0) / dim;
    const scale = 1 / Math.sqrt(variance + EPSILON);
    const normed = key.map((x, i) => (x - mean) * scale * kNorm[i] + kNormBias[i]);
    rotateHead(normed, 0, position, pairs, amplitude);
    return normed;
  }

  return (input, latent, position, asked) => {
    keys.push(keyOf(input, position));
    if (dense || keys.length <= topK) return undefined;
    const query = multiply(q, latent);
    for (let h = 0; h < heads; h++) rotateHead(query, h * dim, position, pairs, amplitude);
    const factors = multiply(headWeights, input);
    const scores = Float64Array.from(keys, (key) => {
      let sum = 0;
      for (let h = 0; h < heads; h++) {
        let product = 0;
        for (let i = 0; i < dim; i++) product += query[h * dim + i] * key[i];
        sum += Math.max(product, 0) * factors[h];
      }
      return sum / Math.sqrt(heads * dim);
    });
    const order = [...scores.keys()].toSorted((a, b) => scores[b] - scores[a] || a - b);
    const chosen = order.slice(0, topK).toSorted((a, b) => a - b);
    const [last, next] = [scores[order[topK - 1]], scores[order[topK]]];
    return { positions: chosen, taken: asked ?? chosen, scores, last, next };
  };
}
