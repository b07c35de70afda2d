/** Operations that find their place by a number in memory: `select`, `rank` and `put`, all by hand. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { placementOf } from '../src/decode/place.js';
import { createRunner } from '../src/decode/runner.js';
import { simulateSteps } from '../src/decode/simulate.js';
import { MachineError, type RunInput } from '../src/engine/engine.js';
import { executeOperation } from '../src/engine/execute.js';
import { badIndex } from '../src/engine/indexed.js';
import { isTimeless, startNumbers } from '../src/engine/numbers.js';
import { reference } from '../src/engine/reference/reference.js';
import { chosen, matvec, put, rank, type Code } from '../src/program/builder.js';
import { listRole } from '../src/program/listing.js';
import { firstUnwrittenRead } from '../src/program/memory-use.js';
import { readsOnlyWritten } from '../src/program/reads-written.js';
import type { Operation, Program, Select } from '../src/program/program.js';
import { timeOf } from '../src/program/timing.js';
import { choosing, chosenBy } from './helpers/choosing.js';
import { engines } from './helpers/engines.js';
import { OPTIONS } from './helpers/options.js';
import {
  E,
  NO_OVERHEAD,
  R,
  W,
  add,
  cell,
  constant,
  fabric,
  loaded,
  move,
  program,
  role,
  route,
  row,
  testWafer,
  vector,
} from './helpers/programs.js';

/** The operation that a function appends. */
function written(append: (code: Code) => void): Operation {
  const code: Code = { operations: [], label: 0 };
  append(code);
  return code.operations[0];
}

const rankOf = (at: number, length: number, own: number, to: number) =>
  written((code) => rank(code, { at, length, own, to }));
/** How many of some cells come up to another one. */
const upTo = (at: number, length: number, own: number, to: number) =>
  written((code) => rank(code, { at, length, own, to, atLeast: true }));
const putTo = (to: number, stride: number, below: number, length = 1, test = 0, from = 1) =>
  written((code) => put(code, 'f32', { test, below, from, length, to, stride }));
const product = (form: 'axpy' | 'dot', more: { select?: Select; repeat?: number } = {}) =>
  written((code) =>
    matvec(code, form, 'f32', {
      ...{ rows: 2, length: 3, matrix: 1, x: 25, out: 30, widen: false },
      ...more,
    }),
  );

function after(op: Operation, ...cells: number[]): number[] {
  const memory = Float32Array.from(cells);
  expect(badIndex(op, memory)).toBeUndefined();
  executeOperation(op, memory);
  return Array.from(memory);
}

describe('a rank', () => {
  const ranks = (...scores: number[]) =>
    scores.map((_, i) => after(rankOf(1, scores.length, 1 + i, 0), NaN, ...scores)[0]);

  it('is the number of larger cells', () => {
    expect(ranks(3, 9, -2, 7)).toEqual([2, 0, 3, 1]);
    expect(ranks(4)).toEqual([0]);
  });

  it('among equal cells is less for the one before', () => {
    expect(ranks(5, 5, 5)).toEqual([0, 1, 2]);
    expect(ranks(1, 5, 2, 5, 5, 2)).toEqual([5, 0, 3, 1, 2, 4]);
    // Zeros are equal whatever their signs.
    expect(ranks(-0, 0, -0)).toEqual([0, 1, 2]);
  });

  it('looks at its own cells only: not at larger ones around them', () => {
    // The first, the last and a middle one of three.
    const around = (own: number) => after(rankOf(1, 3, own, 5), 9, 2, 3, 3, 9, -1)[5];
    expect([around(1), around(2), around(3)]).toEqual([2, 0, 1]);
  });

  it('counts all that come up to a cell, wherever that is', () => {
    const counted = (own: number) => after(upTo(1, 3, own, 0), NaN, 2, 3, 3, 9, 3, -1, NaN)[0];
    expect([4, 5, 6, 7].map(counted)).toEqual([0, 2, 3, 0]);
    expect([1, 2, 3].map(counted)).toEqual([3, 2, 2]);
    expect(after(upTo(2, 0, 1, 0), NaN, 5, 9)[0]).toBe(0);
  });

  it('of the least number there is comes last', () => {
    expect(ranks(-Infinity, 1, -Infinity)).toEqual([1, 0, 2]);
  });
});

describe('a put', () => {
  const cells = (index: number) => [index, 7, 8, 0, 0, 0, 0, 0, 0];
  it('writes to the place of its index, below the border only', () => {
    const op = putTo(3, 2, 3, 2);
    expect(after(op, ...cells(0)).slice(3)).toEqual([7, 8, 0, 0, 0, 0]);
    expect(after(op, ...cells(2)).slice(3)).toEqual([0, 0, 0, 0, 7, 8]);
    // At the border and above nothing is written.
    expect(after(op, ...cells(3)).slice(3)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(after(op, ...cells(100)).slice(3)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('may go backwards, and rounds to its type', () => {
    expect(after(putTo(8, -2, 3), ...cells(2)).slice(3)).toEqual([0, 7, 0, 0, 0, 0]);
    const half = { ...putTo(3, 1, 9), type: 'f16' } as Operation;
    expect(after(half, 1, 2049, 0, 0, 0)[4]).toBe(2048);
  });

  it('of a wrong index is wrong', () => {
    const wrong = (index: number, below = 3) =>
      badIndex(putTo(3, 2, below), Float32Array.from(cells(index))) !== undefined;
    expect([NaN, 0.5, 2.5, 7.5, -1, -Infinity, Infinity].map((index) => wrong(index))).toEqual(
      Array.from({ length: 7 }, () => true),
    );
    expect([0, 1, 2, 3, 4, 1e6, -0].some((index) => wrong(index))).toBe(false);
    // Nothing is done with what is not below the border.
    expect([wrong(-1, -5), wrong(-6, -5)]).toEqual([false, true]);
  });
});

describe('a select', () => {
  // Cell 0 is the index; four matrices of 2 x 3 from cell 1 on, then x and the sums.
  const numbers = Array.from({ length: 24 }, (_, i) => i + 1);
  const cells = (index: number) => [index, ...numbers, 10, 100, 1000, 0, 0, 1, 1, 1];
  const select = { cell: 0, step: 6, count: 4 };

  it('raises the matrix of a product', () => {
    // 10 times row 1, 100 times row 2, and 1; or 10, 100 and 1000 times the elements of each row.
    const sums = (form: 'axpy' | 'dot', index: number) =>
      after(product(form, { select }), ...cells(index)).slice(30);
    expect(sums('axpy', 0)).toEqual([411, 521, 631]);
    expect(sums('axpy', 1)).toEqual([1071, 1181, 1291]);
    expect(sums('axpy', 3)).toEqual([2391, 2501, 2611]);
    expect(sums('dot', 0)).toEqual([3211, 6541, 1]);
    expect(sums('dot', 3)).toEqual([23_191, 26_521, 1]);
    expect(after(product('axpy', { select, repeat: 2 }), ...cells(3)).slice(30)).toEqual([
      4781, 5001, 5221,
    ]);
  });

  it('raises sources and destinations, each by its own index', () => {
    const by = (of: number, step: number, count: number) => ({ cell: of, step, count });
    // From cells 3, 4 by index 0 (2 of 3) and to cells 10, 12 by index 1 (1 of 2).
    const op = move(chosen(9, by(1, 1, 2), 2), chosen(2, by(0, 2, 3)), 2);
    expect(after(op, 2, 1, 20, 21, 22, 23, 24, 25, 0, 0, 0, 0, 0, 0).slice(8)).toEqual([
      0, 0, 24, 0, 25, 0,
    ]);
    const sum = vector({
      ...{ fn: 'fma', type: 'f32', length: 2, dst: cell(8) },
      ...{ a: chosen(2, by(0, 2, 2)), b: constant(10), c: chosen(2, by(1, 1, 3), 0) },
    });
    expect(after(sum, 1, 2, 1, 2, 3, 4, 5, 6, 0, 0).slice(8)).toEqual([33, 43]);
  });

  it('raises a circular buffer as a whole', () => {
    const round = { ...chosen(1, { cell: 0, step: 3, count: 2 }), wrap: 3, from: 2 };
    const row = (index: number) =>
      after(move(cell(7), round, 5), index, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0).slice(7);
    expect(row(0)).toEqual([3, 1, 2, 3, 1]);
    expect(row(1)).toEqual([6, 4, 5, 6, 4]);
    const into = { ...round, stride: 1 };
    expect(after(move(into, cell(7), 3), 1, 0, 0, 0, 0, 0, 0, 7, 8, 9)).toEqual([
      1, 0, 0, 0, 8, 9, 7, 7, 8, 9,
    ]);
  });

  it('may be its own destination: the index is read before', () => {
    const op = move(cell(0, 0), chosen(1, { cell: 0, step: 2, count: 2 }), 2);
    expect(after(op, 1, 10, 11, 12, 13)[0]).toBe(13);
  });

  it('of a wrong index is wrong', () => {
    const wrong = (index: number, op: Operation) => badIndex(op, Float32Array.of(index));
    const ops = [
      product('dot', { select }),
      move(cell(9), chosen(0, select), 1),
      move(chosen(0, select), cell(9), 1),
      add(cell(9), cell(0), chosen(0, select), 1),
      vector({
        ...{ fn: 'fma', type: 'f16', length: 1 },
        ...{ dst: cell(0), a: cell(0), b: cell(0), c: chosen(0, select) },
      }),
    ];
    for (const op of ops) {
      for (const index of [NaN, -1, 0.5, 4, 3.5, Infinity])
        expect(wrong(index, op)).toBe(
          `selects ${index} by cell 0, which is to be a whole number from 0 to 3`,
        );
      for (const index of [0, 1, 2, 3]) expect(wrong(index, op)).toBeUndefined();
    }
  });
});

describe('the times', () => {
  const costs = {
    ...NO_OVERHEAD,
    setup: { f16: 11, f32: 13 },
    issue: { f16: 3, f32: 5 },
    elementsPerCycle: { ...NO_OVERHEAD.elementsPerCycle, rank: { f32: 0.75 } },
    scalar: { ...NO_OVERHEAD.scalar, step: 29 },
    task: 37,
  };
  const time = (op: Operation) => timeOf(op, costs);
  const select = { cell: 0, step: 6, count: 4 };

  it('of a rank: its set-up, its cells at their rate, an issue and a step', () => {
    // 20 / 0.75 + 5 + 29 = 60.67
    expect(time(rankOf(0, 20, 3, 30))).toMatchObject({ setup: 13, cycles: 61 });
  });

  it('of a put: its set-up, a step and a cycle for each cell', () => {
    expect(time(putTo(3, 2, 3, 5))).toMatchObject({ setup: 13, cycles: 34, wavelets: 0 });
    expect(time({ ...putTo(3, 2, 3, 5), type: 'f16' } as Operation).setup).toBe(11);
  });

  it('of a select: a step more of set-up, for each operand and each repetition', () => {
    const plain = time(product('axpy'));
    expect(time(product('axpy', { select }))).toEqual({ ...plain, setup: plain.setup + 29 });
    const again = time(product('axpy', { repeat: 3 }));
    expect(time(product('axpy', { repeat: 3, select }))).toEqual({
      ...again,
      setup: again.setup + 3 * 29,
    });
    const sums = (dst = cell(9), a = cell(0), b = cell(1)) => time(add(dst, a, b, 4));
    const base = sums();
    const one = chosen(0, select);
    expect(sums(one)).toEqual({ ...base, setup: base.setup + 29 });
    expect(sums(cell(9), one)).toEqual({ ...base, setup: base.setup + 29 });
    expect(sums(one, one, one)).toEqual({ ...base, setup: base.setup + 3 * 29 });
  });

  it('of a select of a stream: the same', () => {
    expect(time(move(fabric(1), chosen(0, select), 4))).toEqual({
      ...time(move(fabric(1), cell(0), 4)),
      setup: 13 + 29,
    });
    const takes = add(chosen(0, select), fabric(1), chosen(0, select), 4);
    expect(time(takes).setup).toBe(13 + 58);
    // A task has no set-up of its own.
    expect(time({ ...takes, by: 'task' }).setup).toBe(58);
  });
});

describe('memory', () => {
  /** First unwritten read with cells 0 to 9 loaded and 10 to 99 empty. */
  const unwritten = (...operations: Operation[]) => {
    const rest = { ...loaded(90, 10, 'empty'), preloaded: false };
    const of = role('r', { operations, buffers: [loaded(10), rest] });
    const read = firstUnwrittenRead(of);
    // The quick look may be too strict, never too lenient.
    if (read !== undefined) expect(readsOnlyWritten(of)).toBe(false);
    return read && [read.operation, read.cell];
  };
  const select = (count: number, step: number, of = 0) => ({ cell: of, step, count });

  it('of all tables is read, and the index', () => {
    const from = (count: number, step: number, of = 0) =>
      unwritten(move(cell(20), chosen(1, select(count, step, of)), 3));
    expect(from(3, 3)).toBeUndefined();
    expect(from(4, 3)).toEqual([0, 10]);
    expect(from(3, 4)).toEqual([0, 10]);
    expect(from(2, 3, 50)).toEqual([0, 50]);
    // What an element writes is not there for the table of one before it.
    expect(unwritten(move(cell(10), chosen(0, select(2, 10)), 5))).toEqual([0, 10]);
    const matrix = (count: number, step: number) =>
      unwritten({ ...product('axpy', { select: select(count, step) }), x: 0, out: 0 } as Operation);
    expect(matrix(2, 3)).toBeUndefined();
    expect(matrix(2, 4)).toEqual([0, 10]);
    expect(matrix(3, 3)).toEqual([0, 10]);
    expect(
      unwritten({ ...product('dot', { select: select(1, 0, 12) }), x: 0, out: 0 } as Operation),
    ).toEqual([0, 12]);
  });

  it('that an index chooses to be written is no more there than before', () => {
    const into = (count: number) => move(chosen(20, select(count, 5)), fabric(0), 5);
    const reads = (at: number) => move(cell(60), cell(at), 5);
    expect(unwritten(into(2), reads(20))).toEqual([1, 20]);
    expect(unwritten(into(2), reads(25))).toEqual([1, 25]);
    expect(unwritten(into(1), reads(20))).toBeUndefined();
    expect(unwritten(move(cell(20), constant(0), 10), into(2), reads(25))).toBeUndefined();
    // Elements of an operation do not find there what earlier ones may have written.
    const running = add(chosen(21, select(2, 1)), chosen(20, select(1, 0)), constant(1), 5);
    expect(unwritten(move(cell(20), constant(0), 1), running)).toEqual([1, 21]);
  });

  it('of a put and a rank', () => {
    expect(unwritten(putTo(20, 1, 3), move(cell(60), cell(20), 1))).toEqual([1, 20]);
    expect(
      unwritten(move(cell(20), constant(0), 3), putTo(20, 1, 3), move(cell(60), cell(20), 3)),
    ).toBeUndefined();
    expect(unwritten(putTo(20, 1, 3, 1, 11))).toEqual([0, 11]);
    expect(unwritten(putTo(20, 1, 3, 2, 0, 9))).toEqual([0, 10]);
    expect(unwritten(rankOf(0, 10, 9, 20), move(cell(60), cell(20), 1))).toBeUndefined();
    expect(unwritten(rankOf(2, 9, 5, 20))).toEqual([0, 10]);
  });
});

it('are listed', () => {
  const select = { cell: 4, step: 6, count: 8 };
  const operations = [
    product('axpy', { select }),
    add(chosen(9, select), chosen(1, { ...select, step: -2 }, 3), cell(2), 5),
    rankOf(10, 12, 15, 40),
    putTo(50, 2, 8, 2, 40, 41),
    upTo(10, 12, 50, 40),
  ];
  expect(listRole(role('all', { operations }), ['work']).split('\n').slice(1)).toEqual([
    '  0: matvec.f32 axpy [30] += [1 + 6 x [4] of 8] 2 x 3 rows of 3 times [25]  (work)',
    '  1: add.f32 x5 [9 + 6 x [4] of 8] <- [1 + -2 x [4] of 8 step 3], [2]  (work)',
    '  2: rank.f32 [40] <- of [15] among x12 [10]  (work)',
    '  3: put.f32 x2 [50 + 2 x [40]] <- [41] if [40] < 8  (work)',
    '  4: rank.f32 [40] <- of [50] among x12 [10], equal ones too  (work)',
  ]);
});

function failureOf(run: () => unknown): MachineError {
  try {
    run();
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
  throw new Error('the machine did not fail');
}

describe.each(engines)('on the %s engine', (_, run) => {
  it('streams take their addresses when they are set up', () => {
    const memory = chosenBy(2, 1);
    run({ program: choosing(), wafer: testWafer(), memory });
    // Cells 6, 7, 8 of the source go to cells 7, 8, 9 of the sink.
    expect([...memory[1].slice(4, 13)]).toEqual([2, 2.5, 3, 3, 3.5, 4, 5, 5.5, 6]);
    // Of these the second is beaten by all but the first, itself not counted; so it is not put.
    expect(memory[1][2]).toBe(7);
    expect([...memory[1].slice(14)]).toEqual([7, 7.5, 8, 8.5, 9, 9.5]);
  });

  it('an index that is wrong is an error of its core, cycle and operation', () => {
    const wafer = testWafer({}, { setup: { f16: 3, f32: 3 }, programStart: 2 });
    // A start of 2, a set-up and 5 of work, and a set-up of 3 and a step of 1.
    const error = failureOf(() => run({ program: choosing(), wafer, memory: chosenBy(4, 0) }));
    expect(error.message).toBe(
      "bad-index in cycle 14: core (0,0) selects 4 by cell 1, which is to be a whole number from 0 to 3, in operation 1 of 'work'",
    );
    expect([error.code, error.cycle, error.cores, error.colors]).toEqual([
      'bad-index',
      14,
      [0],
      [],
    ]);
    const second = failureOf(() => run({ program: choosing(), wafer, memory: chosenBy(4, -1) }));
    expect([second.cycle, second.cores]).toEqual([6, [1]]);
  });

  it('counters do not depend on numbers', () => {
    const timed = run({ program: choosing(), wafer: testWafer() });
    for (const [a, b] of [
      [0, 0],
      [3, 2],
    ])
      expect(run({ program: choosing(), wafer: testWafer(), memory: chosenBy(a, b) })).toEqual(
        timed,
      );
  });

  it('what cannot be is refused', () => {
    const refused = (op: Operation) => {
      const of = program(1, [role('r', { operations: [op], buffers: [loaded(20)] })]);
      return failureOf(() => run({ program: of, wafer: testWafer() })).message;
    };
    expect(refused(rankOf(4, 3, 7, 0))).toContain('bad-operation in cycle 0');
    expect(() =>
      run({
        program: program(1, [role('r', { operations: [upTo(4, 3, 3, 0)], buffers: [loaded(20)] })]),
        wafer: testWafer(),
      }),
    ).not.toThrow();
    expect(refused(rankOf(4, 3, 3, 0))).toContain('ranks a cell that is not among those it ranks');
    for (const count of [0, -1, 1.5])
      expect(refused(move(cell(0), chosen(1, { cell: 0, step: 1, count }), 1))).toContain(
        'selects one of no tables',
      );
  });
});

describe('numbers without times', () => {
  const compute = (of: Program, memory: Float32Array[]) => {
    const computation = startNumbers(of, memory);
    let state = computation.advance();
    while (state === 'running') state = computation.advance();
    return { state, badIndices: computation.badIndices };
  };

  it('are those of the reference', () => {
    expect(isTimeless(choosing())).toBe(true);
    const [timed, untimed] = [chosenBy(2, 1), chosenBy(2, 1)];
    reference({ program: choosing(), wafer: testWafer(), memory: timed });
    expect(compute(choosing(), untimed)).toEqual({ state: 'done', badIndices: [] });
    expect(untimed).toEqual(timed);
  });

  it('keep the address with which a stream began, whatever it writes to its index', () => {
    // The first word overwrites the index. The second comes once the sink has slept: its sender waits for a third core.
    const buffers = [loaded(20)];
    const sink = role('sink', {
      routes: [route(0, E, R)],
      operations: [move(chosen(0, { cell: 1, step: 1, count: 3 }), fabric(0), 2)],
      buffers,
    });
    const source = role('source', {
      routes: [route(0, R, W), route(1, E, R)],
      operations: [
        move(fabric(0), cell(5), 1),
        move(cell(0), fabric(1), 1),
        move(fabric(0), cell(6), 1),
      ],
      buffers,
    });
    const third = role('third', {
      routes: [route(1, R, W)],
      operations: [move(fabric(1), cell(5), 1)],
      buffers,
    });
    const of = row(sink, source, third);
    const [timed, untimed] = [chosenBy(1, 0, 0), chosenBy(1, 0, 0)];
    reference({ program: of, wafer: testWafer(), memory: timed });
    expect(compute(of, untimed)).toEqual({ state: 'done', badIndices: [] });
    expect([...untimed[0].slice(1, 3)]).toEqual([2.5, 3]);
    expect(untimed).toEqual(timed);
  });

  it('find the wrong indices that there are, which a run then finds the cycle of', async () => {
    const wafer = testWafer({}, { setup: { f16: 3, f32: 3 }, programStart: 2 });
    for (const [a, b] of [
      [4, 0],
      [0, 3],
      [4, NaN],
      [0.5, -1],
    ]) {
      const expected = failureOf(() =>
        reference({ program: choosing(), wafer, memory: chosenBy(a, b) }),
      );
      const runner = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
      const input: RunInput = { program: choosing(), wafer, memory: chosenBy(a, b) };
      const badIndices = await runner.compute(input);
      const { memory: _, ...timed } = input;
      const error = await runner.run({ ...timed, badIndices }).catch((caught: unknown) => caught);
      expect(error).toEqual(expected);
      expect((error as MachineError).message).toBe(expected.message);
      await runner.close();
    }
  });
});

describe('a run that computes', () => {
  const sets = ['placement.rows=6', 'placement.layerColumns=5', 'workload.tokens=1'];
  const config = loadConfig('configs/tiny.yaml', sets);
  /** The same with a stage whose cores of a role take an index of their inputs, which are no whole numbers. */
  async function messageWith(engine: 'fast' | 'reference', stage: string, more: string[] = []) {
    const of = more.length === 0 ? config : loadConfig('configs/tiny.yaml', [...sets, ...more]);
    const runner = createRunner({ engine, shards: 1, now: () => 0 });
    const known = new Map<string, Program>();
    const spoilt = (input: RunInput): RunInput => {
      if (input.name !== stage) return input;
      const changed = known.get(stage) ?? structuredClone(input.program);
      known.set(stage, changed);
      if (changed.roles[0].operations.at(-1)!.kind !== 'put')
        for (const { operations, buffers } of changed.roles) {
          const at = buffers.find(({ name }) => name === 'x')?.at ?? buffers[0].at;
          operations.push({ ...putTo(at, 0, 1, 1, at, at), label: changed.labels.length - 1 });
        }
      return { ...input, program: changed };
    };
    const wrapped = {
      ...runner,
      run: async (input: RunInput) => runner.run(spoilt(input)),
      compute: async (input: RunInput) => runner.compute(spoilt(input)),
    };
    const options = { ...OPTIONS, engine };
    const ends = simulateSteps(of, placementOf(of), { ...options, runner: wrapped });
    return ends.then(
      () => 'no error',
      (error: unknown) => (error instanceof MachineError ? error.message : String(error)),
    );
  }

  it.each(['layer 1', 'head'])(
    'says where an index is wrong in %s, on either engine',
    async (stage) => {
      const message = await messageWith('fast', stage);
      expect(message).toMatch(
        /^bad-index in cycle \d+: core \(\d+,\d+\) puts to -?\d+\.\d+ by cell/,
      );
      expect(await messageWith('reference', stage)).toBe(message);
    },
  );
});
