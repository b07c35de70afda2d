/**
 * The operations of a program as flat records, one stretch for each distinct list of operations: roles
 * that differ in routes only share theirs. What a core computes is known beforehand: the compute and
 * set-up cycles of a list, and of each label in it, do not depend on the fabric; only waits do.
 */
import { countedTakes } from '../../program/exchange.js';
import { sendColors, sendsOf, takeColors, takesOf } from '../../program/program.js';
import type { MemoryOperation, Operation, Program, Role, VectorOp } from '../../program/program.js';
import { operationsOf, timeOf, type OpTiming } from '../../program/timing.js';
import type { CostTable, WaferSpec } from '../../hardware/wafer.js';
import { FEWEST_OF_LARGE } from '../engine.js';
import { gapsOf, type Gaps } from './gaps.js';
import {
  COUNTED_TAKES,
  FIXED,
  OP,
  OP_WORDS,
  ROUTE,
  STREAM,
  TASK,
  TRAFFIC,
} from './machine-code.js';

/** Fields of a record; the first two have 64 bits (see `wideAt`). */
const { setup: SETUP, cycles: CYCLES, kind: KIND, count: COUNT, latency: LATENCY } = OP;
const { source: SOURCE, destination: DESTINATION, label: LABEL, last: LAST, more: MORE } = OP;

export interface Operations {
  /** By role: which list of operations it has. */
  listOf: Int32Array;
  /** First operation of each list, and one past the end of the last. */
  first: Int32Array;
  /** Records, `OP_WORDS` entries each. */
  records: Int32Array;
  /** By list: bits of the colours that its synthetic traffic sends on, and takes. */
  sendsOn: Int32Array;
  takesFrom: Int32Array;
  /** By list: wavelets that its synthetic traffic sends, and takes. */
  trafficSent: Int32Array;
  trafficTaken: Int32Array;
  /** Bits of the colours on which some operation marks its last wavelet. */
  marked: number;
  /** Gaps between sends of all synthetic traffic (see gaps.ts). */
  gaps: Uint8Array;
  /** Whether there are exchanges that take several vectors, and count those of each colour. */
  countsTakes: boolean;
  /** Compute and set-up cycles of each list. */
  compute: Float64Array;
  setupSum: Float64Array;
  /** Cycles of both by list and label, index list * labels + label. */
  busy: Float64Array;
  /** Most cycles that a list takes, waits not included, times of synthetic traffic included. */
  longest: number;
}

/** A whole number in two entries, the lower half first. */
function wideAt(records: Int32Array, at: number): number {
  return records[at + 1] * 2 ** 32 + (records[at] >>> 0);
}

function addWide(records: Int32Array, at: number, value: number): void {
  const sum = wideAt(records, at) + value;
  records[at] = sum;
  records[at + 1] = Math.floor(sum / 2 ** 32);
}

/** Set-up and computing of an operation that does not use the fabric. */
export function cyclesAt(records: Int32Array, op: number): number {
  const at = op * OP_WORDS;
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

export function recordAt({ records }: Operations, op: number): OperationRecord {
  const at = op * OP_WORDS;
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

/** Records of a program's operations; neighbouring fixed operations of one label become one. */
export function flattenOperations(program: Program, wafer: WaferSpec): Operations {
  const lists = [...operationsOf(program.roles)];
  const numbers = new Map(lists.map((list, i) => [list, i]));
  const size = lists.reduce((sum, list) => sum + list.length, 0);
  const records = new Int32Array(size * OP_WORDS);
  const first = new Int32Array(lists.length + 1);
  const gaps = gapsOf(lists);
  const laid = { next: 0, longest: 0, marked: 0, times: new Map<Operation, OpTiming>() };
  for (const [l, list] of lists.entries()) {
    first[l] = laid.next;
    if (gaps.from.size > 0 || !areKept(program))
      addList(laid, records, list, wafer.costs, gaps.from);
    else addKnown(laid, records, list, wafer.costs);
  }
  const { next, longest, marked } = laid;
  first[lists.length] = next;
  return {
    listOf: listsOf(program.roles, numbers),
    first,
    records: records.subarray(0, next * OP_WORDS),
    marked,
    gaps: gaps.all,
    countsTakes: [...gaps.from.keys()].some((op) => countedTakes(op).length > 0),
    ...trafficOf(gaps.from.size > 0 ? lists : [], lists.length),
    ...sums(program, wafer, records, first),
    longest,
  };
}

function listsOf(roles: readonly Role[], numbers: Map<Operation[], number>): Int32Array {
  const listOf = new Int32Array(roles.length);
  for (let role = 0; role < listOf.length; role++)
    listOf[role] = numbers.get(roles[role].operations)!;
  return listOf;
}

/** Records of a list, which several programs may have. */
interface LaidList {
  costs: CostTable;
  /** All those of the first program that has it, and where its own are. */
  records: Int32Array;
  from: number;
  words: number;
  longest: number;
  marked: number;
}

/** Small programs are through soon: to keep something of each takes longer. */
export function areKept({ roleOf }: Program): boolean {
  return roleOf.length >= FEWEST_OF_LARGE;
}

const laidLists = new WeakMap<Operation[], LaidList>();

/** The same as `addList` for lists without synthetic traffic; each is laid out once. */
function addKnown(laid: Laid, records: Int32Array, list: Operation[], costs: CostTable): void {
  let known = laidLists.get(list);
  const to = laid.next * OP_WORDS;
  if (known?.costs === costs) {
    const { records: own, from, words } = known;
    for (let i = 0; i < words; i++) records[to + i] = own[from + i];
  } else {
    const own = { next: laid.next, longest: 0, marked: 0, times: laid.times };
    addList(own, records, list, costs, NO_GAPS);
    const { longest, marked } = own;
    const words = own.next * OP_WORDS - to;
    known = { costs, records, from: to, words, longest, marked };
    laidLists.set(list, known);
  }
  laid.next += known.words / OP_WORDS;
  laid.longest = Math.max(laid.longest, known.longest);
  laid.marked |= known.marked;
}

const NO_GAPS: Gaps['from'] = new Map();

/** How many records there are, the most cycles of a list, and the colours that are marked. */
interface Laid {
  next: number;
  longest: number;
  marked: number;
  /** Times of operations so far: many lists have the same ones. */
  times: Map<Operation, OpTiming>;
}

/** Adds the records of a list to those before, and the most cycles of one and the colours that are marked. */
function addList(
  laid: Laid,
  records: Int32Array,
  list: Operation[],
  costs: CostTable,
  gapsFrom: Gaps['from'],
): void {
  const first = laid.next;
  let cycles = costs.programStart;
  for (let i = 0; i < list.length; i++) {
    const op = list[i];
    let time = laid.times.get(op);
    if (time === undefined) laid.times.set(op, (time = timeOf(op, costs)));
    cycles += cyclesOf(op, time);
    if (marks(op)) laid.marked |= 1 << time.destination;
    const { next } = laid;
    if (next > first && continues(records, (next - 1) * OP_WORDS, op, time)) continue;
    fillRecord(records, next * OP_WORDS, op, time, gapsFrom);
    laid.next++;
  }
  laid.longest = Math.max(laid.longest, cycles);
}

/** What lists send and take as synthetic traffic; `count` entries, 0 beyond the lists that are looked at. */
function trafficOf(lists: Operation[][], count: number) {
  const column = () => new Int32Array(count);
  const sums = {
    sendsOn: column(),
    takesFrom: column(),
    trafficSent: column(),
    trafficTaken: column(),
  };
  lists.forEach((list, l) => {
    for (const op of list) {
      if (op.kind !== 'traffic') continue;
      sums.sendsOn[l] |= maskOf(sendColors(op));
      sums.takesFrom[l] |= maskOf(takeColors(op));
      sums.trafficSent[l] += sendsOf(op);
      sums.trafficTaken[l] += takesOf(op);
    }
  });
  return sums;
}

/** Does an operation mark its last wavelet? */
function marks(op: Operation): boolean {
  return op.kind === 'vector' && op.advance === true;
}

function maskOf(colors: number[]): number {
  return colors.reduce((mask, color) => mask | (1 << color), 0);
}

/** Most cycles of an operation, waits not included; for synthetic traffic until its last send is due. */
function cyclesOf(op: Operation, time: OpTiming): number {
  const { setup, cycles, wavelets, latency, interval } = time;
  const due = op.kind === 'traffic' ? takesOf(op) + Math.max(0, op.times.at(-1) ?? 0) : 0;
  return setup + cycles + wavelets * interval + latency + due;
}

/** Adds an operation to the record before, if both are fixed, of one label and of no colour. */
function continues(records: Int32Array, before: number, op: Operation, time: OpTiming): boolean {
  if (op.kind === 'route' || op.kind === 'traffic' || usesFabric(time)) return false;
  if (records[before + KIND] !== FIXED || records[before + LABEL] !== op.label) return false;
  addWide(records, before + SETUP, time.setup);
  addWide(records, before + CYCLES, time.cycles);
  return true;
}

function usesFabric(time: OpTiming): boolean {
  return time.source >= 0 || time.destination >= 0;
}

function fillRecord(
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

/** Sums of what lists compute; marks the last operation of each label. */
function sums(program: Program, wafer: WaferSpec, records: Int32Array, first: Int32Array) {
  const labels = program.labels.length;
  const lists = first.length - 1;
  const compute = new Float64Array(lists);
  const setupSum = new Float64Array(lists);
  const busy = new Float64Array(lists * labels);
  const seen = new Int32Array(labels).fill(-1);
  for (let l = 0; l < lists; l++) {
    for (let op = first[l + 1] - 1; op >= first[l]; op--) {
      const at = op * OP_WORDS;
      const label = records[at + LABEL];
      records[at + LAST] = seen[label] === l ? 0 : 1;
      seen[label] = l;
      const cycles = computeOf(records, at);
      const start = op === first[l] ? wafer.costs.programStart : 0;
      const setup = wideAt(records, at + SETUP) + start;
      compute[l] += cycles;
      setupSum[l] += setup;
      busy[l * labels + label] += cycles + setup;
    }
  }
  return { compute, setupSum, busy };
}

/**
 * A stream computes in the cycles that consume an element, and while the pipeline drains; a task as long as
 * it works on a wavelet, and in the cycle in which its last result leaves.
 */
function computeOf(records: Int32Array, at: number): number {
  const [kind, count] = [records[at + KIND], records[at + COUNT]];
  const cycles = wideAt(records, at + CYCLES);
  const sends = records[at + DESTINATION] >= 0;
  if (kind === TRAFFIC) return count;
  if (kind === TASK) return count * cycles + Number(sends);
  return kind === STREAM ? count + (sends ? records[at + LATENCY] : 0) : cycles;
}
