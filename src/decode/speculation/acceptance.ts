/** Speeds of rounds whose cycles are known: with a chance that is assumed, and the chance that a speed asks for. */
import { acceptanceFor, tokensPerRound } from '../../numeric/acceptance.js';
import type { AcceptanceResult } from '../../report/document.js';

/** What is assumed where nothing is known. */
export const CHANCES = [0.5, 0.6, 0.7, 0.8, 0.9];

/** Rounds of one user that verify so many tokens. */
export interface Rounds {
  tokens: number;
  /** Of a round before which nothing was accepted; and what each token adds that was. */
  cycles: number;
  again: number;
}

/** Cycles of a round in the mean, where rounds give `given` tokens in the mean: all but one of them accepted. */
export function meanCycles({ cycles, again }: Rounds, given: number): number {
  return cycles + again * (given - 1);
}

/** Tokens per second of one user, every drafted token of whose rounds is right by `chance`. */
export function speedOf(rounds: Rounds, chance: number, clockHz: number): number {
  const given = tokensPerRound(Array<number>(rounds.tokens - 1).fill(chance));
  return (given * clockHz) / meanCycles(rounds, given);
}

/** The chance that gives a speed; 0 where none is needed, undefined where 1 is not enough. */
export function chanceFor(speed: number, { tokens, cycles, again }: Rounds, clockHz: number) {
  const perToken = clockHz - speed * again;
  // Each accepted token takes longer than it may.
  if (perToken <= 0) return undefined;
  return acceptanceFor((speed * (cycles - again)) / perToken, tokens);
}

/**
 * @param cycles of rounds of one user alone before which nothing was accepted, by the tokens that they verify, from 2
 *   on
 * @param again what each accepted token adds to the next round
 * @param target tokens per second of one user, if any are asked for
 */
export function acceptanceOf(
  cycles: readonly number[],
  again: number,
  clockHz: number,
  target?: number,
): AcceptanceResult {
  return {
    chances: [...CHANCES],
    ...(target !== undefined && { target }),
    ...(again > 0 && { cyclesPerAccepted: again }),
    rounds: cycles.map((cyclesPerRound, i) => {
      const rounds = { tokens: i + 2, cycles: cyclesPerRound, again };
      const needed = target && chanceFor(target, rounds, clockHz);
      return {
        tokens: rounds.tokens,
        cyclesPerRound,
        tokensPerSecondPerUser: CHANCES.map((chance) => speedOf(rounds, chance, clockHz)),
        ...(target !== undefined && { needed: needed ?? null }),
      };
    }),
  };
}
