/**
 * Rotary position embedding: the inverse frequency of each pair, and how models that were made for
 * longer contexts stretch it (Su et al. 2021, arXiv 2104.09864; Llama 3.1; YaRN, arXiv 2309.00071;
 * Hugging Face transformers, src/transformers/modeling_rope_utils.py).
 */
import type { Llama3Scaling, ModelSpec, YarnScaling } from './model.js';

type Rotary = Pick<ModelSpec, 'headDim' | 'ropeTheta' | 'ropeScaling'>;

/** Radians per position of pair (i, i + headDim/2) of a head, `headDim / 2` entries. */
export function ropeFrequencies(model: Rotary): Float64Array {
  const { headDim, ropeTheta, ropeScaling: s } = model;
  const own = Float64Array.from(
    { length: headDim / 2 },
    (_, i) => ropeTheta ** ((-2 * i) / headDim),
  );
  if (s === undefined) return own;
  if ('lowFreqFactor' in s) return own.map((frequency) => llama3(frequency, s));
  if ('betaFast' in s) return yarn(own, model, s);
  return own.map((frequency) => frequency / s.factor);
}

/** What cosines and sines are multiplied by. */
export function ropeAmplitude({ ropeScaling }: Pick<ModelSpec, 'ropeScaling'>): number {
  return ropeScaling && 'amplitude' in ropeScaling ? ropeScaling.amplitude : 1;
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
function yarn(own: Float64Array, { headDim, ropeTheta }: Rotary, s: YarnScaling): Float64Array {
  /** The pair, as a fraction, that makes so many rotations within the original context. */
  const pairOf = (rotations: number) =>
    (headDim * Math.log(s.originalMaxPosition / (rotations * 2 * Math.PI))) /
    (2 * Math.log(ropeTheta));
  const [fast, slow] = [pairOf(s.betaFast), pairOf(s.betaSlow)];
  const low = Math.max(s.truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(s.truncate ? Math.ceil(slow) : slow, headDim - 1);
  const width = low === high ? 0.001 : high - low;
  return own.map((frequency, i) => {
    const divided = Math.min(Math.max((i - low) / width, 0), 1);
    return (frequency / s.factor) * divided + frequency * (1 - divided);
  });
}

/**
 * Rotates one head in place to its position: pair (i, i + half) by `position * frequencies[i]`, the
 * halves as in Hugging Face's `rotate_half`, and multiplies it by `amplitude`. The head is
 * `2 * frequencies.length` numbers from `at`.
 */
export function rotateHead(
  values: Float64Array,
  at: number,
  position: number,
  frequencies: Float64Array,
  amplitude = 1,
): void {
  const half = frequencies.length;
  for (let i = at; i < at + half; i++) {
    const angle = position * frequencies[i - at];
    const [cos, sin] = [amplitude * Math.cos(angle), amplitude * Math.sin(angle)];
    const [low, high] = [values[i], values[i + half]];
    values[i] = low * cos - high * sin;
    values[i + half] = high * cos + low * sin;
  }
}
