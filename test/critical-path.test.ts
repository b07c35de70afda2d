/** The critical path of a program: closed forms of kernels, both engines on generated programs, lines and the whole. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, simulate } from '../src/index.js';
import { createRunner } from '../src/decode/runner.js';
import { MachineError } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { createMachine } from '../src/engine/fast/machine.js';
import type { RunInput, RunResult } from '../src/engine/engine.js';
import { wholeRun } from '../src/engine/engine.js';
import { startLines } from '../src/engine/lines/lines.js';
import { createLineTable } from '../src/engine/lines/table.js';
import { sameWords } from '../src/engine/lines/shapes.js';
import { pathByLines } from '../src/engine/path/by-lines.js';
import { influencesOn } from '../src/engine/path/influence.js';
import {
  isScheduled,
  pathByReference as byReference,
  pathOfWhole,
} from '../src/engine/path/whole.js';
import type { StepKind, Walked } from '../src/engine/path/walk.js';
import { kernelWafer, programOf } from './kernel-programs.js';
import { count } from './helpers/full.js';
import { familyPrograms } from './helpers/families.js';
import { programs } from './helpers/generate.js';
import { OPTIONS } from './helpers/options.js';
import { crossingStreams } from './helpers/streams.js';
import {
  E,
  N,
  R,
  S,
  W,
  cell,
  chainReduce,
  fabric,
  loaded,
  move,
  program as programFrom,
  role,
  route,
  row,
  testWafer,
  work,
} from './helpers/programs.js';

function allOf<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

const pathByReference = (input: RunInput, core: number) => allOf(byReference(input, core));

/** The path by the fast engine's events. */
const pathByFast = (input: RunInput, core: number): Walked =>
  allOf(pathOfWhole(createMachine(), input, fast(input), core))!;

/** Steps in the order of time, as text: kind, core and cycles. */
const textOf = ({ steps }: Walked) =>
  steps.toReversed().map(({ kind, core, from, to }) => `${kind} ${core} ${from}-${to}`);

const cyclesOf = ({ steps }: Walked, kind: StepKind) =>
  steps.reduce((sum, step) => sum + (step.kind === kind ? step.to - step.from : 0), 0);

/** Each step ends where the next one begins. */
function expectWhole({ steps, at }: Walked, end: number): void {
  let to = end;
  for (const step of steps) {
    expect(step.to).toBe(to);
    expect(step.from).toBeLessThan(step.to);
    to = step.from;
  }
  expect(to).toBe(at);
}

describe('the critical path', () => {
  it('of a chain reduce is B + 6(P - 1) and visits every core', () => {
    const [cores, words] = [16, 500];
    const input = { program: chainReduce(cores, words), wafer: testWafer() };
    const path = pathByReference(input, 0);
    // A core adds in a cycle, and its sum goes through a ramp, over a link and through a ramp.
    const hops = Array.from({ length: cores - 1 }, (_, i) => {
      const [core, at] = [cores - 1 - i, words + 6 * i];
      return [`flight ${core} ${at}-${at + 5}`, `compute ${core - 1} ${at + 5}-${at + 6}`];
    });
    expect(textOf(path)).toEqual([`compute 15 0-${words}`, ...hops.flat()]);
    expectWhole(path, words + 6 * (cores - 1));
  });

  it('of a two-phase reduce goes down the last group, whose head streams on, and over the heads', () => {
    const [cores, group, words] = [16, 4, 4];
    const wafer = kernelWafer();
    const program = programOf(
      'reduce',
      { algorithm: 'two-phase', pes: cores, group, words, dtype: 'f32' },
      wafer,
    );
    const path = pathByReference({ program, wafer }, 0);
    const heads = cores / group;
    // Within the group as a chain; from head to head a link for each core between.
    const within = 6 * (group - 1);
    const between = (heads - 1) * (6 + group - 1);
    expectWhole(path, words + within + between);
    expect(cyclesOf(path, 'compute')).toBe(words + group - 1 + heads - 1);
    const visited = new Set(
      path.steps.filter(({ kind }) => kind === 'compute').map(({ core }) => core),
    );
    expect([...visited]).toEqual([0, 4, 8, 12, 13, 14, 15]);
  });

  /** A core that sends words east, to one that takes each for ten cycles and sends them on if it is asked to. */
  const slow = (words: number, sendsOn: boolean) => {
    const sender = role('sender', {
      routes: [route(0, R, E)],
      operations: [move(fabric(0), cell(0), words)],
      buffers: [loaded(words)],
    });
    const dst = sendsOn ? fabric(1) : cell(0);
    const taker = role('taker', {
      routes: [route(0, W, R), ...(sendsOn ? [route(1, R, E)] : [])],
      operations: [{ ...move(dst, fabric(0), words), by: 'task' as const }],
      buffers: [loaded(words)],
    });
    const last = role('last', {
      routes: [route(1, W, R)],
      operations: [move(cell(0), fabric(1), words)],
      buffers: [loaded(words)],
    });
    return row(sender, taker, ...(sendsOn ? [last] : []));
  };
  const wafer = testWafer({}, { task: 10 });

  it('of a starved stream is the work of the core that it waits for', () => {
    const path = pathByReference({ program: slow(20, true), wafer }, 2);
    expect(textOf(path)).toEqual([
      'compute 0 0-1',
      'flight 0 1-6',
      'compute 1 6-206',
      'flight 1 206-211',
      'compute 2 211-212',
    ]);
  });

  it('of a stream with back-pressure is the work of the core that takes, and the credits back', () => {
    // Twelve wavelets find a slot; the last one waits for that of the eighth, through two ramps and a link.
    const path = pathByReference({ program: slow(20, false), wafer }, 0);
    expect(textOf(path)).toEqual([
      'compute 0 0-1',
      'flight 0 1-6',
      'compute 1 6-76',
      'credit 1 76-79',
      'credit 0 79-81',
      'compute 0 81-82',
    ]);
  });

  it('has the cycles in which another colour goes first', () => {
    const one = { operations: [move(fabric(0), cell(0), 1)], buffers: [loaded(2)] };
    const first = role('first', { routes: [route(0, R, E)], ...one });
    const second = role('second', {
      routes: [route(0, W, E), route(1, R, E)],
      operations: [work(1), move(fabric(1), cell(0), 1)],
      buffers: [loaded(2)],
    });
    const taker = role('taker', {
      routes: [route(0, W, R), route(1, W, R)],
      operations: [move(cell(0), fabric(0), 1), move(cell(1), fabric(1), 1)],
      buffers: [loaded(2)],
    });
    const path = pathByReference({ program: row(first, second, taker), wafer: testWafer() }, 2);
    expect(textOf(path)).toEqual([
      'compute 1 0-2',
      'flight 1 2-4',
      'arbitration 1 4-5',
      'flight 1 5-8',
      'compute 2 8-9',
    ]);
  });

  it('is whole, and the same by both engines, to every core of generated programs', () => {
    let followed = 0;
    const law = ({ program, wafer: machine, startAt }: Parameters<typeof follow>[0]) => {
      follow({ program, wafer: machine, startAt });
    };
    const follow = (input: Required<Pick<RunInput, 'program' | 'wafer' | 'startAt'>>) => {
      const { program } = input;
      if (isScheduled(program)) return;
      let end: Float64Array;
      try {
        ({ end } = fast(input));
      } catch (error) {
        if (error instanceof MachineError) return;
        throw error;
      }
      for (const [core, at] of end.entries()) {
        if (program.roles[program.roleOf[core]].operations.length === 0) continue;
        const path = pathByReference(input, core);
        expectWhole(path, at);
        const { events: _, ...same } = pathByFast(input, core);
        expect({ ...same, events: 0 }).toEqual(path);
        followed++;
      }
    };
    fc.assert(fc.property(programs(), law), { numRuns: count(60, 1000), seed: 20260601 });
    expect(followed).toBeGreaterThan(20);
  });

  it('of a run is the same line by line as of whole stages', async () => {
    const config = loadConfig('configs/tiny.yaml', [
      'placement.rows=6',
      'placement.growth=minimal',
    ]);
    const decodeBy = async (coresByLines: number) => {
      const runner = createRunner({ ...OPTIONS, coresByLines });
      const { decode } = await simulate(config, { ...OPTIONS, runner });
      return decode;
    };
    const [whole, byLines] = [await decodeBy(Infinity), await decodeBy(1)];
    expect(byLines).toEqual(whole);
    expect(whole.criticalPath!.at(-1)!.to).toBe(whole.cyclesPerToken);
  });

  const decodeOf = async (...sets: string[]) =>
    (await simulate(loadConfig('configs/tiny.yaml', sets), OPTIONS)).decode;
  const small = 'placement.growth=minimal';

  it("of one of two users who keep out of each other's way is that of one alone", async () => {
    const [one, two] = [await decodeOf(small), await decodeOf(small, 'workload.batch=2')];
    expect(two.sharedLinks!.pairs.length).toBeGreaterThan(0);
    expect(two.criticalPath).toEqual(one.criticalPath);
  });

  it('of one of several users is from cycle 0 to the last, and begins with another token', async () => {
    const { criticalPath: path, cyclesPerToken } = await decodeOf(small, 'workload.batch=5');
    expect(path![0]).toMatchObject({ kind: 'otherToken', from: 0 });
    expect(path!.at(-1)!.to).toBe(cyclesPerToken);
    expect(path!.reduce((sum, { cycles }) => sum + cycles, 0)).toBe(cyclesPerToken);
  });

  it('goes from wafer to wafer by the cycles that this takes', async () => {
    const { criticalPath: path } = await decodeOf(
      ...['hardware.height=12', 'hardware.wafers=2', 'placement.rows=6'],
    );
    const between = path!.filter(({ kind }) => kind === 'handOff');
    expect(between.map(({ operator }) => operator)).toEqual(['between wafers', 'between wafers']);
    // 5 us at 0.875 GHz, and the bits of what is sent.
    for (const { cycles } of between) {
      expect(cycles).toBeGreaterThan(4375);
      expect(cycles).toBeLessThan(4385);
    }
    expect(new Set(path!.map(({ wafer: on }) => on)).size).toBe(2);
  });
});

/** What comes of a program that ends; some of those that are generated do not. */
function endOf(run: () => RunResult): RunResult | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof MachineError) return undefined;
    throw error;
  }
}

describe('the critical path through lines that are joined', () => {
  it('is that of the whole program', () => {
    const table = createLineTable();
    let joined = 0;
    const holds = fc.property(familyPrograms(), ({ program, wafer, startAt }) => {
      const input: RunInput = { program, wafer, ...(startAt && { startAt }) };
      const result = endOf(() => wholeRun(startLines(input, table, { mostJoined: 2 })));
      if (result === undefined || (table.made.get(result)?.joined ?? 0) === 0) return;
      joined++;
      const core = result.end.indexOf(Math.max(...result.end));
      const walked = allOf(pathByLines(table, input, result, core));
      if (typeof walked === 'string') throw new TypeError(walked);
      expect(textOf(walked)).toEqual(textOf(pathByReference(input, core)));
    });
    fc.assert(holds, { numRuns: count(150, 1500), seed: 50001 });
    expect(joined).toBeGreaterThan(0);
  });
});

describe('the critical path through a line of which a part has no effect on it', () => {
  /**
   * A row and a column that cross, in one family: core 3 sends east to core 5, core 1 south to core 7, and where `meets`
   * also to core 5, by the link that the row's words go over. Two more cores are a line of their own.
   */
  const crossing = (meets: boolean) => {
    const words = 6;
    const take = (...colors: number[]) =>
      colors.map((color) => move(cell(0), fabric(color), words, 'f32'));
    const buffers = [loaded(words)];
    const send = (colors: number[], by: number) =>
      role('sender', {
        routes: colors.map((color) => route(color, R, by)),
        operations: colors.map((color) => move(fabric(color), cell(0), words)),
        buffers,
      });
    const none = role('none');
    const also = meets ? [2] : [];
    const cross = role('cross', {
      routes: [route(0, W, E), route(1, N, S), ...also.map((color) => route(color, N, E))],
    });
    const east = role('east', {
      routes: [0, ...also].map((color) => route(color, W, R)),
      operations: [...take(0), ...take(...also)],
      buffers,
    });
    const south = role('south', { routes: [route(1, N, R)], operations: take(1), buffers });
    const other = role('other', { routes: [route(3, W, R)], operations: take(3), buffers });
    const roles = [
      ...[none, send([1, ...also], S), none, send([0], E), cross, east],
      ...[none, south, none, send([3], E), other, none],
    ];
    return { ...programFrom(3, roles), families: [0, 0, 0, 1] };
  };

  it.each([
    [false, 3],
    [true, 5],
  ])('is found without that (a part that shares a link: %s)', (meets, routers) => {
    const table = createLineTable();
    // The row's words are sent once half of the other ones have passed the link.
    const startAt = new Float64Array(12);
    startAt[3] = meets ? 10 : 0;
    const input = { program: crossing(meets), wafer: testWafer(), startAt };
    const result = wholeRun(startLines(input, table));
    expect(table.made.get(result)!.whole).toBeUndefined();
    const { division } = table.found.get(result)!.pass;
    const { shape } = division.lines.find(({ routers: { length } }) => length === 5)!;
    expect(influencesOn(shape, 3).routers).toHaveLength(routers);
    for (const core of [5, 7]) {
      const walked = allOf(pathByLines(table, input, result, core)) as Walked;
      expect(textOf(walked)).toEqual(textOf(pathByReference(input, core)));
    }
  });

  it('is found once the table has forgotten all of it for the lines of another program', () => {
    const table = createLineTable(1);
    const inputOf = (meets: boolean) => {
      return { program: crossing(meets), wafer: testWafer(), startAt: new Float64Array(12) };
    };
    const input = inputOf(true);
    const result = wholeRun(startLines(input, table));
    wholeRun(startLines(inputOf(false), table));
    for (const core of [5, 7]) {
      const walked = allOf(pathByLines(table, input, result, core)) as Walked;
      expect(textOf(walked)).toEqual(textOf(pathByReference(input, core)));
    }
  });

  it('is that of the whole of generated programs', () => {
    let [parts, paths] = [0, 0];
    const holds = fc.property(crossingStreams, (input) => {
      const table = createLineTable();
      const result = endOf(() => wholeRun(startLines(input, table)));
      const found = result && table.found.get(result);
      if (result === undefined || found === undefined) return;
      for (const { shape, routers } of found.pass.division.lines) {
        if (found.tables.placeOf[routers[0]] >= input.streaming) continue;
        for (const router of shape.actors) {
          const core = found.tables.placeOf[routers[router]];
          const walked = allOf(pathByLines(table, input, result, core)) as Walked;
          expectWhole(walked, result.end[core]);
          expect(textOf(walked)).toEqual(textOf(pathByReference(input, core)));
          paths++;
          parts += Number(!sameWords(influencesOn(shape, router).colors, shape.colors));
        }
      }
    });
    fc.assert(holds, { numRuns: count(40, 400), seed: 20261130 });
    expect(parts).toBeGreaterThan(paths / 10);
  });
});

describe('the critical path through a line that is equal to one before', () => {
  const wafer = testWafer({}, { setup: { f32: 2, f16: 2 } });
  /** Two words, what is computed in several operations, two words: from core 0 to 1, and from core 2 to 3. */
  const twice = (works: number[]) => {
    const send = (color: number) =>
      role('sender', {
        routes: [route(color, R, E)],
        operations: [
          move(fabric(color), cell(0), 2),
          ...works.map(work),
          move(fabric(color), cell(0), 2),
        ],
        buffers: [loaded(4)],
      });
    const take = (color: number) =>
      role('taker', {
        routes: [route(color, W, R)],
        operations: [move(cell(0), fabric(color), 4)],
        buffers: [loaded(4)],
      });
    return { ...row(send(0), take(0), send(1), take(1)), families: [0, 1] };
  };

  it('is its own, in its own place and time, and by its own operations', () => {
    const table = createLineTable();
    for (const [works, start] of [
      [[5, 3], 0],
      // As long in all, and as long by operations.
      [[3, 5], 0],
      [[5, 3], 40],
    ] as const) {
      const startAt = Float64Array.of(0, 0, start, start);
      const input = { program: twice([...works]), wafer, startAt };
      const result = wholeRun(startLines(input, table));
      expect(table.made.get(result)!.whole).toBeUndefined();
      for (const core of [1, 3]) {
        const walked = allOf(pathByLines(table, input, result, core)) as Walked;
        expect(textOf(walked)).toEqual(textOf(pathByReference(input, core)));
      }
    }
  });
});
