/**
 * Records of operations, each once: of the operations of a program, some hundred thousand, a few hundred differ. They are
 * told by their numbers, which programs of one machine have in common.
 */
import type { CostTable } from '../../hardware/wafer.js';
import { mix } from '../../numeric/mix.js';
import { OP, OP_WORDS } from './machine-code.js';

export interface Rows {
  /** `OP_WORDS` entries each; there is room for more after the last. */
  records: Int32Array;
  count: number;
  /** By number: a hash of the record; the same as the last one of its label, or -1 while nobody has asked for it. */
  hashes: Int32Array;
  lasts: Int32Array;
  /** By hash. */
  alike: Map<number, number[]>;
}

const FIRST_ROOM = 256;

export function createRows(): Rows {
  return {
    records: new Int32Array(FIRST_ROOM * OP_WORDS),
    count: 0,
    hashes: new Int32Array(FIRST_ROOM),
    lasts: new Int32Array(FIRST_ROOM),
    alike: new Map(),
  };
}

const known = new WeakMap<CostTable, Rows>();

/** Records (4 MB of them) from which on the next program begins with none. */
const MOST = 2 ** 16;

/** The records of programs of a machine so far. */
export function rowsOf(costs: CostTable): Rows {
  let rows = known.get(costs);
  if (rows === undefined || rows.count >= MOST) known.set(costs, (rows = createRows()));
  return rows;
}

/** The number of a record that is written to where there is room for it: after the last. */
export function numberOf(rows: Rows): number {
  const { records, count } = rows;
  const from = count * OP_WORDS;
  let hash = 1;
  for (let word = 0; word < OP_WORDS; word++) hash = mix(hash, records[from + word]);
  let alike = rows.alike.get(hash);
  if (alike === undefined) rows.alike.set(hash, (alike = []));
  for (let i = 0; i < alike.length; i++) {
    if (!isSameRecord(records, alike[i], records, count)) continue;
    records.fill(0, from, from + OP_WORDS);
    return alike[i];
  }
  alike.push(count);
  rows.hashes[count] = hash;
  rows.lasts[count] = -1;
  rows.count++;
  if (rows.count === rows.hashes.length) grow(rows);
  return count;
}

/** Whether two records are the same, by their numbers. */
export function isSameRecord(some: Int32Array, a: number, others: Int32Array, b: number): boolean {
  for (let word = 0; word < OP_WORDS; word++)
    if (some[a * OP_WORDS + word] !== others[b * OP_WORDS + word]) return false;
  return true;
}

function grow(rows: Rows): void {
  rows.records = enlarged(rows.records);
  rows.hashes = enlarged(rows.hashes);
  rows.lasts = enlarged(rows.lasts);
}

function enlarged(words: Int32Array): Int32Array {
  const more = new Int32Array(2 * words.length);
  more.set(words);
  return more;
}

/** Copies a record to where there is room for another; where that is. */
export function copyOf({ records, count }: Rows, row: number): number {
  const to = count * OP_WORDS;
  for (let word = 0; word < OP_WORDS; word++) records[to + word] = records[row * OP_WORDS + word];
  return to;
}

/** The same record as the last one of its label. */
export function lastOf(rows: Rows, row: number): number {
  if (rows.lasts[row] >= 0) return rows.lasts[row];
  rows.records[copyOf(rows, row) + OP.last] = 1;
  const last = numberOf(rows);
  rows.lasts[row] = last;
  return last;
}

/** Records of some numbers, one after the other. */
export function recordsOf({ records }: Rows, numbers: Int32Array): Int32Array {
  const all = new Int32Array(numbers.length * OP_WORDS);
  for (let i = 0, to = 0; i < numbers.length; i++)
    for (let at = numbers[i] * OP_WORDS, end = at + OP_WORDS; at < end; at++)
      all[to++] = records[at];
  return all;
}
