/** What the cycles of a round are: the rows of a speculating run, which add up. */
import type { RoundRows } from '../../report/document.js';
import type { TimedRound } from './round.js';
import type { Sent } from './timer.js';

export interface RoundTiming {
  cycles: number;
  rows: RoundRows;
}

/**
 * The rows of a round, along its last token: until it is sent there are drafts and their transport; then it takes as
 * long as a plain one, is compared, and what is left it takes longer as it follows others. Of that is rollback what
 * the first token takes longer than a plain one, as far as the last one waited for those before it.
 */
export function partsOf(round: TimedRound, sent: Sent, plain: number): RoundTiming {
  const { cycles, timings } = round;
  const { draft, transport, launches } = sent;
  const [first, last] = [timings[0], timings.at(-1)!];
  const comparison = last.operators.get('verify')?.cycles ?? 0;
  const rest = cycles - draft - transport - plain - comparison;
  const selected = first.cycles - launches[0] - plain;
  const waited = timings.length === 1 ? rest : last.waited - launches.at(-1)!;
  const rollback = Math.max(0, Math.min(selected, waited, rest));
  const spacing = rest - rollback;
  return { cycles, rows: { draft, verify: plain, spacing, comparison, transport, rollback } };
}
