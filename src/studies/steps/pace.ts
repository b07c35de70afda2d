/** How fast users decode at one context: by simulated steps, or by rounds where tokens are drafted. */
import { chosenRound, type Round, type RoundPolicy } from '../../serving/rounds.js';
import type { Point } from './step-times.js';

/** What rounds depend on that is not simulated. */
export interface Guesses {
  /** Of each drafted token the chance that it is right, given that those before it are. */
  chances: readonly number[];
  policy: RoundPolicy;
}

/** The round of `users` users: its cycles, the tokens that it verifies for each and those that it emits in the mean. */
export function roundOf(
  { alone, spacing, rounds }: Pick<Point, 'alone' | 'spacing' | 'rounds'>,
  users: number,
  { chances, policy }: Guesses = { chances: [], policy: 'fixed' },
): Omit<Round, 'ns'> & { cycles: number } {
  const [own, draft] = rounds === undefined ? [[alone], 0] : [rounds.alone, rounds.draftSpacing];
  const slowest = Math.max(spacing, draft);
  const { ns: cycles, ...round } = chosenRound(
    {
      ...{ tokens: own.length, chances, policy, seed: '' },
      roundTime: (all, tokens) => Math.max(own[tokens - 1], all * tokens * slowest),
    },
    users,
    0,
    { mean: 0, max: 0, total: 0 },
  );
  return { ...round, cycles };
}

/** Cycles between two tokens of each of `users` users, in the mean. */
export function paceOf(
  point: Pick<Point, 'alone' | 'spacing' | 'rounds'>,
  users: number,
  guesses?: Guesses,
): number {
  const { cycles, emitted } = roundOf(point, users, guesses);
  return cycles / emitted;
}
