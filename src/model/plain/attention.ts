/**
 * Attention of grouped queries (Ainslie et al. 2023, arXiv 2305.13245) over a cache of keys and values,
 * as Hugging Face transformers has it in src/transformers/models/FAMILY/modeling_FAMILY.py.
 */
import type { GqaSpec, Span } from '../attention-spec.js';
import type { GqaWeights, Vector } from '../model-weights.js';
import { ropeAmplitude, rotaryPairs, rotateHead } from '../rope.js';
import { eachHead, rmsNorm, unitNorm, type NormRule } from './norm.js';
import { multiply, project, scaleBy, sigmoid, softCap, softmax } from './vectors.js';

/** [position][kvHeads * headDim]: keys after RoPE, and values. */
export interface KvCache {
  keys: Float64Array[];
  values: Float64Array[];
  /** Keys of an indexer, after RoPE. */
  indexKeys?: Float64Array[];
}

/** Takes a token's input at its position, after all earlier ones, and returns what attention adds. */
export type Attention = (input: Float64Array, position: number) => Float64Array;

/** @param positions of the whole run */
export function gqaAttention(
  spec: GqaSpec,
  weights: GqaWeights,
  rule: NormRule,
  { keys, values }: KvCache,
  positions: number,
): Attention {
  const { heads, headDim, bias } = spec;
  const pairs = rotaryPairs(headDim, spec.rope, positions);
  const amplitude = ropeAmplitude(spec.rope);

  /** Norms and position of queries or keys, in place. */
  function prepare(vectors: Float64Array, position: number, weight: Vector | undefined) {
    if (spec.qkNorm === 'head') eachHead(vectors, headDim, (h) => rmsNorm(h, weight!, rule));
    if (spec.qkNorm === 'whole') vectors.set(rmsNorm(vectors, weight!, rule));
    for (let at = 0; at < vectors.length; at += headDim)
      rotateHead(vectors, at, position, pairs, amplitude);
    if (spec.qkNorm === 'head-after-rope')
      eachHead(vectors, headDim, (head) => unitNorm(head, rule.normEpsilon));
  }

  return (input, position) => {
    const query = project(weights.q, input, bias, weights.qBias);
    const key = project(weights.k, input, bias, weights.kBias);
    const value = spec.valueIsKey ? key.slice() : project(weights.v, input, bias, weights.vBias);
    prepare(query, position, weights.qNorm);
    prepare(key, position, weights.kNorm);
    if (spec.vNorm) eachHead(value, headDim, (head) => unitNorm(head, rule.normEpsilon));
    scaleBy(query, temperatureAt(spec, position));
    keys.push(key);
    values.push(value);

    const attended = new Float64Array(heads * headDim);
    for (let h = 0; h < heads; h++)
      attendHead(spec, { keys, values }, query, h, attended, weights.sinks);
    if (spec.gate) {
      const gate = multiply(weights.gate!, input);
      for (let i = 0; i < attended.length; i++) attended[i] *= sigmoid(gate[i]);
    }
    return project(weights.o, attended, spec.outBias, weights.oBias);
  };
}

/** Writes query head `h`'s share of the values of the last position and those that it sees. */
function attendHead(
  spec: GqaSpec,
  { keys, values }: KvCache,
  query: Float64Array,
  h: number,
  attended: Float64Array,
  sinks: Vector | undefined,
): void {
  const { heads, kvHeads, headDim, scale, scoreCap } = spec;
  const queryAt = h * headDim;
  const kvAt = Math.floor((h * kvHeads) / heads) * headDim;
  const first = firstSeen(spec.span, keys.length - 1);
  const scores = new Float64Array(keys.length - first);
  for (let j = 0; j < scores.length; j++) {
    const key = keys[first + j];
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += query[queryAt + i] * key[kvAt + i];
    scores[j] = scoreCap === undefined ? sum * scale : softCap(sum * scale, scoreCap);
  }
  const shares = softmax(scores, spec.sinks ? sinks![h] : undefined);
  for (const [j, share] of shares.entries()) {
    const value = values[first + j];
    for (let i = 0; i < headDim; i++) attended[queryAt + i] += share * value[kvAt + i];
  }
}

/** The first position that the token at `position` attends to. */
function firstSeen(span: Span, position: number): number {
  if (span.kind === 'window') return Math.max(0, position - span.size + 1);
  if (span.kind === 'chunk') return position - (position % span.size);
  return 0;
}

function temperatureAt({ temperature }: GqaSpec, position: number): number {
  if (!temperature) return 1;
  return 1 + temperature.scale * Math.log(1 + Math.floor((position + 1) / temperature.floor));
}
