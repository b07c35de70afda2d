/** Matrix-vector kernels: one core, and a grid of cores with a tree along its columns. */
import { describe, expect, it } from 'vitest';
import { reference } from '../src/engine/reference/reference.js';
import { cells, cyclesOf, kernelWafer, programOf, runWithNumbers } from './kernel-programs.js';

describe('the matrix-vector product of one core', () => {
  it('adds up x times the rows of its matrix in every iteration', () => {
    const [rows, padded, iterations] = [5, 8, 3];
    const program = programOf('matvec', { rows, padded, iterations });
    const { memory, before } = runWithNumbers(program);
    const [matrix, x, y] = ['matrix', 'x', 'y'].map((name) => cells(program, before, 0, name));
    const product = (j: number) => Array.from(x, (v, i) => v * matrix[i * padded + j]);
    const expected = Array.from(
      y,
      (v, j) => v + iterations * product(j).reduce((sum, term) => sum + term, 0),
    );
    expect([...cells(program, memory, 0, 'y')]).toEqual(expected);
  });

  it('takes a call and a set-up an iteration, and its padding', () => {
    const costs = { setup: { f16: 0, f32: 21 }, programStart: 35 };
    const widenPerCycle = { i8: 1, fp8: 1, mxfp4: 1, int4: 1 };
    const matvec = { call: 15, row: { f16: 0, f32: 1 }, widenPerCycle };
    const wafer = kernelWafer({ ...costs, matvec });
    expect(cyclesOf('matvec', { rows: 30, padded: 32, iterations: 10 }, wafer)).toBe(
      35 + 10 * (21 + 15 + 30 * (32 + 1)),
    );
  });
});

describe('the matrix-vector product of a grid', () => {
  const grids = [
    { k: 16, n: 12, grid: '4x4', groups: 2 },
    { k: 19, n: 10, grid: '3x7', groups: 3 },
    { k: 5, n: 3, grid: '1x1', groups: 1 },
  ];
  it.each(grids)('leaves every core of a column with its piece of x W: %o', (options) => {
    const program = programOf('gemv', options);
    const { memory, before } = runWithNumbers(program);
    const { width, height } = program;
    for (let x = 0; x < width; x++) {
      const expected = partialSums(program, before, x);
      for (let y = 0; y < height; y++)
        expect([...cells(program, memory, y * width + x, 'y')]).toEqual(expected);
    }
  });

  it('holds its tiles padded up', () => {
    const program = programOf('gemv', { k: 19, n: 10, grid: '3x7', groups: 3 });
    const lengths = program.roles[0].buffers.map(({ name, length }) => [name, length]);
    expect(Object.fromEntries(lengths)).toEqual({ x: 3, w: 3 * 4, y: 4 });
  });

  it('times without numbers as with them', () => {
    const program = programOf('gemv', grids[1]);
    const { result } = runWithNumbers(program);
    expect(reference({ program, wafer: kernelWafer() }).cycles).toBe(result.cycles);
  });
});

/** What the column at x of a grid adds up to, in plain loops. */
function partialSums(
  program: ReturnType<typeof programOf>,
  before: Float32Array[],
  x: number,
): number[] {
  const { width, height } = program;
  const columns = Array.from({ length: height }, (_, y) => y * width + x);
  const length = cells(program, before, x, 'y').length;
  return Array.from({ length }, (_, j) => {
    let sum = 0;
    for (const core of columns) {
      const [input, w] = ['x', 'w'].map((name) => cells(program, before, core, name));
      input.forEach((value, i) => (sum += value * w[i * length + j]));
    }
    return sum;
  });
}
