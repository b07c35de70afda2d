/** Records of operations, `OP_WORDS` entries each: what the machine knows of them. */
import { countedTakes } from '../../program/exchange.js';
import { sendsOf, takesOf } from '../../program/program.js';
import type { MemoryOperation, Operation, VectorOp } from '../../program/program.js';
import type { OpTiming } from '../../program/timing.js';
import type { Gaps } from './gaps.js';
import { COUNTED_TAKES, FIXED, OP, ROUTE, STREAM, TASK, TRAFFIC } from './machine-code.js';

/** Fields of a record; the first two have 64 bits (see `wideAt`). */
const { setup: SETUP, cycles: CYCLES, kind: KIND, count: COUNT, latency: LATENCY } = OP;
const { source: SOURCE, destination: DESTINATION, label: LABEL, more: MORE } = OP;

/** A whole number in two entries, the lower half first. */
export function wideAt(records: Int32Array, at: number): number {
  return records[at + 1] * 2 ** 32 + (records[at] >>> 0);
}

function addWide(records: Int32Array, at: number, value: number): void {
  const sum = wideAt(records, at) + value;
  records[at] = sum;
  records[at + 1] = Math.floor(sum / 2 ** 32);
}

/** Set-up and computing of an operation that does not use the fabric, by the place of its record. */
export function cyclesAt(records: Int32Array, at: number): number {
  return wideAt(records, at + SETUP) + wideAt(records, at + CYCLES);
}

/** What an operation's record says of its timing. */
export interface OperationRecord {
  label: number;
  setup: number;
  cycles: number;
  /** Whether it is a stream, or synthetic traffic. */
  kind: 'stream' | 'traffic' | 'other';
  /** Colours of a stream, -1 for none. */
  source: number;
  destination: number;
}

export function readRecord(records: Int32Array, at: number): OperationRecord {
  const kind = records[at + KIND];
  return {
    label: records[at + LABEL],
    setup: wideAt(records, at + SETUP),
    cycles: wideAt(records, at + CYCLES),
    kind: kind === STREAM || kind === TASK ? 'stream' : kind === TRAFFIC ? 'traffic' : 'other',
    source: records[at + SOURCE],
    destination: records[at + DESTINATION],
  };
}

export function usesFabric(time: OpTiming): boolean {
  return time.source >= 0 || time.destination >= 0;
}

/** Writes an operation's record to where all entries are 0. */
export function fillRecord(
  records: Int32Array,
  at: number,
  op: Operation,
  time: OpTiming,
  gapsFrom: Gaps['from'],
): void {
  records[at + LABEL] = op.label;
  records[at + SOURCE] = time.source;
  records[at + DESTINATION] = time.destination;
  // A task, which alone may take longer than 32 bits can say, has no pipeline.
  records[at + LATENCY] = time.interval === 1 ? time.latency : 1;
  addWide(records, at + SETUP, time.setup);
  addWide(records, at + CYCLES, time.cycles);
  if (op.kind === 'traffic') {
    records[at + COUNT] = sendsOf(op);
    records[at + LATENCY] = countedTakes(op).length > 0 ? COUNTED_TAKES : time.latency;
    records[at + KIND] = sendsOf(op) > 0 || takesOf(op) > 0 ? TRAFFIC : FIXED;
    const several = op.receives && op.receives.length > 1 ? maskOf(op.receives) : 0;
    records.set([gapsFrom.get(op)!, takesOf(op), several], at + MORE);
    return;
  }
  if (op.kind === 'route') {
    records[at + KIND] = ROUTE;
    records.set([op.color, op.inputs, op.outputs], at + MORE);
    return;
  }
  op satisfies VectorOp | MemoryOperation;
  if (usesFabric(time) && time.wavelets > 0) {
    const isTask = op.kind === 'vector' && op.by === 'task';
    records[at + KIND] = isTask ? TASK : STREAM;
    records[at + COUNT] = time.wavelets;
    records[at + MORE] = Number(marks(op));
    if (isTask) addWide(records, at + CYCLES, time.interval);
  }
}

/** Does an operation mark its last wavelet? */
export function marks(op: Operation): boolean {
  return op.kind === 'vector' && op.advance === true;
}

export function maskOf(colors: number[]): number {
  return colors.reduce((mask, color) => mask | (1 << color), 0);
}

/** Whether an operation without the fabric is one with the record before it: of one label, and without it too. */
export function isOpen(records: Int32Array, at: number, label: number): boolean {
  return records[at + KIND] === FIXED && records[at + LABEL] === label;
}

/** Adds set-up and computing of the record at one place to that at another. */
export function addCycles(records: Int32Array, to: number, from: number): void {
  addWide(records, to + SETUP, wideAt(records, from + SETUP));
  addWide(records, to + CYCLES, wideAt(records, from + CYCLES));
}

/**
 * A stream computes in the cycles that consume an element, and while the pipeline drains; a task as long as
 * it works on a wavelet, and in the cycle in which its last result leaves.
 */
export function computeOf(records: Int32Array, at: number): number {
  const [kind, count] = [records[at + KIND], records[at + COUNT]];
  const cycles = wideAt(records, at + CYCLES);
  const sends = records[at + DESTINATION] >= 0;
  if (kind === TRAFFIC) return count;
  if (kind === TASK) return count * cycles + Number(sends);
  return kind === STREAM ? count + (sends ? records[at + LATENCY] : 0) : cycles;
}
