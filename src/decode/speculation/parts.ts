/** What the cycles of a round are: the rows of a speculating run, which add up. */
import type { RoundRows } from '../../report/document.js';
import type { TimedRound } from './round.js';
import type { Sent } from './sent.js';

export interface RoundTiming {
  cycles: number;
  rows: RoundRows;
}

/**
 * The rows of a round, along its last token. Each is measured separately, so that their adding up is a check. Drafts and
 * their transport come first, until that token is sent. It then waits behind those before it, takes as long as a plain
 * token or longer, since it stands further on, and is compared. Rollback is how much longer than a plain token the first
 * one takes, which selects, as far as that delays the last one.
 */
export function partsOf(round: TimedRound, sent: Sent, plain: number): RoundTiming {
  const { cycles, timings } = round;
  const { draft, transport, launches } = sent;
  const ownOf = (index: number) => timings.at(index)!.cycles - timings.at(index)!.waited;
  const waited = timings.at(-1)!.waited - launches.at(-1)!;
  const comparison = timings.at(-1)!.operators.get('verify')?.cycles ?? 0;
  const selected = Math.max(0, ownOf(0) - plain);
  // One that is alone is the first token itself.
  const rollback = timings.length === 1 ? selected : Math.min(waited, selected);
  const spacing = waited - rollback + ownOf(-1) - comparison - plain;
  return { cycles, rows: { draft, verify: plain, spacing, comparison, transport, rollback } };
}
