import { describe, expect, test } from 'vitest';
import { executeOperation } from '../src/engine/execute.js';
import type { Operation, Program } from '../src/program/program.js';
import { engines } from './helpers/engines.js';
import {
  E,
  R,
  W,
  add,
  cell,
  chainReduce,
  constant,
  fabric,
  loaded,
  move,
  role,
  route,
  row,
  sendEast,
  testWafer,
  vector,
} from './helpers/programs.js';

/** Cells after the operation, which starts on the given ones. */
function after(op: Operation, ...cells: number[]): number[] {
  const memory = Float32Array.from(cells);
  executeOperation(op, memory);
  return Array.from(memory);
}

const f32 = { label: 0, type: 'f32' as const };
const f16 = { label: 0, type: 'f16' as const };

describe('operations on numbers', () => {
  test('a circular buffer begins where it says and goes round', () => {
    const round = { at: 1, stride: 2, wrap: 3, from: 2 };
    // Elements at cells 5, 1, 3, 5, 1.
    expect(after(move(cell(7), round, 5), 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 5, 1, 3, 5, 1,
    ]);
    expect(after(move(round, cell(7), 5), 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5)).toEqual([
      0, 5, 0, 3, 0, 4, 0, 1, 2, 3, 4, 5,
    ]);
  });

  test('an accumulator that goes round has the sum, or the largest, of each of its elements', () => {
    const round = { at: 0, stride: 1, wrap: 2 };
    const rows = [10, 1, 20, 2, 30, 3];
    const over = (fn: 'add' | 'max') =>
      vector({ ...f32, fn, length: 6, dst: round, a: cell(2), b: round });
    expect(after(over('add'), 100, 200, ...rows)).toEqual([160, 206, ...rows]);
    expect(after(over('max'), 25, 2, ...rows)).toEqual([30, 3, ...rows]);
  });

  test('a product reads its vector and writes its result with strides', () => {
    // Rows (1, 2, 3) and (10, 20, 30); vectors and results lie at every second and every third cell.
    const matrix = [1, 2, 3, 10, 20, 30];
    const product = {
      ...f32,
      ...({ kind: 'matvec', rows: 2, length: 3, rowStride: 3, matrix: 0, widen: false } as const),
      ...{ x: 6, xStride: 2, out: 12, outStride: 3 },
    };
    const rest = (...x: number[]) => [...x, 5, 6, 7, 8, 9, 10, 11];
    const axpy = after({ ...product, form: 'axpy' }, ...matrix, ...rest(1, 0, 100, 0, 0, 0));
    expect(axpy.slice(12)).toEqual([1006, 6, 7, 2010, 9, 10, 3014]);
    const dot = after({ ...product, form: 'dot' }, ...matrix, ...rest(1, 0, 100, 0, 1000, 0));
    expect(dot.slice(12)).toEqual([3206, 6, 7, 32018, 9, 10, 11]);
  });

  test('a call changes nothing', () => {
    expect(after({ kind: 'call', label: 0 }, 3, 4)).toEqual([3, 4]);
  });

  test.each([
    ['move', [7, 7, 7]],
    ['add', [9, 10, 11]],
    ['sub', [5, 4, 3]],
    ['mul', [14, 21, 28]],
    ['max', [7, 7, 7]],
    ['min', [2, 3, 4]],
    ['fma', [24, 31, 38]],
  ] as const)('%s works element by element, with strides', (fn, expected) => {
    const op = vector({
      ...f32,
      fn,
      length: 3,
      dst: cell(6, 2),
      a: constant(7),
      b: cell(1),
      c: constant(10),
    });
    expect(after(op, 0, 2, 3, 4, 0, 0, 0, -1, 0, -1, 0)).toEqual([
      0,
      2,
      3,
      4,
      0,
      0,
      expected[0],
      -1,
      expected[1],
      -1,
      expected[2],
    ]);
  });

  test('a destination of stride 0 gathers a dot product or a maximum', () => {
    const dot = vector({
      ...f32,
      fn: 'fma',
      length: 3,
      dst: cell(0, 0),
      a: cell(1),
      b: cell(4),
      c: cell(0, 0),
    });
    expect(after(dot, 100, 1, 2, 3, 10, 20, 30)[0]).toBe(240);
    const max = vector({
      ...f32,
      fn: 'max',
      length: 3,
      dst: cell(0, 0),
      a: cell(0, 0),
      b: cell(1),
    });
    expect(after(max, -9, 1, 5, 3)[0]).toBe(5);
  });

  test('elements are worked on in order, so a running sum works', () => {
    expect(after(add(cell(1), cell(0), cell(1), 3), 1, 2, 3, 4)).toEqual([1, 3, 6, 10]);
  });

  test('results are rounded to their type, to even if half-way, once per element', () => {
    const sum = (type: 'f16' | 'f32', a: number, b: number) =>
      after(add(cell(0), cell(0), constant(b), 1, type), a)[0];
    expect(sum('f16', 2048, 1)).toBe(2048);
    expect(sum('f16', 2050, 1)).toBe(2052);
    expect(sum('f16', 65504, 16)).toBe(Infinity);
    expect(sum('f16', 2 ** -24, 2 ** -24)).toBe(2 ** -23);
    expect(sum('f16', 0, 2 ** -25)).toBe(0);
    expect(sum('f32', 2 ** 24, 1)).toBe(2 ** 24);
    expect(sum('f32', 2049, 1)).toBe(2050);
  });

  test('a multiply-add is rounded once, after the sum', () => {
    const fma = vector({
      ...f16,
      fn: 'fma',
      length: 1,
      dst: cell(0),
      a: cell(0),
      b: cell(0),
      c: constant(-1),
    });
    // (1 + 3/1024)^2 - 1 = 6153 / 2^20, of which eleven bits are kept; the product alone, rounded
    // first, would give 6144 / 2^20.
    expect(after(fma, 1 + 3 / 1024)[0]).toBe(6152 / 2 ** 20);
  });

  test('a matrix-vector product adds to what is there, by rows or by columns', () => {
    const matvec = {
      ...f32,
      kind: 'matvec',
      rows: 2,
      length: 3,
      rowStride: 4,
      matrix: 0,
      x: 8,
      out: 11,
      widen: false,
    } as const;
    const cells = [1, 2, 3, NaN, 4, 5, 6, NaN, 10, 100, 1000, 1, 1, 1];
    expect(after({ ...matvec, form: 'axpy' }, ...cells).slice(11)).toEqual([411, 521, 631]);
    expect(after({ ...matvec, form: 'dot' }, ...cells).slice(11)).toEqual([3211, 6541, 1]);
    expect(after({ ...matvec, form: 'dot', widen: 'i8' }, ...cells).slice(11)).toEqual([
      3211, 6541, 1,
    ]);
  });

  test('a matrix-vector product is rounded after each multiply-add', () => {
    const matvec = {
      kind: 'matvec',
      form: 'dot',
      rows: 1,
      length: 3,
      rowStride: 3,
      matrix: 0,
      x: 3,
      out: 6,
      widen: false,
    } as const;
    const cells = [2048, 1, 1, 1, 1, 1, 0];
    expect(after({ ...f16, ...matvec }, ...cells)[6]).toBe(2048);
    expect(after({ ...f32, ...matvec }, ...cells)[6]).toBe(2050);
  });

  test('a product of matrices has one by columns, one by rows and the result by columns', () => {
    const shape = { kind: 'matmul', length: 2, inner: 3, columns: 2, a: 0, b: 6, c: 12 } as const;
    // (1 3 5; 2 4 6) times (10 1; 20 2; 30 3), and 1 more.
    const cells = [1, 2, 3, 4, 5, 6, 10, 1, 20, 2, 30, 3, 1, 1, 1, 1];
    expect(after({ ...f32, ...shape }, ...cells).slice(12)).toEqual([221, 281, 23, 29]);
    expect(after({ ...f32, ...shape, repeat: 2 }, ...cells).slice(12)).toEqual([441, 561, 45, 57]);
    const clears = { ...f32, ...shape, clears: true };
    expect(after(clears, ...cells).slice(12)).toEqual([220, 280, 22, 28]);
    expect(after({ ...clears, inner: 0 }, ...cells).slice(12)).toEqual([0, 0, 0, 0]);
    // The other matrix by columns.
    const turned = [1, 2, 3, 4, 5, 6, 10, 20, 30, 1, 2, 3, 1, 1, 1, 1];
    const strides = { bRowStride: 1, bStride: 3 };
    expect(after({ ...f32, ...shape, ...strides }, ...turned).slice(12)).toEqual([
      221, 281, 23, 29,
    ]);
    // Rounded after each multiply-add: 2048 + 1 is 2048 in 16 bits, twice.
    const long = { kind: 'matmul', length: 1, inner: 2, columns: 1, a: 0, b: 2, c: 4 } as const;
    expect(after({ ...f16, ...long }, 1, 1, 1, 1, 2048)[4]).toBe(2048);
    expect(after({ ...f32, ...long }, 1, 1, 1, 1, 2048)[4]).toBe(2050);
  });

  test.each([
    ['exp', 1, Math.E],
    ['silu', 2, 2 / (1 + Math.exp(-2))],
    ['rsqrt', 16, 0.25],
    ['reciprocal', 8, 0.125],
    ['sigmoid', -2, 1 / (1 + Math.exp(2))],
    ['tanh', 0.75, (Math.exp(1.5) - 1) / (Math.exp(1.5) + 1)],
    // The exact gelu, x times the normal distribution, has 1.9544997 and -0.1586553 here.
    ['gelu', 2, 1.9545976940877752],
    ['gelu', -1, -0.15880800939172324],
    ['softplus', 1, Math.log(1 + Math.E)],
    ['softplus', -1, Math.log(1 + 1 / Math.E)],
  ] as const)('%s is computed in double precision and rounded', (fn, x, y) => {
    const op = { kind: 'special', fn, form: 'scalar', length: 2, at: 0, to: 2 } as const;
    expect(after({ ...f32, ...op }, x, x, 0, 0)).toEqual([x, x, Math.fround(y), Math.fround(y)]);
    const half = after({ ...f16, ...op }, x, x, 0, 0)[2];
    expect(Math.abs((half - y) / y)).toBeLessThan(2 ** -11);
    // Eleven bits, whatever its size.
    const bits = half / 2 ** (Math.floor(Math.log2(Math.abs(half))) - 10);
    expect(bits).toBe(Math.round(bits));
  });

  test.each([
    ['sigmoid', 0, 1],
    ['tanh', -1, 1],
    ['gelu', 0, 100],
    ['softplus', 0, 100],
  ] as const)('%s of numbers far from zero is its limit, not a NaN', (fn, below, above) => {
    const op = { kind: 'special', fn, form: 'vector', length: 2, at: 0, to: 2 } as const;
    const [low, high] = after({ ...f32, ...op }, -100, 100, 0, 0).slice(2);
    expect(Math.abs(low - below)).toBeLessThan(1e-40);
    expect(high).toBe(above);
  });

  test('a lookup copies the row that a cell names, or zeros if the table has no such row', () => {
    const op = {
      ...f32,
      kind: 'lookup',
      table: 1,
      rows: 2,
      rowStride: 4,
      stride: 2,
      length: 2,
      id: 0,
      first: 10,
      to: 9,
    } as const;
    const table = [1, 0, 2, 0, 3, 0, 4, 0];
    const row = (id: number) => after(op, id, ...table, 7, 7).slice(9);
    expect([row(10), row(11), row(9), row(12)]).toEqual([
      [1, 2],
      [3, 4],
      [0, 0],
      [0, 0],
    ]);
  });

  test('argmax finds the first of the largest', () => {
    const op = { ...f16, kind: 'argmax', at: 0, length: 4, first: 100, value: 4, id: 5 } as const;
    expect(after(op, 1, 9, 9, 3, 0, 0).slice(4)).toEqual([9, 101]);
    expect(after(op, -4, -3, -2, -1, 0, 0).slice(4)).toEqual([-1, 103]);
    expect(after(op, -1, -3, -2, -4, 0, 0).slice(4)).toEqual([-1, 100]);
  });

  test('a cell is kept only if two others are equal', () => {
    const op = { label: 0, kind: 'keepIfEqual', a: 0, b: 1, at: 2, otherwise: -1 } as const;
    expect([after(op, 5, 5, 7)[2], after(op, 5, 6, 7)[2]]).toEqual([7, -1]);
  });

  test('a missing operand is not a number', () => {
    expect(after(vector({ ...f32, fn: 'add', length: 1, dst: cell(0), a: cell(0) }), 1)).toEqual([
      NaN,
    ]);
  });
});

describe.each(engines)('numbers on the fabric of the %s engine', (_, run) => {
  /** Memory images of the cores after a run on the given cells, each core's repeated. */
  function memoryAfter(program: Program, cells: number[][]): number[][] {
    const memory = cells.map((of) => Float32Array.from(of));
    run({ program, wafer: testWafer(), memory });
    return memory.map((of) => Array.from(of));
  }

  test.each(['f16', 'f32'] as const)('%s elements arrive in order, the odd one too', (type) => {
    const sent = [1, 2, 3, 4, 5, 6, 7];
    const nothing = sent.map(() => 0);
    const result = memoryAfter(sendEast(7, 2, type), [sent, [], [], [...nothing, 9]]);
    expect(result[3]).toEqual([...sent, 9]);
  });

  test.each(['f16', 'f32'] as const)('a chain of %s adds up at its root', (type) => {
    const cells = Array.from({ length: 20 }, (_, core) => [0, 1, 2, 3, 4].map((k) => core * k));
    expect(memoryAfter(chainReduce(20, 5, type), cells)[0]).toEqual([0, 190, 380, 570, 760]);
  });

  test('the order of a chain is the order of its roundings', () => {
    // From the far end: 2048, then 1 + 2048 = 2048 (to even) twice; the other way it would be 2050.
    const cells = [
      [1, 0],
      [1, 0],
      [2048, 0],
    ];
    expect(memoryAfter(chainReduce(3, 2, 'f16'), cells)[0][0]).toBe(2048);
  });

  test('a stream keeps its numbers apart from its neighbours in a pipeline of several stages', () => {
    const wafer = testWafer({ queueDepth: 2 }, { latency: { f16: 7, f32: 7 } });
    const memory = Array.from({ length: 6 }, (_, core) => Float32Array.of(core, 10, 100, 1000));
    run({ program: chainReduce(6, 4), wafer, memory });
    expect(Array.from(memory[0])).toEqual([15, 60, 600, 6000]);
  });

  test('a multicast brings the same numbers everywhere', () => {
    const sink = (out: number) =>
      role('sink', {
        routes: [route(0, W, out)],
        operations: [move(cell(1, 2), fabric(0), 3, 'f16')],
        buffers: [loaded(6)],
      });
    const source = role('source', {
      routes: [route(0, R, E)],
      operations: [move(fabric(0), cell(0), 3, 'f16')],
      buffers: [loaded(3)],
    });
    const program = row(source, sink(E | R), sink(R));
    const zeros = [0, 0, 0, 0, 0, 0];
    const [, first, second] = memoryAfter(program, [[1, 2, 3], zeros, zeros]);
    expect([first, second]).toEqual([
      [0, 1, 0, 2, 0, 3],
      [0, 1, 0, 2, 0, 3],
    ]);
  });

  test('operations see what earlier ones wrote', () => {
    const operations = [
      move(cell(1), constant(3), 1),
      add(cell(0), cell(0), cell(1), 1),
      vector({ ...f32, fn: 'mul', length: 1, dst: cell(0), a: cell(0), b: cell(0) }),
    ];
    const program = row(role('one', { operations, buffers: [loaded(2)] }));
    expect(memoryAfter(program, [[4, 0]])[0][0]).toBe(49);
  });

  test('numbers do not change times', () => {
    const program = chainReduce(9, 20, 'f16');
    const memory = program.roles.map(() => new Float32Array(20).fill(1));
    const timed = run({ program, wafer: testWafer() });
    expect(run({ program, wafer: testWafer(), memory })).toEqual(timed);
  });
});
