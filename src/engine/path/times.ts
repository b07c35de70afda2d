/** When a core was at which of its operations, out of the cycles in which it sent and took wavelets. */
import { EVENT } from '../fast/machine-code.js';
import { colorOfWavelet, sendsOf, takeColors, takesOf } from '../../program/program.js';
import { countedTakes } from '../../program/exchange.js';
import { timeOf, type OpTiming } from '../../program/timing.js';
import type { Operation, TrafficOp } from '../../program/program.js';
import type { CostTable } from '../../hardware/wafer.js';
import type { EventLog } from './log.js';

/** A wavelet of an operation: its colour, which of the core's of that colour it is, and when. */
export interface Passing {
  color: number;
  index: number;
  at: number;
}

export interface OpTimes {
  op: Operation;
  timing: OpTiming;
  /** When it begins with its set-up, acts, and is over. */
  begin: number;
  act: number;
  end: number;
  /** In the order of their cycles. */
  takes: Passing[];
  sends: Passing[];
}

/** All operations of a core, the first of which begins in cycle `begin`. */
export function timesOf(
  log: EventLog,
  core: number,
  operations: readonly Operation[],
  begin: number,
  costs: CostTable,
): OpTimes[] {
  const passed = { takes: new Map<number, number>(), sends: new Map<number, number>() };
  const next = (what: 'takes' | 'sends', color: number): Passing => {
    const index = passed[what].get(color) ?? 0;
    passed[what].set(color, index + 1);
    return { color, index, at: log.at(EVENT[what], core, color, index) };
  };
  let at = begin;
  return operations.map((op) => {
    const timing = timeOf(op, costs);
    const act = at + timing.setup;
    const { takes, sends } = passings(op, timing, next);
    const times = { op, timing, begin: at, act, end: 0, takes, sends };
    times.end = at = endOf(times);
    return times;
  });
}

function passings(
  op: Operation,
  { source, destination, wavelets }: OpTiming,
  next: (what: 'takes' | 'sends', color: number) => Passing,
): Pick<OpTimes, 'takes' | 'sends'> {
  if (op.kind === 'traffic') {
    const sends = Array.from({ length: sendsOf(op) }, (_, i) =>
      next('sends', colorOfWavelet(op, i)),
    );
    const takes = takenOf(op).flatMap(({ color, count }) =>
      Array.from({ length: count }, () => next('takes', color)),
    );
    return { sends, takes: takes.toSorted((a, b) => a.at - b.at) };
  }
  const all = (what: 'takes' | 'sends', color: number) =>
    color < 0 ? [] : Array.from({ length: wavelets }, () => next(what, color));
  return { takes: all('takes', source), sends: all('sends', destination) };
}

/** What traffic takes of each of its colours: only an exchange says it, if there are several. */
function takenOf(op: TrafficOp): { color: number; count: number }[] {
  const counted = countedTakes(op);
  if (counted.length > 0) return counted;
  const [color] = takeColors(op);
  return color === undefined ? [] : [{ color, count: takesOf(op) }];
}

function endOf({ op, timing, act, takes, sends }: OpTimes): number {
  const lastTake = takes.at(-1)?.at ?? -Infinity;
  const lastSend = sends.at(-1)?.at ?? -Infinity;
  if (takes.length + sends.length === 0) return act + timing.cycles;
  if (op.kind === 'traffic') return Math.max(lastTake, lastSend) + 1;
  // A task works on what it takes, also if nothing is sent.
  return sends.length > 0 ? lastSend + 1 : lastTake + timing.interval;
}

/**
 * When each result of a stream from the fabric to the fabric first stood at the end of its pipeline, which stands
 * still as long as one has no slot.
 */
export function standsOf({ timing: { latency }, takes, sends }: OpTimes): number[] {
  const stands: number[] = [];
  for (let k = 0; k < takes.length; k++) {
    const { at } = takes[k];
    let stand = at + latency;
    for (let j = Math.max(0, k - latency); j < k; j++)
      if (stands[j] >= at && stands[j] < stand) stand += sends[j].at - stands[j];
    stands.push(stand);
  }
  return stands;
}
