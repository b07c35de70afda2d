/** What a program computes without its times: the reference's numbers, bit for bit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MachineError } from '../src/engine/engine.js';
import { isTimeless, startNumbers } from '../src/engine/numbers.js';
import { reference } from '../src/engine/reference/reference.js';
import { cellsOf, type Program } from '../src/program/program.js';
import { listGenerated } from './helpers/contract.js';
import { spoilIndex } from './helpers/generate-indexed.js';
import { programs } from './helpers/generate.js';
import { handwritten } from './helpers/handwritten.js';
import {
  cell,
  changeRoute,
  fabric,
  move,
  role,
  route,
  row,
  testWafer,
  traffic,
  E,
  R,
  W,
} from './helpers/programs.js';
import { kernelWafer, programOf } from './kernel-programs.js';

function computed(program: Program, memory: Float32Array[]) {
  const computation = startNumbers(program, memory);
  for (;;) {
    const state = computation.advance();
    if (state !== 'running') return { state, badIndices: computation.badIndices };
  }
}

const compute = (program: Program, memory: Float32Array[]) => computed(program, memory).state;

/** Numbers that differ everywhere and whose sums are rounded. */
function imagesOf({ roles, roleOf }: Program): Float32Array[] {
  const cells = Math.max(64, ...roles.map(cellsOf));
  return Array.from(roleOf, (_, core) =>
    Float32Array.from({ length: cells }, (__, i) => Math.sin(1 + core * 97 + i) / 3),
  );
}

const bits = (memory: Float32Array[]) =>
  memory.map((image) => Buffer.from(image.buffer).toString('hex'));

const KERNELS: [string, Parameters<typeof programOf>[1]][] = [
  ['reduce', { algorithm: 'chain', pes: 9, words: 40, dtype: 'f32' }],
  ['broadcast', { grid: '5x3', words: 12, dtype: 'f16' }],
  ['all-reduce', { algorithm: 'tree', pes: 14, groups: 4, words: 9, dtype: 'f16' }],
  ['all-reduce', { algorithm: 'ring', pes: 7, words: 200, dtype: 'f32' }],
  ['gemv', { k: 24, n: 20, grid: '4x4', groups: 2, dtype: 'f16', algorithm: 'waferllm' }],
  ['gemm', { algorithm: 'cannon', grid: '4x4', m: 12, k: 8, n: 4, dtype: 'f32' }],
];

describe('numbers without times', () => {
  it.each(KERNELS)('are those of the reference in %s %j', (name, options) => {
    const program = programOf(name, options);
    expect(isTimeless(program)).toBe(true);
    const [timed, untimed] = [imagesOf(program), imagesOf(program)];
    const before = bits(untimed);
    reference({ program, wafer: kernelWafer(), memory: timed });
    expect(compute(program, untimed)).toBe('done');
    expect(bits(untimed)).toEqual(bits(timed));
    expect(bits(untimed)).not.toEqual(before);
  });

  it('are those of the reference in handwritten programs that end', () => {
    const wafer = testWafer();
    let compared = 0;
    for (const [, program] of handwritten.filter(([, one]) => isTimeless(one))) {
      const [timed, untimed] = [imagesOf(program), imagesOf(program)];
      if (!ends(() => reference({ program, wafer, memory: timed }))) continue;
      expect(compute(program, untimed)).toBe('done');
      expect(bits(untimed)).toEqual(bits(timed));
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(10);
  });

  it('are those of the reference in generated programs that end', () => {
    let compared = 0;
    const property = fc.property(programs(), (given) => {
      const { program, wafer, startAt } = given;
      if (!isTimeless(program)) return;
      const [timed, untimed] = [given.memory(), given.memory()];
      if (!ends(() => reference({ program, wafer, startAt, memory: timed }))) return;
      compared++;
      const state = compute(program, untimed);
      const isEqual = state === 'done' && bits(untimed).join() === bits(timed).join();
      if (!isEqual) throw new Error(`${state}\n${listGenerated(given)}`);
    });
    fc.assert(property, { numRuns: 600, seed: 3 });
    expect(compared).toBeGreaterThan(60);
  });

  it('of generated programs find the wrong indices that the reference fails on', () => {
    let compared = 0;
    const property = fc.property(programs(), fc.nat(1000), (given, way) => {
      const { program, wafer, startAt } = given;
      if (!isTimeless(program)) return;
      const images = () => {
        const memory = given.memory();
        for (const [core, cells] of memory.entries())
          if ((core + way) % 3 !== 0) spoilIndex(cells, way + core);
        return memory;
      };
      const expected = failureOf(() => reference({ program, wafer, startAt, memory: images() }));
      const { badIndices } = computed(program, images());
      const found = failureOf(() => reference({ program, wafer, startAt, badIndices }));
      if (found !== expected) throw new Error(`${found} for ${expected}\n${listGenerated(given)}`);
      if (expected.startsWith('bad-index')) compared++;
    });
    fc.assert(property, { numRuns: 1000, seed: 4 });
    console.log(compared);
    expect(compared).toBeGreaterThan(25);
  });

  it('need no route that changes, no switch, no race of wavelets and no streams that join', () => {
    const changing = row(role('a', { operations: [changeRoute(0, E, W)] }));
    const racing = row(role('a', { operations: [traffic({ color: 0, times: [1] })] }));
    const switching = row(
      role('a', { routes: [{ ...route(0, R, E), positions: [route(0, E, R)] }] }),
    );
    const joined = { ...route(0, R, E), inputs: route(0, R, E).inputs | route(0, W, E).inputs };
    const joining = row(role('a', { routes: [joined] }));
    for (const program of [changing, racing, switching, joining])
      expect(isTimeless(program)).toBe(false);
  });

  it('say that cores wait for what never comes', () => {
    const waiting = role('waits', {
      routes: [route(0, W, R)],
      operations: [move(cell(0), fabric(0), 3)],
    });
    const sending = role('sends', {
      routes: [route(0, R, E)],
      operations: [move(fabric(0), cell(0), 2)],
    });
    const program = row(sending, waiting);
    const memory = imagesOf(program);
    expect(compute(program, memory)).toBe('stuck');
    // What came was taken.
    expect(memory[1].slice(0, 2)).toEqual(memory[0].slice(0, 2));
    expect(compute(row(waiting, waiting), imagesOf(program))).toBe('stuck');
  });
});

const ends = (run: () => unknown): boolean => failureOf(run) === '';

/** What a run fails with; '' if it ends. */
function failureOf(run: () => unknown): string {
  try {
    run();
    return '';
  } catch (error) {
    if (error instanceof MachineError) return error.message;
    throw error;
  }
}
