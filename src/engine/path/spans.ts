/** When a core was at which of its operations, as a list of them. */
import type { CostTable } from '../../hardware/wafer.js';
import type { Operation } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import type { OpTimes } from './times.js';

/** An operation of a core: when it begins with its set-up, acts and is over; wavelets that it takes and sends. */
export interface OpSpan {
  op: Operation;
  begin: number;
  act: number;
  end: number;
  takes: number;
  sends: number;
}

/** @param later cycles by which their clock is later than the times' */
export function spansOf(times: readonly OpTimes[], later = 0): OpSpan[] {
  return times.map(({ op, begin, act, end, takes, sends }) => ({
    ...{ op, begin: begin + later, act: act + later, end: end + later },
    ...{ takes: takes.count, sends: sends.count },
  }));
}

/** Operations without the fabric, which are over in cycle `end`. */
export function spansUpTo(
  operations: readonly Operation[],
  end: number,
  costs: CostTable,
): OpSpan[] {
  const spans: OpSpan[] = [];
  let to = end;
  for (const op of operations.toReversed()) {
    const { setup, cycles } = timeOf(op, costs);
    const act = to - cycles;
    spans.push({ op, begin: act - setup, act, end: to, takes: 0, sends: 0 });
    to = act - setup;
  }
  return spans.reverse();
}
