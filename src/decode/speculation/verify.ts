/**
 * A round of speculative decoding with real numbers: the certain token and the drafted ones go through the wafer one
 * after the other, its head finds out how many were guessed right, and the next round goes on after the last of these.
 * Whatever is drafted, the tokens that come out are those of plain greedy decoding.
 */
import type { ChosenExperts } from '../../model/plain/decoder.js';
import type { InFlight } from '../../lowering/in-flight.js';
import { checkInRound, isToken, rejectLast, type Numbers } from '../compute.js';
import type { Begun } from '../computing.js';
import type { SimulateOptions } from '../options.js';
import type { Runner } from '../runner.js';
import type { StageRunner } from '../stages.js';
import { computeToken } from '../step.js';

/** What a round came to. */
export interface ComputedRound {
  /** Tokens that were guessed, and how many of them, from the first on, were right. */
  drafted: number[];
  accepted: number;
  /** One more than are accepted, or as many of these as are wanted. */
  emitted: number[];
  /** For each of these, the experts that its step's programs were written for, where those lie in strips. */
  experts: (ChosenExperts | undefined)[];
}

/** Begins a token at a position, as of `stepBeginner`. */
export type Begin = (position: number, step?: number, inFlight?: InFlight) => Promise<Begun>;

/** What rounds of one model run on. */
export interface RoundRunner {
  numbers: Numbers;
  runner: StageRunner;
  programs: Runner;
  begin: Begin;
  /** Tokens that a round has at most. */
  most: number;
  onLogits?: SimulateOptions['onLogits'];
}

/**
 * Verifies drafted tokens after the certain one at `position`, which the numbers name.
 * @param drafted up to `most` - 1 tokens
 * @param wanted how many of the tokens that come out of it, from the first on
 * @returns undefined if some choice is no token (NaN)
 */
export async function verifyRound(
  { numbers, runner, programs, begin, most, onLogits }: RoundRunner,
  position: number,
  drafted: readonly number[],
  wanted: (emitted: readonly number[]) => number = ({ length }) => length,
): Promise<ComputedRound | undefined> {
  const { plain, memory } = numbers;
  const tokens = [numbers.token, ...drafted];
  const marks: (() => void)[] = [];
  const found: { chosen: number; logits: ArrayLike<number>; experts?: ChosenExperts }[] = [];
  for (const [index, token] of tokens.entries()) {
    const inFlight = { index, of: most, tokens: tokens.length };
    numbers.token = token;
    const { plan, stages } = await begin(position + index, 0, inFlight);
    await computeToken(runner, plan, stages, numbers, position + index, programs, inFlight);
    const experts = numbers.ahead?.experts;
    found.push({ ...checkInRound(numbers), ...(experts && { experts }) });
    if (!isToken(found[index].chosen, numbers)) return undefined;
    marks.push(plain.mark());
  }
  const { token, accepted } = memory.verified!();
  numbers.token = token;
  marks[accepted]();
  numbers.hiddens?.splice(position + accepted + 1);
  const right = found.slice(0, accepted + 1);
  const kept = right.slice(0, wanted(right.map(({ chosen }) => chosen)));
  rejectLast(numbers, found.length - kept.length);
  for (const { logits } of kept) onLogits?.(logits);
  return {
    drafted: [...drafted],
    accepted,
    emitted: kept.map(({ chosen }) => chosen),
    experts: kept.map(({ experts }) => experts),
  };
}
