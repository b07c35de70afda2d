/**
 * Choices that the wafer and the plain decoder both make: of experts, of positions. The wafer's scores are rounded, so
 * that near ties may be decided otherwise: the plain decoder then follows the wafer, and every other choice has to be
 * the same.
 */
import type { FloatType } from '../numeric/types.js';

/**
 * By how much of the largest size of what is compared an expert (or a group) may be worse than one that is left
 * out. In f32 rounding leaves about 1e-6. In f16 every input of the router is off by up to 2^-11 of itself from
 * its own rounding alone, and the residual stream is a sum of many roundings before it: of n independent ones the
 * error grows as their root. Those of the deepest models (some 60 layers of four to six roundings of the stream)
 * come to 16 to 19 roundings, as many as one score may be off by; what is compared are two of them.
 */
export const NEAR_TIE = { f32: 1e-5, f16: 32 * 2 ** -11 } as const satisfies Record<
  FloatType,
  number
>;

/** Of all layers and tokens so far. */
export interface Choices<Wrong> {
  /** Choices of the same ones, and all choices. */
  agree: number;
  of: number;
  /** The least gap to what is left out, relative to the largest score; Infinity where nothing was left out. */
  margin: number;
  /** The first choice that differs and is no near tie. */
  wrong?: Wrong;
}

export function noChoices(): Choices<never> {
  return { agree: 0, of: 0, margin: Infinity };
}

/** Adds one. @param wrong says what is wrong with one that differs; nothing of a near tie */
export function count<Wrong>(
  choices: Choices<Wrong>,
  { isSame, margin }: { isSame: boolean; margin: number },
  wrong: () => Wrong | undefined,
): void {
  choices.of++;
  choices.margin = Math.min(choices.margin, margin);
  if (isSame) {
    choices.agree++;
    return;
  }
  const found = choices.wrong ?? wrong();
  if (found !== undefined) choices.wrong = found;
}

/** How much better the best that is left out is than the worst of the chosen. */
export function worseBy(scores: Float64Array, chosen: readonly number[]): number {
  const own = new Set(chosen);
  let [least, best] = [Infinity, -Infinity];
  for (const [number, score] of scores.entries())
    if (own.has(number)) least = Math.min(least, score);
    else best = Math.max(best, score);
  return best - least;
}

export function largestSize(scores: Float64Array): number {
  return scores.reduce((size, score) => Math.max(size, Math.abs(score)), 0);
}
