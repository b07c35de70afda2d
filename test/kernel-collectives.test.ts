/** Reduce, broadcast and all-reduce: they compute what they say, in the cycles their rules give. */
import { describe, expect, it } from 'vitest';
import { reference } from '../src/engine/reference/reference.js';
import {
  cells,
  cyclesOf,
  kernelWafer,
  programOf,
  runWithNumbers,
  sums,
} from './kernel-programs.js';

const REDUCES = ['chain', 'tree', 'star', 'two-phase'];
const SHAPES = [
  { pes: 1, words: 5, dtype: 'f32' },
  { pes: 2, words: 3, dtype: 'f16' },
  { pes: 3, words: 2, dtype: 'f32' },
  { pes: 13, words: 9, dtype: 'f16' },
  { pes: 16, words: 40, dtype: 'f32' },
];

describe('a reduce', () => {
  for (const algorithm of REDUCES)
    it.each(SHAPES)(`(${algorithm}) leaves the sum of all vectors in core 0: %o`, (shape) => {
      const program = programOf('reduce', { algorithm, ...shape });
      const { memory, before } = runWithNumbers(program);
      expect([...cells(program, memory, 0, 'vector')]).toEqual(sums(program, before));
    });

  it.each([1, 2, 3, 5, 7, 12, 13])('in two phases works with groups of %i of 13 cores', (group) => {
    const options = { algorithm: 'two-phase', pes: 13, words: 6, group };
    const program = programOf('reduce', options);
    const { memory, before } = runWithNumbers(program);
    expect([...cells(program, memory, 0, 'vector')]).toEqual(sums(program, before));
  });

  it.each([
    [16, 500, 590],
    [512, 64, 3130],
  ])(
    'by a chain of %i cores takes words + 6 (cores - 1): %i words, %i cycles',
    (pes, words, cycles) => {
      expect(cyclesOf('reduce', { algorithm: 'chain', pes, words })).toBe(cycles);
      expect(cycles).toBe(words + 6 * (pes - 1));
    },
  );

  it('in two phases stores in all heads but the farthest, and sets up a second operation', () => {
    const setup = 21;
    const wafer = kernelWafer({ setup: { f16: setup, f32: setup }, routeChange: 5 });
    const [pes, words, group] = [64, 300, 8];
    const heads = pes / group;
    // Chain inside a group; a set-up; one head's add, ramps and way to the next; the words.
    const first = setup + words + 6 * (group - 1);
    const second = setup + words + (heads - 2) * (5 + group);
    const options = { algorithm: 'two-phase', pes, words, group };
    expect(cyclesOf('reduce', options, wafer)).toBe(first + second);
  });

  it('by a star takes one vector after the other', () => {
    const [pes, words] = [9, 200];
    const cycles = cyclesOf('reduce', { algorithm: 'star', pes, words });
    expect(cycles).toBeGreaterThanOrEqual((pes - 1) * words);
    expect(cycles).toBeLessThan((pes - 1) * (words + 20));
  });

  it('by a tree takes a vector and the path per level', () => {
    const [pes, words] = [32, 100];
    const way = 1 + 2 + 2;
    const hops = pes - 1;
    expect(cyclesOf('reduce', { algorithm: 'tree', pes, words })).toBe(
      Math.log2(pes) * (words + way) + hops,
    );
  });

  it('ends with its root, also when other cores have less to do', () => {
    const program = programOf('reduce', { algorithm: 'two-phase', pes: 12, words: 30, group: 4 });
    const result = reference({ program, wafer: kernelWafer() });
    expect(result.cycles).toBe(result.end[0]);
    expect(Math.max(...result.end)).toBe(result.end[0]);
  });
});

describe('a broadcast', () => {
  it.each(SHAPES)('brings the vector of core 0 to every core: %o', (shape) => {
    const program = programOf('broadcast', shape);
    const { memory, before } = runWithNumbers(program);
    const sent = [...cells(program, before, 0, 'vector')];
    for (let core = 0; core < shape.pes; core++)
      expect([...cells(program, memory, core, 'vector')]).toEqual(sent);
  });

  it('takes the words, two ramps, the hops and the step into the ramp', () => {
    expect(cyclesOf('broadcast', { pes: 100, words: 64 })).toBe(64 + 2 * 2 + 99 + 1);
  });
});

describe('an all-reduce', () => {
  for (const algorithm of ['tree', 'chain', 'ring'])
    it.each([...SHAPES, { pes: 7, words: 4, dtype: 'f16' }])(
      `(${algorithm}) leaves the sum of all vectors in every core: %o`,
      (shape) => {
        const program = programOf('all-reduce', { algorithm, ...shape });
        const { memory, before } = runWithNumbers(program);
        const expected = sums(program, before);
        for (let core = 0; core < shape.pes; core++)
          expect([...cells(program, memory, core, 'vector')]).toEqual(expected);
      },
    );

  it.each([1, 2, 5, 10, 20])('by a tree works with %i groups of 20 cores', (groups) => {
    const options = { algorithm: 'tree', pes: 20, words: 7, groups };
    const program = programOf('all-reduce', options);
    const { memory, before } = runWithNumbers(program);
    const expected = sums(program, before);
    for (let core = 0; core < 20; core++)
      expect([...cells(program, memory, core, 'vector')]).toEqual(expected);
  });

  it('by a ring holds pieces longer than all queues of a link', () => {
    const program = programOf('all-reduce', { algorithm: 'ring', pes: 5, words: 500 });
    const { memory, before } = runWithNumbers(program);
    expect([...cells(program, memory, 3, 'vector')]).toEqual(sums(program, before));
  });

  it('by a tree is faster with groups than without, and than a chain, on a long line', () => {
    const shape = { pes: 100, words: 8, dtype: 'f16' };
    const inGroups = (groups: number) =>
      cyclesOf('all-reduce', { algorithm: 'tree', groups, ...shape });
    expect(inGroups(10)).toBeLessThan(0.9 * inGroups(1));
    expect(inGroups(1)).toBeLessThan(
      0.7 * cyclesOf('all-reduce', { algorithm: 'chain', ...shape }),
    );
  });
});
