/** What chosen cores do in a step, operation by operation, as tracks of a trace. */
import type { CoreOperation } from './detail.js';
import { nameProcess, nameTrack, type TraceEvent } from './trace-events.js';

/** A track for each core: a span for each operation, with its set-up as a span inside. */
export function coreEvents(
  operations: readonly CoreOperation[],
  pid: number,
  microseconds: (cycles: number) => number,
): TraceEvent[] {
  if (operations.length === 0) return [];
  const nameOf = ({ wafer, x, y }: CoreOperation) => `wafer ${wafer}, core ${x}, ${y}`;
  const names = [...new Set(operations.map(nameOf))];
  return [
    ...nameProcess(pid, 'cores'),
    ...names.flatMap((name, i) => nameTrack({ pid, tid: i + 1 }, name, i)),
    ...operations.flatMap((one): TraceEvent[] => {
      const { stage, operator, index, kind, instruction, from, to, setup, takes, sends } = one;
      const span = (name: string, length: number): TraceEvent => ({
        ...{ ph: 'X', pid, tid: names.indexOf(nameOf(one)) + 1, name, cat: 'operation' },
        ...{ ts: microseconds(from), dur: microseconds(length) },
      });
      const args = { stage, operator, index, kind, takes, sends };
      return [
        { ...span(instruction, to - from), args },
        ...(setup > 0 ? [span('set-up', setup)] : []),
      ];
    }),
  ];
}
