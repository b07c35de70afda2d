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
 * a plain token, and is compared. To be able to go back costs what its own way takes longer than a plain token's, and
 * what the first token's does (which selects), as far as the last one waits for that.
 */
export function partsOf(round: TimedRound, sent: Sent, plain: number): RoundTiming {
  const { cycles, timings } = round;
  const { draft, transport, launches } = sent;
  const ownOf = (index: number) => timings.at(index)!.cycles - timings.at(index)!.waited;
  const waited = timings.at(-1)!.waited - launches.at(-1)!;
  const comparison = timings.at(-1)!.operators.get('verify')?.cycles ?? 0;
  const selects = Math.min(waited, Math.max(0, ownOf(0) - plain));
  const rows = {
    ...{ draft, transport, verify: plain, comparison },
    spacing: waited - selects,
    rollback: ownOf(-1) - plain - comparison + selects,
  };
  return { cycles, rows };
}
