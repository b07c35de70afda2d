/** Records of operations: each is kept once, and lists have those that they would have alone. */
import { describe, expect, it } from 'vitest';
import { OP, OP_WORDS } from '../src/engine/fast/machine-code.js';
import { flattenOperations, laidOut, recordAt } from '../src/engine/fast/operations.js';
import { createRows, lastOf, numberOf, recordsOf } from '../src/engine/fast/rows.js';
import type { Operation } from '../src/program/program.js';
import { add, cell, fabric, move, program, role, testWafer } from './helpers/programs.js';

const wafer = testWafer({}, { programStart: 5, setup: { f16: 2, f32: 3 } });

/** Work on memory, `label` by `label`, and what is sent after it. */
const working = (label: number, length: number): Operation => ({
  ...add(cell(0), cell(0), cell(1), length),
  label,
});
const sending: Operation = { ...move(fabric(0), cell(0), 4), label: 1 };

function laid(...lists: Operation[][]) {
  const roles = lists.map((operations, i) => role(`role ${i}`, { operations }));
  const all = { ...program(lists.length, roles), labels: ['a', 'b'] };
  return flattenOperations(all, wafer);
}

describe('records of the operations of a program', () => {
  it('are one for equal operations, of any list and of any program of the machine', () => {
    const one = laid([working(0, 3), sending], [working(0, 3), sending]);
    expect(one.rowOf[2]).toBe(one.rowOf[0]);
    expect(one.rowOf[3]).toBe(one.rowOf[1]);
    const before = one.rows.count;
    const other = laid([working(0, 3), sending], [sending]);
    expect(other.rows).toBe(one.rows);
    expect(other.rows.count).toBe(before);
    expect([...other.rowOf]).toEqual([one.rowOf[0], one.rowOf[1], one.rowOf[1]]);
  });

  it('have the sum of neighbours without the fabric that are of one label', () => {
    const ops = laid([working(0, 3), working(0, 5), working(1, 7), sending, working(1, 2)]);
    expect([...ops.first]).toEqual([0, 4]);
    const cycles = [0, 1, 2, 3].map((op) => recordAt(ops, op));
    expect(cycles.map((record) => record.label)).toEqual([0, 1, 1, 1]);
    expect(cycles.map((record) => record.cycles)).toEqual([8, 7, 0, 2]);
    expect(cycles[0].setup).toBe(6);
    expect(cycles.map(({ kind }) => kind)).toEqual(['other', 'other', 'stream', 'other']);
    const two = laid([working(0, 3), working(0, 5)], [working(0, 4), working(0, 5)]);
    expect([0, 1].map((op) => recordAt(two, op).cycles)).toEqual([8, 9]);
  });

  it('say which of a list is the last of its label', () => {
    const ops = laid([working(1, 3), sending, working(0, 1), sending], [working(1, 3), sending]);
    const { records } = laidOut(ops);
    const last = [...ops.rowOf.keys()].map((op) => records[op * OP_WORDS + OP.last]);
    expect(last).toEqual([0, 0, 1, 1, 0, 1]);
    expect(ops.rowOf[1]).not.toBe(ops.rowOf[3]);
    expect(ops.rowOf[5]).toBe(ops.rowOf[3]);
  });
});

describe('a table of records', () => {
  it('grows, and knows each of thousands again', () => {
    const rows = createRows();
    const put = (value: number) => {
      rows.records[rows.count * OP_WORDS + OP.label] = value;
      return numberOf(rows);
    };
    const numbers = Array.from({ length: 3000 }, (_, value) => put(value));
    expect(numbers).toEqual([...numbers.keys()]);
    expect([0, 777, 2999].map(put)).toEqual([0, 777, 2999]);
    const last = lastOf(rows, 777);
    expect([last, lastOf(rows, 777), rows.count]).toEqual([3000, 3000, 3001]);
    const words = recordsOf(rows, Int32Array.of(777, last));
    expect([...words].flatMap((word, i) => (word === 0 ? [] : [[i, word]]))).toEqual(
      [
        [OP.label, 777],
        [OP_WORDS + OP.last, 1],
        [OP_WORDS + OP.label, 777],
      ].toSorted((a, b) => a[0] - b[0]),
    );
  });
});
