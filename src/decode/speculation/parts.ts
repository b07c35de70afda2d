/** What the cycles of a round are: the rows of a speculating run, which add up. */
import type { RoundRows } from '../../report/document.js';
import type { TimedRound } from './round.js';
import type { Sent } from './timer.js';

export interface RoundTiming {
  cycles: number;
  rows: RoundRows;
}

/**
 * The rows of a round, along its last token; each is measured for itself, so that to add up is a check. Until that
 * token is sent there are drafts and their transport. It waits for its turn behind those before it, takes as long as
 * a plain token or longer, as it stands further on, and is compared. Of that is rollback what the first token, which
 * selects, takes longer than a plain one, as far as the last one waits for it.
 */
export function partsOf(round: TimedRound, sent: Sent, plain: number): RoundTiming {
  const { cycles, timings } = round;
  const { draft, transport, launches } = sent;
  const ownOf = (index: number) => timings.at(index)!.cycles - timings.at(index)!.waited;
  const waited = timings.at(-1)!.waited - launches.at(-1)!;
  const comparison = timings.at(-1)!.operators.get('verify')?.cycles ?? 0;
  const selected = Math.max(0, ownOf(0) - plain);
  const rollback = timings.length === 1 ? selected : Math.min(waited, selected);
  const longer = ownOf(-1) - comparison - plain;
  const spacing = timings.length === 1 ? longer - rollback : waited - rollback + longer;
  return { cycles, rows: { draft, verify: plain, spacing, comparison, transport, rollback } };
}
