/** Reduce, broadcast and all-reduce: they compute what they say, in the cycles their rules give. */
import { describe, expect, it } from 'vitest';
import { reference } from '../src/engine/reference/reference.js';
import { byTasks, called } from '../src/kernels/variants.js';
import type { Operation, Program } from '../src/program/program.js';
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

  it.each([
    [2, 1],
    [9, 200],
    [100, 3],
  ])('by a star of %i cores and %i words takes all words of all others', (pes, words) => {
    const cycles = cyclesOf('reduce', { algorithm: 'star', pes, words });
    expect(cycles).toBe(words * (pes - 1) + 6);
  });

  it('by a tree has no set-up between rounds, and takes the words of all rounds one after the other', () => {
    const setup = 21;
    const wafer = kernelWafer({ setup: { f16: setup, f32: setup } });
    // Long vectors enter the root without a gap, after a set-up, the step into a ramp, a hop, a ramp.
    const long = { algorithm: 'tree', pes: 8, words: 300 };
    expect(cyclesOf('reduce', long, wafer)).toBe(setup + 3 * 300 + 6);
    const options = { algorithm: 'tree', pes: 64 };
    // Short ones: the hops to the last core and a path per round; and less than two set-ups
    // more, where a core has received vectors and waits for its last, which is near. Rounds have six.
    const short = cyclesOf('reduce', { ...options, words: 1 }, wafer);
    expect(short).toBeGreaterThan(setup + 63 + 6 * 5);
    expect(short).toBeLessThan(setup + 63 + 6 * 5 + 2 * setup);
  });

  it.each([1, 2, 3, 6, 11, 32, 33, 100])('by a tree works on %i cores', (pes) => {
    const program = programOf('reduce', { algorithm: 'tree', pes, words: 5, dtype: 'f16' });
    const { memory, before } = runWithNumbers(program);
    expect([...cells(program, memory, 0, 'vector')]).toEqual(sums(program, before));
  });

  it('ends with its root, also when other cores have less to do', () => {
    const program = programOf('reduce', { algorithm: 'two-phase', pes: 12, words: 30, group: 4 });
    const result = reference({ program, wafer: kernelWafer() });
    expect(result.cycles).toBe(result.end[0]);
    expect(Math.max(...result.end)).toBe(result.end[0]);
  });
});

const GRIDS = ['1x1', '4x1', '1x5', '2x2', '5x3', '7x6'];

describe('on a rectangle', () => {
  const words = { words: 5, dtype: 'f16' };

  for (const grid of GRIDS)
    it.each(REDUCES)(
      `a reduce of ${grid} cores by a %s leaves the sum in the corner`,
      (algorithm) => {
        const program = programOf('reduce', { algorithm, grid, ...words });
        const { memory, before } = runWithNumbers(program);
        expect([...cells(program, memory, 0, 'vector')]).toEqual(sums(program, before));
      },
    );

  for (const grid of GRIDS)
    for (const scheme of grid.includes('1') ? ['corner'] : ['corner', 'lines'])
      it.each(['chain', 'star', 'two-phase', 'binary-tree'])(
        `an all-reduce of ${grid} cores by a %s (${scheme}) leaves the sum in every core`,
        (algorithm) => {
          const given = { algorithm, grid, ...words };
          const program = programOf('all-reduce', {
            ...given,
            ...(scheme === 'lines' && { scheme }),
          });
          const { memory, before } = runWithNumbers(program);
          const expected = sums(program, before);
          for (let core = 0; core < program.roleOf.length; core++)
            expect([...cells(program, memory, core, 'vector')]).toEqual(expected);
        },
      );

  it.each(GRIDS)('a broadcast brings the vector of the corner to all of %s cores', (grid) => {
    const program = programOf('broadcast', { grid, ...words });
    const { memory, before } = runWithNumbers(program);
    const sent = [...cells(program, before, 0, 'vector')];
    for (let core = 0; core < program.roleOf.length; core++)
      expect([...cells(program, memory, core, 'vector')]).toEqual(sent);
  });

  it('a broadcast takes the words, two ramps, the hops to the far corner and the step into the ramp', () => {
    expect(cyclesOf('broadcast', { grid: '30x20', words: 64 })).toBe(64 + 2 * 2 + 29 + 19 + 1);
  });

  it('a star reduces all rows, then the first column, set up once more', () => {
    const wafer = kernelWafer({ setup: { f16: 21, f32: 21 } });
    const options = { algorithm: 'star', grid: '9x5', words: 3, dtype: 'f32' };
    const rows = 21 + (3 * 8 + 6);
    const cycles = rows + 21 + (3 * 4 + 6);
    expect(cyclesOf('reduce', options, wafer)).toBe(cycles);
    const program = programOf('reduce', options, wafer);
    expect(program.labels).toEqual(['rows: reduce', 'column: reduce']);
    expect([...reference({ program, wafer }).labelEnd]).toEqual([rows, cycles]);
  });
});

describe('a collective by tasks', () => {
  it('has a call before all else, and a task for whatever takes wavelets, in any operand', () => {
    const [color, at] = [{ color: 3 }, { at: 0, stride: 1 }];
    const op = { kind: 'vector', label: 0, fn: 'fma', type: 'f32', length: 2 } as const;
    const takes: Operation[] = [
      { ...op, dst: at, a: color, b: at, c: at },
      { ...op, dst: color, a: at, b: color, c: at },
      { ...op, dst: at, a: at, b: at, c: color },
    ];
    const others: Operation[] = [
      { ...op, dst: color, a: at, b: at, c: at },
      { kind: 'route', label: 0, color: 3, inputs: 1, outputs: 2 },
    ];
    const operations = [...takes, ...others];
    const role = { name: 'core', routes: [], operations, buffers: [], codeBytes: 0 };
    const idle = { ...role, operations: [] };
    const program: Program = {
      ...{ name: 'line', width: 3, height: 1, roleOf: Uint16Array.of(0, 1, 2), labels: ['all'] },
      roles: [role, { ...role, name: 'as the first' }, idle],
    };
    const [first, second, third] = called(byTasks(program)).roles;
    const call = { kind: 'call', label: 0 };
    const tasks = takes.map((take) => ({ ...take, by: 'task' }));
    expect(first.operations).toEqual([call, ...tasks, ...others]);
    expect(second.operations).toBe(first.operations);
    expect(third.operations).toEqual([]);
  });
});

describe('another function', () => {
  const all = (algorithm: string, by: string) => ({ algorithm, function: by, pes: 7, words: 5 });
  const extremes = (program: Program, before: Float32Array[], of: (...x: number[]) => number) => {
    const vectors = before.map((_, core) => cells(program, before, core, 'vector'));
    return Array.from(vectors[0], (_, i) => of(...vectors.map((vector) => vector[i])));
  };

  for (const [by, of] of [['max', Math.max] as const, ['min', Math.min] as const])
    it.each(REDUCES)(`(${by}) of a reduce by a %s is in core 0`, (algorithm) => {
      const program = programOf('reduce', all(algorithm, by));
      const { memory, before } = runWithNumbers(program);
      expect([...cells(program, memory, 0, 'vector')]).toEqual(extremes(program, before, of));
      const sum = cyclesOf('reduce', all(algorithm, 'sum'));
      expect(cyclesOf('reduce', all(algorithm, by))).toBe(sum);
    });

  it.each(['ring', 'library', 'tree'])('of an all-reduce by a %s is in every core', (algorithm) => {
    const program = programOf('all-reduce', all(algorithm, 'max'));
    const { memory, before } = runWithNumbers(program);
    const expected = extremes(program, before, Math.max);
    for (let core = 0; core < 7; core++)
      expect([...cells(program, memory, core, 'vector')]).toEqual(expected);
  });
});

describe('a gather', () => {
  it.each(SHAPES)('brings all vectors to core 0, the nearest first: %o', (shape) => {
    const program = programOf('gather', shape);
    const { memory, before, result } = runWithNumbers(program);
    if (shape.pes === 1) return;
    const gathered = cells(program, memory, 0, 'gathered');
    const each = shape.dtype === 'f16' ? 2 * Math.ceil(shape.words / 2) : shape.words;
    for (let core = 1; core < shape.pes; core++) {
      const from = gathered.subarray((core - 1) * each).subarray(0, shape.words);
      expect([...from]).toEqual([...cells(program, before, core, 'vector')]);
    }
    const wavelets = shape.dtype === 'f16' ? Math.ceil(shape.words / 2) : shape.words;
    expect(result.cycles).toBe(wavelets * (shape.pes - 1) + 6);
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
  for (const algorithm of ['tree', 'chain', 'ring', 'star', 'two-phase', 'binary-tree'])
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

  it.each(['stored', 'streamed', 'echoed'])(
    'by a %s tree leaves the sum in every core of any line in any groups',
    (form) => {
      for (const [pes, words] of [...Array(14).keys()].flatMap((n) =>
        [1, 4, 5, 30].map((w) => [n + 1, w]),
      ))
        for (let groups = 1; groups <= pes; groups += 2) {
          const options = { algorithm: 'tree', pes, words, groups, form, dtype: 'f32' };
          const program = programOf('all-reduce', options);
          const { memory, before } = runWithNumbers(program);
          const expected = sums(program, before);
          for (let core = 0; core < pes; core++)
            expect([...cells(program, memory, core, 'vector')]).toEqual(expected);
        }
    },
  );

  it('by a tree of 4 cores in 2 groups is over when the last core has the result', () => {
    // Short enough that the root has its neighbour's words, and is set up again, when the others come.
    const setup = 2;
    const wafer = kernelWafer({ setup: { f16: setup, f32: setup } });
    const tree = { algorithm: 'tree', pes: 4, groups: 2, dtype: 'f32' };
    const cycles = (form: string, words: number) =>
      cyclesOf('all-reduce', { ...tree, form, words }, wafer);
    for (const words of [1, 2, 4]) {
      // Core 0 to core 1, on to core 3, and back to core 0: 6 hops, and 5 cycles for each of three operations.
      const way = 6 + 3 * 5;
      expect(cycles('stored', words)).toBe(3 * (setup + words) + way);
      expect(cycles('streamed', words)).toBe(2 * (setup + words) + way);
      // The root is last: core 2 has the result 2 hops before core 0, and sends it back after a set-up.
      const back = setup + words + 6 - 2;
      expect(cycles('echoed', words)).toBe(setup + words + way + back);
    }
  });

  it('by a tree of 6 cores in one group takes the shorter chain first where the longer one streams on', () => {
    const setup = 2;
    const wafer = kernelWafer({ setup: { f16: setup, f32: setup } });
    const tree = { algorithm: 'tree', pes: 6, groups: 1, dtype: 'f32' };
    const cycles = (form: string, words: number) =>
      cyclesOf('all-reduce', { ...tree, form, words }, wafer);
    for (const words of [1, 2, 4]) {
      // Core 0 to core 3 in 3 hops and 3 operations, and back in 3 hops and 1 operation.
      const way = 3 + 3 * 5 + 3 + 5;
      expect(cycles('stored', words)).toBe(3 * (setup + words) + way);
      expect(cycles('streamed', words)).toBe(2 * (setup + words) + way);
    }
  });

  it('by an echoed tree streams results on that queues hold, and stores others at the root', () => {
    const operations = (form: string, words: number, dtype: string, queueDepth: number) => {
      const wafer = kernelWafer();
      const deep = { ...wafer, fabric: { ...wafer.fabric, queueDepth } };
      const options = { algorithm: 'tree', pes: 20, groups: 4, words, dtype, form };
      return programOf('all-reduce', options, deep).roles.map((role) => role.operations);
    };
    for (const depth of [2, 4, 7]) {
      for (const fits of [
        ['f32', depth],
        ['f16', 2 * depth],
      ] as const) {
        const [dtype, words] = fits;
        const echoed = (more: number) => operations('echoed', words + more, dtype, depth);
        expect(echoed(0)).not.toEqual(operations('streamed', words, dtype, depth));
        expect(echoed(1)).toEqual(operations('streamed', words + 1, dtype, depth));
      }
    }
  });

  it('by a ring scatters pieces that queues hold by one operation, others in steps', () => {
    const operations = (words: number, queueDepth: number) => {
      const wafer = kernelWafer();
      const shallow = { ...wafer, fabric: { ...wafer.fabric, queueDepth } };
      const options = { algorithm: 'ring', pes: 6, words, dtype: 'f32' };
      const program = programOf('all-reduce', options, shallow);
      const { memory, before } = runWithNumbers(program, shallow);
      const expected = sums(program, before);
      for (let core = 0; core < 6; core++)
        expect([...cells(program, memory, core, 'vector')]).toEqual(expected);
      return program.roles[2].operations.filter(({ label }) => label === 0).length;
    };
    // A send, all that passes, the last piece; or five steps of a send and a receive.
    expect(operations(48, 4)).toBe(3);
    expect(operations(49, 4)).toBe(10);
    expect(operations(12, 1)).toBe(3);
    expect(operations(13, 1)).toBe(10);
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
