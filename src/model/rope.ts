/**
 * Rotary position embedding: the inverse frequency of each pair, and Llama 3.1's stretch of the low
 * ones (Su et al. 2021, arXiv 2104.09864; Hugging Face transformers,
 * src/transformers/modeling_rope_utils.py, `_compute_llama3_parameters`).
 */
import type { ModelSpec, RopeScaling } from './model.js';

/** Radians per position of pair (i, i + headDim/2) of a head, `headDim / 2` entries. */
export function ropeFrequencies(
  model: Pick<ModelSpec, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
): Float64Array {
  const { headDim, ropeTheta, ropeScaling } = model;
  const frequencies = new Float64Array(headDim / 2);
  for (let i = 0; i < frequencies.length; i++) {
    const frequency = ropeTheta ** ((-2 * i) / headDim);
    frequencies[i] = ropeScaling ? stretch(frequency, ropeScaling) : frequency;
  }
  return frequencies;
}

/** Long waves are stretched by `factor`, short ones kept, those between go over linearly. */
function stretch(frequency: number, s: RopeScaling): number {
  const turns = (s.originalMaxPosition * frequency) / (2 * Math.PI);
  if (turns > s.highFreqFactor) return frequency;
  if (turns < s.lowFreqFactor) return frequency / s.factor;
  const kept = (turns - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
  return (1 - kept) * (frequency / s.factor) + kept * frequency;
}

/**
 * Turns one head in place to its position: pair (i, i + half) by `position * frequencies[i]`, the
 * halves as in Hugging Face's `rotate_half`. The head is `2 * frequencies.length` numbers from `at`.
 */
export function rotateHead(
  values: Float64Array,
  at: number,
  position: number,
  frequencies: Float64Array,
): void {
  const half = frequencies.length;
  for (let i = at; i < at + half; i++) {
    const angle = position * frequencies[i - at];
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const [low, high] = [values[i], values[i + half]];
    values[i] = low * cos - high * sin;
    values[i + half] = high * cos + low * sin;
  }
}
