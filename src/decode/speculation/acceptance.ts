/** Speeds of rounds whose cycles are known: with a chance that is assumed, and the chance that a speed asks for. */
import { acceptanceFor, tokensPerRound } from '../../numeric/acceptance.js';
import type { AcceptanceResult } from '../../report/document.js';

/** What is assumed where nothing is known. */
export const CHANCES = [0.5, 0.6, 0.7, 0.8, 0.9];

/** Tokens per second of one user whose rounds verify `tokens` in so many cycles, every drafted one right by `chance`. */
export function speedOf(cycles: number, tokens: number, chance: number, clockHz: number): number {
  return (tokensPerRound(Array<number>(tokens - 1).fill(chance)) * clockHz) / cycles;
}

/** The chance that gives a speed; 0 where none is needed, undefined where 1 is not enough. */
export function chanceFor(speed: number, cycles: number, tokens: number, clockHz: number) {
  return acceptanceFor((speed * cycles) / clockHz, tokens);
}

/**
 * @param cycles of rounds of one user alone, by the tokens that they verify, from 2 on
 * @param target tokens per second of one user, if any are asked for
 */
export function acceptanceOf(
  cycles: readonly number[],
  clockHz: number,
  target?: number,
): AcceptanceResult {
  return {
    chances: [...CHANCES],
    ...(target !== undefined && { target }),
    rounds: cycles.map((cyclesPerRound, i) => {
      const tokens = i + 2;
      const speed = (chance: number) => speedOf(cyclesPerRound, tokens, chance, clockHz);
      const needed = target && chanceFor(target, cyclesPerRound, tokens, clockHz);
      return {
        tokens,
        cyclesPerRound,
        tokensPerSecondPerUser: CHANCES.map(speed),
        ...(target !== undefined && { needed: needed ?? null }),
      };
    }),
  };
}
