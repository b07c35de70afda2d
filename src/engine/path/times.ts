/** When a core was at which of its operations, out of the cycles in which it sent and took wavelets. */
import { EVENT } from '../fast/machine-code.js';
import { colorOfWavelet, sendsOf, takeColors, takesOf } from '../../program/program.js';
import { countedTakes } from '../../program/exchange.js';
import { timeOf, type OpTiming } from '../../program/timing.js';
import type { Operation, TrafficOp } from '../../program/program.js';
import type { CostTable } from '../../hardware/wafer.js';
import type { EventLog } from './log.js';

/** Wavelets that an operation takes or sends, in the order of their cycles. */
export interface Passings {
  count: number;
  /** Of a single colour: which of the core's of that colour the first is, and where its cycle is in the log. */
  color: number;
  index: number;
  at: number;
  /** Of several colours: each one. */
  mixed?: Passing[];
}

/** One wavelet of several colours. */
interface Passing {
  color: number;
  index: number;
  /** Where its cycle is in the log. */
  at: number;
}

export interface OpTimes {
  op: Operation;
  timing: OpTiming;
  /** When it begins with its set-up, acts, and is over. */
  begin: number;
  act: number;
  end: number;
  takes: Passings;
  sends: Passings;
}

/** The colour of the n-th of some wavelets; which of the core's of that colour it is; where its cycle is in the log. */
export function colorAt({ mixed, color }: Passings, n: number): number {
  return mixed === undefined ? color : mixed[n].color;
}

export function indexAt({ mixed, index }: Passings, n: number): number {
  return mixed === undefined ? index + n : mixed[n].index;
}

export function placeAt({ mixed, at }: Passings, n: number): number {
  return mixed === undefined ? at + n : mixed[n].at;
}

/** All operations of a core, the first of which begins in cycle `begin`. */
export function timesOf(
  log: EventLog,
  core: number,
  operations: readonly Operation[],
  begin: number,
  costs: CostTable,
): OpTimes[] {
  const taken = new Int32Array(COLORS);
  const sent = new Int32Array(COLORS);
  const all: OpTimes[] = [];
  let at = begin;
  for (const op of operations) {
    const timing = timeOf(op, costs);
    const act = at + timing.setup;
    const times: OpTimes = { op, timing, begin: at, act, end: 0, takes: NOTHING, sends: NOTHING };
    if (op.kind === 'traffic') {
      times.sends = mixedOf(log, EVENT.sends, core, sent, sentOf(op));
      times.takes = inOrder(log, mixedOf(log, EVENT.takes, core, taken, takenOf(op)));
    } else {
      const { wavelets, source, destination } = timing;
      if (source >= 0) times.takes = next(log, EVENT.takes, core, taken, source, wavelets);
      if (destination >= 0) times.sends = next(log, EVENT.sends, core, sent, destination, wavelets);
    }
    times.end = at = endOf(log, times);
    all.push(times);
  }
  return all;
}

const COLORS = 32;
const NOTHING: Passings = { count: 0, color: -1, index: 0, at: 0 };

/** The next so many wavelets of a colour that a core sends, or takes. */
function next(
  log: EventLog,
  kind: number,
  core: number,
  passed: Int32Array,
  color: number,
  count: number,
): Passings {
  if (count === 0) return NOTHING;
  const index = passed[color];
  passed[color] += count;
  return { count, color, index, at: log.first(kind, core, color) + index };
}

function mixedOf(
  log: EventLog,
  kind: number,
  core: number,
  passed: Int32Array,
  colors: readonly number[],
): Passings {
  const mixed = colors.map((color) => {
    const { index, at } = next(log, kind, core, passed, color, 1);
    return { color, index, at };
  });
  return { ...NOTHING, count: mixed.length, mixed };
}

function inOrder({ cycles }: EventLog, passings: Passings): Passings {
  const mixed = passings.mixed!.toSorted((a, b) => cycles[a.at] - cycles[b.at]);
  return { ...passings, mixed };
}

/** Colours of the wavelets that traffic sends, one by one. */
function sentOf(op: TrafficOp): number[] {
  return Array.from({ length: sendsOf(op) }, (_, i) => colorOfWavelet(op, i));
}

/** Those of what it takes, colour after colour: only an exchange says how many of each, if there are several. */
function takenOf(op: TrafficOp): number[] {
  const counted = countedTakes(op);
  if (counted.length > 0)
    return counted.flatMap(({ color, count }) => Array<number>(count).fill(color));
  const [color] = takeColors(op);
  return color === undefined ? [] : Array<number>(takesOf(op)).fill(color);
}

/** The cycle of the last of some wavelets. */
export function lastOf({ cycles }: EventLog, passings: Passings): number {
  return passings.count === 0 ? -Infinity : cycles[placeAt(passings, passings.count - 1)];
}

function endOf(log: EventLog, { op, timing, act, takes, sends }: OpTimes): number {
  if (takes.count + sends.count === 0) return act + timing.cycles;
  const [lastTake, lastSend] = [lastOf(log, takes), lastOf(log, sends)];
  if (op.kind === 'traffic') return Math.max(lastTake, lastSend) + 1;
  // A task works on what it takes, also if nothing is sent.
  return sends.count > 0 ? lastSend + 1 : lastTake + timing.interval;
}

/**
 * When each result of a stream from the fabric to the fabric first stood at the end of its pipeline, which stands
 * still as long as one has no slot.
 */
export function standsOf({ cycles }: EventLog, { timing, takes, sends }: OpTimes): Float64Array {
  const { latency } = timing;
  const { count } = takes;
  const stands = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const at = cycles[takes.at + k];
    let stand = at + latency;
    for (let j = Math.max(0, k - latency); j < k; j++)
      if (stands[j] >= at && stands[j] < stand) stand += cycles[sends.at + j] - stands[j];
    stands[k] = stand;
  }
  return stands;
}
