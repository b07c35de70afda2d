import { expect, test } from 'vitest';
import { firstUnwrittenRead } from '../src/program/memory-use.js';
import { readsOnlyWritten } from '../src/program/reads-written.js';
import type { Operation } from '../src/program/program.js';
import { add, cell, constant, exchanged, fabric, loaded, move } from './helpers/programs.js';
import { role, vector } from './helpers/programs.js';

/** First unwritten read with cells 0 to 9 loaded and 10 to 99 empty. */
function unwritten(...operations: Operation[]) {
  const buffer = (at: number, length: number, preloaded: boolean) => ({
    name: 'b',
    type: 'f16' as const,
    at,
    length,
    preloaded,
  });
  const read = firstUnwrittenRead(
    role('r', { operations, buffers: [buffer(0, 10, true), buffer(10, 90, false)] }),
  );
  return read && [read.operation, read.cell];
}

test('preloaded cells may be read, others not before they are written', () => {
  expect(unwritten(move(cell(10), cell(0), 10))).toBeUndefined();
  expect(unwritten(move(cell(20), cell(0), 11))).toEqual([0, 10]);
  expect(unwritten(move(cell(10), cell(0), 5), move(fabric(0), cell(10), 6))).toEqual([1, 15]);
  expect(unwritten(move(cell(10, 2), fabric(0), 5), move(cell(50), cell(10), 2))).toEqual([1, 11]);
});

test('an operation may read what its own earlier elements wrote', () => {
  expect(unwritten(add(cell(10), cell(9), constant(1), 20))).toBeUndefined();
  expect(unwritten(add(cell(12), cell(9), constant(1), 20))).toEqual([0, 10]);
});

test('an accumulator must hold something first', () => {
  const dot = vector({
    fn: 'fma',
    type: 'f16',
    length: 4,
    dst: cell(10, 0),
    a: cell(0),
    b: cell(4),
    c: cell(10, 0),
  });
  expect(unwritten(dot)).toEqual([0, 10]);
  expect(unwritten(move(cell(10), constant(0), 1), dot)).toBeUndefined();
});

test('a circular buffer is used round and round, from where it begins', () => {
  const round = (at: number, wrap: number, from = 0) => ({ ...cell(at), wrap, from });
  // Elements 8, 9, 0, 1 and so on of ten loaded cells; of eleven one is not loaded.
  expect(unwritten(move(cell(20), round(0, 10, 8), 25))).toBeUndefined();
  expect(unwritten(move(cell(20), round(0, 11, 8), 25))).toEqual([0, 10]);
  // Not all of the eleven are read.
  expect(unwritten(move(cell(20), round(0, 11, 2), 8))).toBeUndefined();
  // Five cells are written, twice, and no sixth.
  const writes = move(round(40, 5, 3), fabric(0), 10);
  expect(unwritten(writes, move(cell(60), cell(40), 5))).toBeUndefined();
  expect(unwritten(writes, move(cell(60), cell(40), 6))).toEqual([1, 45]);
  expect(unwritten(move(round(40, 5, 3), fabric(0), 3), move(cell(60), cell(40), 5))).toEqual([
    1, 41,
  ]);
});

test('the quick look at a circular buffer does not overlook where it begins', () => {
  const looksFine = (wrap: number, from: number) => {
    const operations = [move(cell(20), { ...cell(0), wrap, from }, 4)];
    const unloaded = { ...loaded(20, 10, 'rest'), preloaded: false };
    return readsOnlyWritten(role('r', { operations, buffers: [loaded(10), unloaded] }));
  };
  expect(looksFine(10, 8)).toBe(true);
  expect(looksFine(12, 8)).toBe(false);
});

const base = { label: 0, type: 'f16' as const };

test('a matrix-vector product reads matrix, vector and sums', () => {
  const matvec = (form: 'axpy' | 'dot', matrix: number, x: number, out: number): Operation => ({
    ...base,
    kind: 'matvec',
    form,
    rows: 2,
    length: 3,
    rowStride: 4,
    matrix,
    x,
    out,
    widen: false,
  });
  expect(unwritten(matvec('axpy', 0, 7, 7))).toBeUndefined();
  expect(unwritten(matvec('axpy', 4, 0, 0))).toEqual([0, 10]);
  expect(unwritten(matvec('axpy', 0, 9, 0))).toEqual([0, 10]);
  expect(unwritten(matvec('dot', 0, 8, 0))).toEqual([0, 10]);
  expect(unwritten(matvec('axpy', 0, 0, 8))).toEqual([0, 10]);
  expect(unwritten(matvec('dot', 0, 0, 8))).toBeUndefined();
});

test('a product of matrices reads both and what it adds to, unless it clears that', () => {
  const matmul = (a: number, b: number, c: number, clears = false): Operation => ({
    ...base,
    ...{ kind: 'matmul', length: 2, inner: 3, columns: 1, a, b, c, clears },
  });
  expect(unwritten(matmul(4, 7, 8))).toBeUndefined();
  expect(unwritten(matmul(5, 7, 8))).toEqual([0, 10]);
  expect(unwritten(matmul(4, 8, 8))).toEqual([0, 10]);
  expect(unwritten(matmul(4, 7, 9))).toEqual([0, 10]);
  const strided = { ...matmul(0, 1, 8), bRowStride: 5 } as Operation;
  expect(unwritten(strided)).toEqual([0, 11]);
  expect(unwritten({ ...strided, bRowStride: 4 } as Operation)).toBeUndefined();
  expect(unwritten(matmul(4, 7, 20, true), move(fabric(0), cell(20), 3))).toEqual([1, 22]);
});

test('an exchange reads what it sends and writes what it takes', () => {
  const op = exchanged('f16', [{ color: 0, at: 6, length: 4 }], [{ color: 1, at: 20, length: 5 }]);
  expect(unwritten(op, move(fabric(0), cell(20), 6))).toEqual([1, 25]);
  expect(unwritten(exchanged('f16', [{ color: 0, at: 7, length: 4 }], []))).toEqual([0, 10]);
});

test('every other operation reads its operands and writes its result', () => {
  const special = (at: number, to: number): Operation => ({
    ...base,
    kind: 'special',
    fn: 'exp',
    form: 'scalar',
    length: 3,
    at,
    to,
  });
  expect(unwritten(special(8, 20))).toEqual([0, 10]);
  expect(unwritten(special(7, 20), move(fabric(0), cell(20), 4))).toEqual([1, 23]);
  const lookup = (id: number, rows: number): Operation => ({
    ...base,
    kind: 'lookup',
    table: 0,
    rows,
    rowStride: 4,
    stride: 2,
    length: 2,
    id,
    first: 0,
    to: 20,
  });
  expect(unwritten(lookup(9, 2), move(fabric(0), cell(20), 3))).toEqual([1, 22]);
  expect(unwritten(lookup(9, 3))).toEqual([0, 10]);
  expect(unwritten(lookup(11, 2))).toEqual([0, 11]);
  const argmax = (at: number): Operation => ({
    ...base,
    kind: 'argmax',
    at,
    length: 4,
    first: 0,
    value: 20,
    id: 30,
  });
  expect(unwritten(argmax(7))).toEqual([0, 10]);
  expect(unwritten(argmax(6), move(fabric(0), cell(20), 1), move(fabric(0), cell(30), 2))).toEqual([
    2, 31,
  ]);
  const keep = (a: number, b: number, at: number): Operation => ({
    label: 0,
    kind: 'keepIfEqual',
    a,
    b,
    at,
    otherwise: 0,
  });
  expect(unwritten(keep(1, 2, 3))).toBeUndefined();
  expect(unwritten(keep(11, 2, 3))).toEqual([0, 11]);
  expect(unwritten(keep(1, 12, 3))).toEqual([0, 12]);
  expect(unwritten(keep(1, 2, 13))).toEqual([0, 13]);
});

test('cells outside all buffers are never written', () => {
  expect(unwritten(move(cell(98), cell(0), 4), move(fabric(0), cell(98), 4))).toEqual([1, 100]);
});
