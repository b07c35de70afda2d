/** What the cycles of a round are: the rows of a speculating run, which add up. */
import type { RoundRows } from '../../report/document.js';
import type { TimedRound } from './round.js';
import type { Sent } from './sent.js';

export interface RoundTiming {
  cycles: number;
  rows: RoundRows;
}

/**
 * The rows of a round, followed along its last token. Each is measured separately, so their sum is a check. First come
 * the drafts and their transport, until that token is sent. It then waits behind the tokens before it, takes as long as a
 * plain token at its longer context, and is compared. The first token also selects the accepted memory and so takes
 * longer than a plain one; rollback is the part of that which holds up the last token.
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
