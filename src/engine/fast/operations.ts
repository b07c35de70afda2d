/**
 * The operations of a program as records, one stretch for each distinct list of operations: roles
 * that differ in routes only share theirs, and equal records are one (rows.ts). What a core computes is known
 * beforehand: the compute and set-up cycles of a list, and of each label in it, do not depend on the fabric; only waits do.
 */
import { countedTakes } from '../../program/exchange.js';
import { sendColors, sendsOf, takeColors, takesOf } from '../../program/program.js';
import type { Operation, Program, Role } from '../../program/program.js';
import { operationsOf, timeOf, type OpTiming } from '../../program/timing.js';
import type { CostTable, WaferSpec } from '../../hardware/wafer.js';
import { FEWEST_OF_LARGE } from '../engine.js';
import { gapsOf, type Gaps } from './gaps.js';
import { OP, OP_WORDS } from './machine-code.js';
import { addCycles, computeOf, fillRecord, isOpen, marks, maskOf } from './records.js';
import { readRecord, usesFabric, wideAt, type OperationRecord } from './records.js';
import { copyOf, createRows, lastOf, numberOf, recordsOf, rowsOf, type Rows } from './rows.js';

/** The lists of a program, and what is the same for all its runs. */
interface Lists {
  /** By role: which list of operations it has. */
  listOf: Int32Array;
  /** First operation of each list, and one past the end of the last. */
  first: Int32Array;
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

/** The operations of a program. */
export interface Operations extends Lists {
  /** By operation: the number of its record. */
  rowOf: Int32Array;
  rows: Rows;
}

/** The operations of a program as the machine has them: each with a record of its own, `OP_WORDS` entries each. */
export interface LaidOperations extends Lists {
  records: Int32Array;
}

export function recordAt({ rows, rowOf }: Operations, op: number): OperationRecord {
  return readRecord(rows.records, rowOf[op] * OP_WORDS);
}

/** The same with records of their own. */
export function laidOut({ rows, rowOf, ...lists }: Operations): LaidOperations {
  return { ...lists, records: recordsOf(rows, rowOf) };
}

/** Records of a program's operations; neighbouring fixed operations of one label become one. */
export function flattenOperations(program: Program, wafer: WaferSpec): Operations {
  const { costs } = wafer;
  const lists = [...operationsOf(program.roles)];
  const numbers = new Map(lists.map((list, i) => [list, i]));
  const size = lists.reduce((sum, list) => sum + list.length, 0);
  const first = new Int32Array(lists.length + 1);
  const gaps = gapsOf(lists);
  const isPlain = gaps.from.size === 0;
  const laid: Laid = {
    // Each operation of synthetic traffic has gaps of its own, and so a record that no other program has.
    ...{ rows: isPlain ? rowsOf(costs) : createRows(), rowOf: new Int32Array(size), next: 0 },
    ...{ longest: 0, marked: 0, known: new Map(), sums: new Map(), gapsFrom: gaps.from },
    seen: new Int32Array(program.labels.length).fill(-1),
  };
  for (let l = 0; l < lists.length; l++) {
    first[l] = laid.next;
    if (isPlain && areKept(program)) addKnown(laid, lists[l], costs);
    else addList(laid, lists[l], costs);
  }
  const { next, longest, marked, rows } = laid;
  first[lists.length] = next;
  const rowOf = laid.rowOf.subarray(0, next);
  return {
    listOf: listsOf(program.roles, numbers),
    ...{ first, rowOf, rows, marked },
    gaps: gaps.all,
    countsTakes: [...gaps.from.keys()].some((op) => countedTakes(op).length > 0),
    ...trafficOf(isPlain ? [] : lists, lists.length),
    ...sums(program, wafer, { rows, rowOf, first }),
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
  rows: Rows;
  /** Numbers of all those of the first program that has it, and where its own are. */
  rowOf: Int32Array;
  from: number;
  count: number;
  longest: number;
  marked: number;
}

/** Small programs are through soon: to keep something of each takes longer. */
export function areKept({ roleOf }: Program): boolean {
  return roleOf.length >= FEWEST_OF_LARGE;
}

const laidLists = new WeakMap<Operation[], LaidList>();

/** The same as `addList` for lists without synthetic traffic; each is laid out once. */
function addKnown(laid: Laid, list: Operation[], costs: CostTable): void {
  const { rows, rowOf, next, longest, marked } = laid;
  const known = laidLists.get(list);
  if (known?.rows === rows) {
    const { rowOf: own, from, count } = known;
    for (let i = 0; i < count; i++) rowOf[next + i] = own[from + i];
    laid.next += count;
    laid.longest = Math.max(longest, known.longest);
    laid.marked |= known.marked;
    return;
  }
  laid.longest = 0;
  laid.marked = 0;
  addList(laid, list, costs);
  const count = laid.next - next;
  const own = { rows, rowOf, from: next, count, longest: laid.longest, marked: laid.marked };
  laidLists.set(list, own);
  laid.longest = Math.max(longest, own.longest);
  laid.marked |= marked;
}

/** A program while it is laid out. */
interface Laid {
  rows: Rows;
  /** By operation the number of its record; how many operations are laid out so far. */
  rowOf: Int32Array;
  next: number;
  /** The most cycles of a list, and the colours that are marked. */
  longest: number;
  marked: number;
  /** Operations so far: many lists have the same ones. */
  known: Map<Operation, LaidOperation>;
  /** Numbers of records that go on with another operation, by their numbers and that one's. */
  sums: Map<number, number>;
  gapsFrom: Gaps['from'];
  /** By label: in the list that is laid out. */
  seen: Int32Array;
}

/** What is the same of an operation in all lists. */
interface LaidOperation {
  row: number;
  cycles: number;
  marked: number;
  /** Whether it may go on a record before it. */
  continues: boolean;
}

/** Adds the records of a list to those before, and the most cycles of one and the colours that are marked. */
function addList(laid: Laid, list: Operation[], costs: CostTable): void {
  const { rows, rowOf, next: first, known } = laid;
  let cycles = costs.programStart;
  let next = first;
  for (let i = 0; i < list.length; i++) {
    const op = list[i];
    let own = known.get(op);
    if (own === undefined) known.set(op, (own = layOperation(laid, op, costs)));
    cycles += own.cycles;
    laid.marked |= own.marked;
    if (own.continues && next > first && isOpen(rows.records, rowOf[next - 1] * OP_WORDS, op.label))
      rowOf[next - 1] = sumOf(laid, rowOf[next - 1], own.row);
    else rowOf[next++] = own.row;
  }
  laid.next = next;
  laid.longest = Math.max(laid.longest, cycles);
  markLast(laid, first);
}

function layOperation(laid: Laid, op: Operation, costs: CostTable): LaidOperation {
  const { rows, gapsFrom } = laid;
  const time = timeOf(op, costs);
  fillRecord(rows.records, rows.count * OP_WORDS, op, time, gapsFrom);
  return {
    row: numberOf(rows),
    cycles: cyclesOf(op, time),
    marked: marks(op) ? 1 << time.destination : 0,
    continues: op.kind !== 'route' && op.kind !== 'traffic' && !usesFabric(time),
  };
}

/** Marks the last operation of each label, from the `from`-th on. */
function markLast({ rows, rowOf, next, seen }: Laid, from: number): void {
  for (let op = next - 1; op >= from; op--) {
    const label = rows.records[rowOf[op] * OP_WORDS + OP.label];
    // Operations of the lists before have lower numbers.
    if (seen[label] < from) rowOf[op] = lastOf(rows, rowOf[op]);
    seen[label] = op;
  }
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

/** Most cycles of an operation, waits not included; for synthetic traffic until its last send is due. */
function cyclesOf(op: Operation, time: OpTiming): number {
  const { setup, cycles, wavelets, latency, interval } = time;
  const due = op.kind === 'traffic' ? takesOf(op) + Math.max(0, op.times.at(-1) ?? 0) : 0;
  return setup + cycles + wavelets * interval + latency + due;
}

/** The number of a record and the cycles of another one. */
function sumOf({ rows, sums }: Laid, row: number, more: number): number {
  const key = row * 2 ** 26 + more;
  let sum = sums.get(key);
  if (sum === undefined) {
    addCycles(rows.records, copyOf(rows, row), more * OP_WORDS);
    sums.set(key, (sum = numberOf(rows)));
  }
  return sum;
}

/** Sums of what lists compute. */
function sums(
  program: Program,
  wafer: WaferSpec,
  { rows: { records }, rowOf, first }: Pick<Operations, 'rows' | 'rowOf' | 'first'>,
) {
  const labels = program.labels.length;
  const lists = first.length - 1;
  const compute = new Float64Array(lists);
  const setupSum = new Float64Array(lists);
  const busy = new Float64Array(lists * labels);
  for (let l = 0; l < lists; l++) {
    for (let op = first[l]; op < first[l + 1]; op++) {
      const at = rowOf[op] * OP_WORDS;
      const cycles = computeOf(records, at);
      const start = op === first[l] ? wafer.costs.programStart : 0;
      const setup = wideAt(records, at + OP.setup) + start;
      compute[l] += cycles;
      setupSum[l] += setup;
      busy[l * labels + records[at + OP.label]] += cycles + setup;
    }
  }
  return { compute, setupSum, busy };
}
