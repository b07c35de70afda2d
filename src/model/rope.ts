/**
 * Rotary position embedding: the inverse frequency of each pair, and how models that were made for
 * longer contexts stretch it (Su et al. 2021, arXiv 2104.09864; Llama 3.1; YaRN, arXiv 2309.00071;
 * Hugging Face transformers, src/transformers/modeling_rope_utils.py).
 */
import type { Llama3Scaling, Rope, YarnScaling } from './attention-spec.js';

/** Two elements of a head that turn together, and by how many radians a position. */
export interface RotaryPair {
  first: number;
  second: number;
  frequency: number;
}

/**
 * A head's elements in pairs, `headDim / 2` of them: those that turn, then those that stand still (with
 * frequency 0, as all do without `rope`), if possible as far apart.
 * @param positions of the whole run: LongRoPE stretches by them
 */
export function rotaryPairs(
  headDim: number,
  rope: Rope | undefined,
  positions: number,
): RotaryPair[] {
  const { width, pairs } = rope ?? { width: headDim, pairs: 'halves' };
  const frequencies = rope && ropeFrequencies(rope, positions);
  const turning = Array.from({ length: width / 2 }, (_, i): RotaryPair => {
    const frequency = frequencies?.[i] ?? 0;
    return pairs === 'halves'
      ? { first: i, second: i + width / 2, frequency }
      : { first: 2 * i, second: 2 * i + 1, frequency };
  });
  const still = (headDim - width) / 2;
  const others = Array.from({ length: still }, (_, i): RotaryPair => {
    return { first: width + i, second: width + still + i, frequency: 0 };
  });
  return [...turning, ...others];
}

/**
 * Radians per position of the pairs that turn, `dim / 2` entries.
 * @param positions of the whole run
 */
export function ropeFrequencies(rope: Rope, positions: number): Float64Array {
  const { dim, width, theta, scaling: s } = rope;
  const own = Float64Array.from({ length: dim / 2 }, (_, i) => theta ** ((-2 * i) / width));
  if (s === undefined) return own;
  if ('lowFreqFactor' in s) return own.map((frequency) => llama3(frequency, s));
  if ('betaFast' in s) return yarn(own, rope, s);
  if ('factor' in s) return own.map((frequency) => frequency / s.factor);
  const factors = positions > s.originalMaxPosition ? s.long : s.short;
  return own.map((frequency, i) => frequency / factors[i]);
}

/** What cosines and sines are multiplied by. */
export function ropeAmplitude(rope: Rope | undefined): number {
  return rope?.scaling && 'amplitude' in rope.scaling ? rope.scaling.amplitude : 1;
}

/** Long waves are stretched by `factor`, short ones kept, those between go over linearly. */
function llama3(frequency: number, s: Llama3Scaling): number {
  const rotations = (s.originalMaxPosition * frequency) / (2 * Math.PI);
  if (rotations > s.highFreqFactor) return frequency;
  // With equal limits nothing lies between them, and 0 / 0 is no share.
  if (rotations < s.lowFreqFactor || s.lowFreqFactor === s.highFreqFactor)
    return frequency / s.factor;
  const kept = (rotations - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
  return (1 - kept) * (frequency / s.factor) + kept * frequency;
}

/** As published, the ramp runs over the numbers of the pairs, from kept to divided by `factor`. */
function yarn(own: Float64Array, { dim, theta }: Rope, s: YarnScaling): Float64Array {
  /** The pair, as a fraction, that makes so many rotations within the original context. */
  const pairOf = (rotations: number) =>
    (dim * Math.log(s.originalMaxPosition / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [pairOf(s.betaFast), pairOf(s.betaSlow)];
  const low = Math.max(s.truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(s.truncate ? Math.ceil(slow) : slow, dim - 1);
  const width = low === high ? 0.001 : high - low;
  return own.map((frequency, i) => {
    const divided = Math.min(Math.max((i - low) / width, 0), 1);
    return (frequency / s.factor) * divided + frequency * (1 - divided);
  });
}

/** Turns one head, the elements from `at` on, in place to its position, and multiplies them by `amplitude`. */
export function rotateHead(
  values: Float64Array,
  at: number,
  position: number,
  pairs: readonly RotaryPair[],
  amplitude = 1,
): void {
  for (const { first, second, frequency } of pairs) {
    if (frequency === 0) continue;
    const angle = position * frequency;
    const [cos, sin] = [amplitude * Math.cos(angle), amplitude * Math.sin(angle)];
    const [low, high] = [values[at + first], values[at + second]];
    values[at + first] = low * cos - high * sin;
    values[at + second] = high * cos + low * sin;
  }
}
