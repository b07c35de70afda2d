/** What every kind of operation costs, form by form and type by type, by hand from a made-up table. */
import { describe, expect, it } from 'vitest';
import type { WidenedType } from '../src/numeric/formats.js';
import type { FloatType } from '../src/numeric/types.js';
import type { CostTable, SpecialFn, VectorFn } from '../src/hardware/wafer.js';
import type { Operation, TrafficOp } from '../src/program/program.js';
import { timeOf } from '../src/program/timing.js';
import { cell, constant, exchanged, fabric, vector } from './helpers/programs.js';

/** No two of these numbers lead to the same cycles. */
const COSTS: CostTable = {
  programStart: 1009,
  routeChange: 7,
  setup: { f16: 11, f32: 13 },
  issue: { f16: 3, f32: 5 },
  latency: { f16: 17, f32: 19 },
  task: 37,
  libraryCall: 601,
  elementsPerCycle: {
    move: { f16: 4, f32: 2 },
    add: { f16: 3, f32: 1 },
    sub: { f16: 5, f32: 1.5 },
    mul: { f16: 2.5, f32: 2.5 },
    max: { f16: 7, f32: 3 },
    min: { f16: 10, f32: 3.5 },
    fma: { f16: 20, f32: 1.25 },
    dot: { f16: 2, f32: 0.5 },
    rank: { f32: 0.75 },
  },
  matvec: {
    call: 100,
    row: { f16: 4.5, f32: 1 },
    widenPerCycle: { i8: 8, fp8: 2, mxfp4: 4, int4: 5 },
  },
  matmul: {
    instruction: { f16: 5.25, f32: 6.5 },
    granularity: { f16: 8, f32: 3 },
    loop: 12.75,
    clear: { f16: 0.375, f32: 1.5 },
  },
  transfer: { setup: 59, end: 31 },
  scalar: {
    exp: 41,
    silu: 43,
    rsqrt: 47,
    reciprocal: 53,
    sigmoid: 73,
    tanh: 61,
    gelu: 67,
    softplus: 71,
    step: 29,
  },
  vectorForm: {
    exp: 10,
    silu: 13,
    rsqrt: 8,
    reciprocal: 5,
    sigmoid: 12,
    tanh: 14,
    gelu: 16,
    softplus: 22,
  },
};

const fixed = (setup: number, cycles: number) => ({
  setup,
  cycles,
  wavelets: 0,
  source: -1,
  destination: -1,
  latency: 0,
  interval: 1,
});
const SETUP = { f16: 11, f32: 13 };
const base = (type: FloatType) => ({ label: 0, type });

describe('a vector operation in memory', () => {
  const cycles: [VectorFn, f16: number, f32: number][] = [
    ['move', 20 / 4 + 3, 20 / 2 + 5],
    ['add', 10, 25], // 6.67 + 3, 20 + 5
    ['sub', 7, 19], // 4 + 3, 13.33 + 5
    ['mul', 11, 13], // 8 + 3, 8 + 5
    ['max', 6, 12], // 2.86 + 3, 6.67 + 5
    ['min', 5, 11], // 2 + 3, 5.71 + 5
    ['fma', 4, 21], // 1 + 3, 16 + 5
  ];
  it.each(cycles)('%s of 20 elements takes %i cycles in f16 and %i in f32', (fn, f16, f32) => {
    const of = (type: FloatType, b?: ReturnType<typeof constant>) =>
      timeOf(vector({ fn, type, length: 20, dst: cell(0), a: cell(20), ...(b && { b }) }), COSTS);
    expect(of('f16')).toEqual(fixed(11, f16));
    expect(of('f32')).toEqual(fixed(13, f32));
    expect(of('f16', constant(2))).toEqual(fixed(11, f16));
  });
});

describe('a vector operation on the fabric', () => {
  const stream = {
    setup: 11,
    cycles: 0,
    wavelets: 11,
    source: -1,
    destination: -1,
    latency: 17,
    interval: 1,
  };
  const add = (more: Partial<Parameters<typeof vector>[0]>) =>
    timeOf(
      vector({ fn: 'add', type: 'f16', length: 21, dst: cell(0), a: cell(0), b: cell(0), ...more }),
      COSTS,
    );

  it('is a stream of wavelets, two elements of f16 to one and an element of f32', () => {
    expect(add({ a: fabric(3) })).toEqual({ ...stream, source: 3 });
    expect(add({ b: fabric(4) })).toEqual({ ...stream, source: 4 });
    expect(add({ fn: 'fma', c: fabric(5) })).toEqual({ ...stream, source: 5 });
    expect(add({ dst: fabric(6) })).toEqual({ ...stream, destination: 6 });
    expect(add({ a: fabric(3), dst: fabric(6) })).toEqual({ ...stream, source: 3, destination: 6 });
    expect(add({ type: 'f32', a: fabric(0) })).toEqual({
      ...stream,
      setup: 13,
      wavelets: 21,
      source: 0,
      latency: 19,
    });
    expect(add({ length: 20, a: fabric(3) }).wavelets).toBe(10);
    expect(add({ length: 1, a: fabric(3) }).wavelets).toBe(1);
  });

  it.each([
    ['move', 1, 1],
    ['add', 17, 19],
    ['sub', 17, 19],
    ['mul', 17, 19],
    ['max', 17, 19],
    ['min', 17, 19],
    ['fma', 17, 19],
  ] as const)('of %s is a pipeline of %i stages in f16 and %i in f32', (fn, f16, f32) => {
    const latency = (type: FloatType) => add({ fn, type, a: fabric(0), dst: fabric(1) }).latency;
    expect([latency('f16'), latency('f32')]).toEqual([f16, f32]);
  });
});

describe('a matrix-vector product of 3 rows of 20', () => {
  const table: [
    form: 'axpy' | 'dot',
    type: FloatType,
    widen: WidenedType | false,
    cycles: number,
  ][] = [
    ['axpy', 'f16', false, 117], // 100 + 3 x (20/20 + 4.5) = 116.5
    ['axpy', 'f16', 'i8', 124], // + 3 x 20/8
    ['axpy', 'f16', 'fp8', 147], // + 3 x 20/2
    ['axpy', 'f16', 'mxfp4', 132], // + 3 x 20/4 = 131.5
    ['axpy', 'f16', 'int4', 129], // + 3 x 20/5 = 128.5
    ['axpy', 'f32', false, 151], // 100 + 3 x (20/1.25 + 1)
    ['axpy', 'f32', 'i8', 159], // 158.5
    ['dot', 'f16', false, 144], // 100 + 3 x (20/2 + 4.5) = 143.5
    ['dot', 'f16', 'i8', 151],
    ['dot', 'f32', false, 223], // 100 + 3 x (20/0.5 + 1)
    ['dot', 'f32', 'i8', 231], // 230.5
  ];
  it.each(table)('as %s in %s, widened: %s, takes %i cycles', (form, type, widen, cycles) => {
    const product = { rows: 3, length: 20, rowStride: 25, matrix: 0, x: 100, out: 200 };
    const op: Operation = { ...base(type), kind: 'matvec', form, ...product, widen };
    expect(timeOf(op, COSTS)).toEqual(fixed(SETUP[type], cycles));
  });
});

describe('a matrix-vector product whose rows are issued in groups', () => {
  const matvec = { ...COSTS.matvec, granularity: { f16: 8, f32: 16 } };
  const cyclesOf = (type: FloatType, length: number, widen: WidenedType | false = false) => {
    const product = { rows: 3, length, rowStride: 40, matrix: 0, x: 100, out: 200 };
    const op: Operation = { ...base(type), kind: 'matvec', form: 'axpy', ...product, widen };
    return timeOf(op, { ...COSTS, matvec }).cycles;
  };

  it('takes as long for the last elements of a row as for a whole group', () => {
    // 100 + 3 x (24/20 + 4.5) = 117.1 from 17 to 24 elements, 100 + 3 x (16/20 + 4.5) = 115.9 up to 16.
    expect([1, 8, 9, 16, 17, 20, 24].map((n) => cyclesOf('f16', n))).toEqual(
      [8, 8, 16, 16, 24, 24, 24].map((n) => Math.ceil(100 + 3 * (n / 20 + 4.5))),
    );
    expect([15, 16, 17].map((n) => cyclesOf('f32', n))).toEqual([142, 142, 180]);
  });

  it('widens the elements that there are', () => {
    expect(cyclesOf('f16', 20, 'i8')).toBe(125); // 117.1 + 3 x 20/8 = 124.6
  });
});

describe('a special function', () => {
  const of = (form: 'scalar' | 'vector', fn: SpecialFn, type: FloatType, length: number) =>
    timeOf({ ...base(type), kind: 'special', fn, form, length, at: 0, to: 0 }, COSTS);

  it.each([
    ['exp', 205],
    ['silu', 215],
    ['rsqrt', 235],
    ['reciprocal', 265],
    ['sigmoid', 365],
    ['tanh', 305],
    ['gelu', 335],
    ['softplus', 355],
  ] as const)('%s as scalar code of 5 elements takes %i cycles of either type', (fn, cycles) => {
    expect(of('scalar', fn, 'f16', 5)).toEqual(fixed(0, cycles));
    expect(of('scalar', fn, 'f32', 5)).toEqual(fixed(0, cycles));
  });

  // Passes of a set-up and a vector operation at the rate of multiply-adds: 11 + 4, and 13 + 21.
  it.each([
    ['exp', 150, 340],
    ['silu', 195, 442],
    ['rsqrt', 120, 272],
    ['reciprocal', 75, 170],
    ['sigmoid', 180, 408],
    ['tanh', 210, 476],
    ['gelu', 240, 544],
    ['softplus', 330, 748],
  ] as const)('%s of 20 elements by vectors takes %i cycles in f16, %i in f32', (fn, f16, f32) => {
    expect(of('vector', fn, 'f16', 20)).toEqual(fixed(0, f16));
    expect(of('vector', fn, 'f32', 20)).toEqual(fixed(0, f32));
  });
});

describe('every other operation', () => {
  it.each([
    ['f16', 37], // a step of 29, and a move of 8
    ['f32', 44],
  ] as const)('lookup of 20 elements in %s: a scalar step and a move, %i', (type, cycles) => {
    const table = { table: 0, rows: 9, rowStride: 20, stride: 1, id: 300, first: 0, to: 200 };
    const op: Operation = { ...base(type), kind: 'lookup', length: 20, ...table };
    expect(timeOf(op, COSTS)).toEqual(fixed(SETUP[type], cycles));
  });

  it.each([
    ['f16', 32], // 20/7 + 29 = 31.86
    ['f32', 36], // 20/3 + 29 = 35.67
  ] as const)('argmax of 20 elements in %s: maxima and a scalar step, %i', (type, cycles) => {
    const cells = { at: 0, first: 0, value: 30, id: 31 };
    const op: Operation = { ...base(type), kind: 'argmax', length: 20, ...cells };
    expect(timeOf(op, COSTS)).toEqual(fixed(SETUP[type], cycles));
  });

  it('keepIfEqual: a scalar step', () => {
    const op: Operation = { kind: 'keepIfEqual', label: 0, a: 0, b: 1, at: 2, otherwise: 9 };
    expect(timeOf(op, COSTS)).toEqual(fixed(0, 29));
  });

  it('a call of a library: its cycles, as set-up', () => {
    expect(timeOf({ kind: 'call', label: 0 }, COSTS)).toEqual(fixed(601, 0));
  });

  it('route: the change, as set-up', () => {
    const op: Operation = { kind: 'route', label: 0, color: 1, inputs: 1, outputs: 2 };
    expect(timeOf(op, COSTS)).toEqual(fixed(7, 0));
  });

  it('traffic: a wavelet for each of its times, without set-up', () => {
    const times = Int32Array.of(1, 5, 9);
    const op: TrafficOp = {
      kind: 'traffic',
      label: 0,
      color: 2,
      times,
      receive: 3,
      expect: 8,
    };
    const stream = {
      setup: 0,
      cycles: 0,
      wavelets: 3,
      source: 3,
      destination: 2,
      latency: 1,
      interval: 1,
    };
    expect(timeOf(op, COSTS)).toEqual(stream);
  });
});

describe('a product of matrices', () => {
  const product = { length: 7, inner: 5, columns: 3, a: 0, b: 100, c: 200 };
  it.each([
    ['f16', 149], // 5 x (12.75 + 3 x (5.25 + 8/20)) = 148.5
    ['f32', 270], // 5 x (12.75 + 3 x (6.5 + 9/1.25)) = 269.25
  ] as const)('in %s issues whole groups of elements: %i', (type, cycles) => {
    const op: Operation = { ...base(type), kind: 'matmul', ...product };
    expect(timeOf(op, COSTS)).toEqual(fixed(0, cycles));
    expect(timeOf({ ...op, repeat: 3 }, COSTS)).toEqual(fixed(0, 3 * cycles));
  });

  it('clears what it adds to, element by element', () => {
    const op: Operation = { ...base('f16'), kind: 'matmul', ...product, clears: true };
    expect(timeOf(op, COSTS).cycles).toBe(157); // 148.5 + 21 x 0.375 = 156.375
    expect(timeOf({ ...op, type: 'f32', inner: 0 }, COSTS).cycles).toBe(32); // 31.5
  });
});

describe('an exchange of vectors', () => {
  const vector = (color: number, length: number) => ({ color, at: 0, length });

  it('takes the end of every transfer, and the set-up of the first: others are set up while it streams', () => {
    const both = exchanged('f16', [vector(1, 3), vector(2, 2)], [vector(3, 9), vector(4, 1)], 4);
    const stream = { cycles: 0, wavelets: 3, source: 3, destination: 1, latency: 1, interval: 1 };
    expect(timeOf(both, COSTS)).toEqual({ ...stream, setup: 59 + 4 * 31 });
    expect(both.expect).toBe(6);
    // The second one is set up after the first, and after the first that is taken.
    expect([...both.times]).toEqual([0, 1, 8]);
    expect([...both.turns!]).toEqual([0, 0, 1]);
  });

  it('that only takes has all set-ups before', () => {
    const takes = exchanged('f32', [], [vector(3, 9), vector(4, 1)]);
    expect(timeOf(takes, COSTS)).toMatchObject({ setup: 2 * (59 + 31), wavelets: 0, source: 3 });
    expect(timeOf(takes, COSTS).destination).toBe(-1);
  });

  it('sends wavelets of vectors that have begun by turns', () => {
    const op = exchanged('f32', [vector(1, 4), vector(2, 3)], [], 2);
    expect([...op.turns!]).toEqual([0, 0, 1, 0, 1, 0, 1]);
    expect([...op.times]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});
