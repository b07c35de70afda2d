/** Programs by lines: the same as whole, field by field, and what is said of how they were run. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, test } from 'vitest';
import { MachineError, wholeRun } from '../src/engine/engine.js';
import type { RunInput, RunResult } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { likelyAsked } from '../src/engine/lines/cycles.js';
import type { Division, Line } from '../src/engine/lines/divide.js';
import { startLines } from '../src/engine/lines/lines.js';
import type { Net } from '../src/engine/lines/nets.js';
import type { LineResult } from '../src/engine/lines/result.js';
import { createLineTable, forgetResults, makeRoom } from '../src/engine/lines/table.js';
import { followFree } from '../src/engine/lines/traces.js';
import { noteBytes, type Shape } from '../src/engine/lines/table.js';
import type { Route, VectorOp } from '../src/program/program.js';
import { createRunner, type Runner } from '../src/decode/runner.js';
import { loadConfig, simulate, type Memo } from '../src/index.js';
import { differencesOf } from '../src/studies/diff/differences.js';
import {
  createLineCounts,
  differenceByLines,
  differenceInBunches,
  forgetLines,
} from './helpers/by-lines.js';
import { cases, count } from './helpers/full.js';
import { familyPrograms } from './helpers/families.js';
import { E, N, R, S, W, cell, chainReduce, fabric, loaded } from './helpers/programs.js';
import { move, program as programOf, role, route, testWafer, work } from './helpers/programs.js';

const SMALL = 'configs/small.yaml';

describe('generated programs of several families', () => {
  afterEach(forgetLines);

  test('by lines are as the reference runs them, and a tenth of them make lines meet', () => {
    const counts = createLineCounts();
    const numRuns = count(120, 600);
    const holds = fc.property(familyPrograms(), (given) => {
      expect(differenceByLines(given, counts)).toBe('');
    });
    fc.assert(holds, { numRuns, seed: 20261129 });
    const met = counts.joined + counts.merged + (counts.whole['met'] ?? 0);
    expect(met).toBeGreaterThan(numRuns / 10);
    expect(counts.joined).toBeGreaterThan(0);
    // A line has all the routes of its phases; one that waits for another phase of its family is taken together with it.
    expect(counts.whole).not.toHaveProperty('line');
    expect(counts.lines).toBeGreaterThan(2 * numRuns);
    expect(counts.distinct).toBeLessThan(counts.lines);
  });

  test('are so with cores in bunches too, however far these are apart, of which hardly one is simulated twice', () => {
    const counts = createLineCounts();
    const numRuns = count(25, 300);
    const holds = fc.property(familyPrograms(), fc.nat(1000), (given, seed) => {
      expect(differenceInBunches(given, counts, seed)).toBe('');
    });
    fc.assert(holds, { numRuns, seed: 20261130 });
    expect(counts.stretched).toBeGreaterThan(counts.lines / 10);
  });

  test('are the same whenever they begin, where 32 bits are enough and where not', () => {
    const holds = fc.property(familyPrograms(), ({ program, wafer, startAt }) => {
      const table = createLineTable(2 ** 22);
      const ends = (later: number) => {
        const all = Float64Array.from(program.roleOf, (_, core) => later + (startAt?.[core] ?? 0));
        try {
          const { end, labelEnd } = wholeRun(startLines({ program, wafer, startAt: all }, table));
          return [end, labelEnd].map((times) => times.map((time) => time - later));
        } catch (error) {
          if (!(error instanceof MachineError)) throw error;
          return [error.code, error.cycle - later];
        }
      };
      const early = ends(0);
      // The last of 32 bits falls before the start, into the run, or behind it.
      for (const later of [2 ** 30 - 100, 2 ** 31 - 300, 2 ** 40, -(2 ** 31) - 100])
        expect(ends(later)).toEqual(early);
    });
    fc.assert(holds, { numRuns: count(10, 60), seed: 20261201 });
  });

  test('differ without the guard', () => {
    const isSame = fc.property(familyPrograms(), (given) => {
      return differenceByLines(given, createLineCounts(), false) === '';
    });
    expect(fc.check(isSame, { numRuns: 400, seed: 20261129, endOnFailure: true }).failed).toBe(
      true,
    );
  });
});

/** Runs all stages both ways; the names of those that differ, and how many were run by lines. */
async function compared(path: string, sets: string[]) {
  const base = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
  const table = createLineTable();
  const found = { differ: [] as string[], byLines: 0, whole: 0 };
  const run: Runner['run'] = async (input: RunInput) => {
    const whole = fast(input);
    if (input.program.families === undefined) return whole;
    const lined = wholeRun(startLines(input, table));
    if (differencesOf(input.program, whole, lined).length > 0) found.differ.push(input.name ?? '');
    if (table.made.get(lined)?.whole === undefined) found.byLines++;
    else found.whole++;
    return lined;
  };
  await simulate(loadConfig(path, sets), { runner: { ...base, run }, shards: 1, memo: 'lines' });
  return found;
}

describe('stages by lines are as they are whole', () => {
  const one = 'workload.tokens=1';
  it.each([
    ['configs/tiny.yaml', one],
    [SMALL],
    [SMALL, 'workload.context=1'],
    [SMALL, 'hardware.fabric.hopCycles=2'],
    ...cases(
      [[SMALL, 'hardware.fabric.queueDepth=1']],
      [
        [SMALL, 'hardware.fabric.queueDepth=2', 'workload.batch=3'],
        [SMALL, 'workload.context=500'],
        [SMALL, 'placement.strategy=anneal'],
        [SMALL, 'placement.strategy=hilbert'],
      ],
    ),
  ])('%s %s %s', async (path, ...sets) => {
    const { differ, byLines, whole } = await compared(path, sets);
    expect(differ).toEqual([]);
    expect(byLines).toBeGreaterThan(whole);
  });
});

describe('what a run says of its lines', () => {
  const small = () => createRunner({ engine: 'fast', shards: 1, now: () => 0, coresByLines: 0 });
  const document = (memo: Memo, runner = small()) =>
    simulate(loadConfig(SMALL, []), { memo, shards: 1, runner });
  const numbers = ({ host: _, reuse: __, ...rest }: Awaited<ReturnType<typeof document>>) => rest;

  it('changes none of its numbers', async () => {
    const all = await document('all');
    for (const memo of ['none', 'stages', 'lines'] as const) {
      const other = await document(memo);
      expect(JSON.stringify(numbers(other))).toBe(JSON.stringify(numbers(all)));
      expect(other.reuse.lines === undefined).toBe(memo !== 'lines');
    }
    expect(all.reuse.lines!.distinct).toBeLessThan(all.reuse.lines!.lines);
  });

  it('leaves programs of few cores to the engine', async () => {
    const { reuse, host } = await simulate(loadConfig(SMALL, []), { memo: 'all', shards: 1 });
    expect(reuse.lines!.why).toEqual({ small: reuse.simulated.length });
    expect(host.lines!.simulated).toBe(0);
  });

  it('does not depend on what was simulated before, which the host says', async () => {
    const runner = small();
    const [first, again] = [await document('all', runner), await document('all', runner)];
    expect(again.reuse).toEqual(first.reuse);
    expect(first.host.lines!.simulated).toBeGreaterThan(0);
    expect(again.host.lines!.simulated).toBe(0);
    expect(again.host.lines!.known).toBe(first.reuse.lines!.lines);
  });
});

/** By lines what it is whole, and how it was run. */
function sameByLines(input: RunInput) {
  const table = createLineTable();
  const lined = wholeRun(startLines(input, table));
  expect(lined).toEqual(fast(input));
  return table.made.get(lined)!;
}

describe('a core that waits for its first wavelet', () => {
  // In each row a core sends east to one that takes it; the upper one goes on south, on another family.
  const buffers = [loaded(20)];
  const take = { operations: [move(cell(9), fabric(0), 4)], buffers };
  const roles = [
    role('west', { routes: [route(0, R, E)], operations: [move(fabric(0), cell(0), 4)], buffers }),
    role('goes on', {
      routes: [route(0, W, R), route(1, R, S)],
      operations: [...take.operations, { ...move(fabric(1), cell(0), 1), label: 1 }],
      buffers,
    }),
    role('west below', {
      routes: [route(0, R, E)],
      operations: [move(fabric(0), cell(0), 4)],
      buffers,
    }),
    role('below', {
      routes: [route(0, W, R), route(1, N, R)],
      operations: [...take.operations, { ...move(cell(9), fabric(1), 1), label: 1 }],
      buffers,
    }),
  ];
  const program = programOf(2, roles, { families: [0, 1], labels: ['east', 'south'] });
  const wafer = testWafer({}, { setup: { f16: 3, f32: 3 } });
  const linesWith = (waiting: number, below: number) =>
    sameByLines({ program, wafer, startAt: Float64Array.of(20, waiting, 20, below) });

  it('may have waited for any time before others can send: lines are equal', () => {
    for (const [waiting, below] of [
      [0, 0],
      [0, 17],
      [-400, 16],
      [17, 3],
    ])
      expect(linesWith(waiting, below).distinct).toHaveLength(2);
  });

  it('is told from one that is ready later', () => {
    expect(linesWith(0, 18).distinct).toHaveLength(3);
    expect(linesWith(0, 60).distinct).toHaveLength(3);
  });
});

describe('a line that computes between two exchanges', () => {
  // In each row a word goes east and one back again, for which both wait; then they compute, and more goes east.
  const buffers = [loaded(60)];
  const linesWith = (cycles: number) => {
    const later = [work(cycles), move(fabric(0), cell(0), 20)].map((op) => ({ ...op, label: 1 }));
    const latest = [work(cycles), move(cell(9), fabric(0), 20)].map((op) => ({ ...op, label: 1 }));
    const west = role('west', {
      routes: [route(0, R, E), route(1, E, R)],
      operations: [move(fabric(0), cell(0), 1), move(cell(9), fabric(1), 1), ...later],
      buffers,
    });
    const east = role('east', {
      routes: [route(0, W, R), route(1, R, W)],
      operations: [move(cell(9), fabric(0), 1), move(fabric(1), cell(0), 1), ...latest],
      buffers,
    });
    const program = programOf(2, [west, east, west, east], { families: [0, 0] });
    const startAt = Float64Array.of(0, 30, 0, 60);
    return sameByLines({ program, wafer: testWafer(), startAt });
  };

  it('is two of them, of which the second does not depend on how far its cores were apart before', () => {
    expect(linesWith(256)).toMatchObject({ lines: 4, distinct: { length: 3 } });
  });

  it('is one where it does not compute long', () => {
    expect(linesWith(255)).toMatchObject({ lines: 2, distinct: { length: 2 } });
  });
});

describe('a line whose cores start in bunches', () => {
  // In each row a core sends east more than there is room for; one that starts later takes it, and turns to another family.
  const buffers = [loaded(60)];
  const sends = role('sends', {
    routes: [route(0, R, E)],
    operations: [move(fabric(0), cell(0), 30)],
    buffers,
  });
  const takes = (name: string, port: number, route1: Route, last: VectorOp) =>
    role(`${name} ${port}`, {
      routes: [route(0, W, R), route1],
      operations: [move(cell(9), fabric(0), 30), { ...last, label: 1 }],
      buffers,
    });
  const roles = [
    ...[sends, takes('sends on', S, route(1, R, S), move(fabric(1), cell(0), 1))],
    ...[sends, takes('takes more', N, route(1, N, R), move(cell(9), fabric(1), 1))],
  ];
  const program = programOf(2, roles, { families: [0, 1], labels: ['east', 'south'] });
  const wafer = testWafer({}, { setup: { f16: 3, f32: 3 } });
  const stretchedWith = (upper: number, lower: number) =>
    sameByLines({ program, wafer, startAt: Float64Array.of(0, upper, 0, lower) }).stretched;

  it('has the result of one with other distances between them, where all was quiet before the later ones', () => {
    for (const lower of [80, 301, 2000, 100_000]) expect(stretchedWith(300, lower)).toBe(1);
  });

  it('has cycles noted before they are asked for, unless the bunches are far apart', () => {
    const asked = { routers: new Int32Array(50), words: 10 };
    const likely = (latest: number) => likelyAsked(asked, Int32Array.of(0, latest));
    expect(likely(3200)).toEqual({ routers: asked.routers, words: 128 });
    expect(likely(2 ** 28).routers).toHaveLength(0);
  });

  it('is simulated where something moves when these start', () => {
    for (const lower of [8, 12, 16]) expect(stretchedWith(300, lower)).toBe(0);
    for (let upper = 4; upper < 90; upper++) stretchedWith(upper, 2000);
  });
});

it.each([2 ** 29 - 8, 2 ** 32])('cores that compute for %i cycles between lines', (libraryCall) => {
  const colors = [0, 1, 2, 3, 4, 5];
  const buffers = [loaded(20)];
  const call = { kind: 'call', label: 0 } as const;
  const sends = colors.flatMap((color) => [call, move(fabric(color), cell(0), 2)]);
  const takes = colors.map((color) => move(cell(9), fabric(color), 2));
  const roles = [
    role('sends', {
      routes: colors.map((color) => route(color, R, E)),
      operations: sends,
      buffers,
    }),
    role('takes', {
      routes: colors.map((color) => route(color, W, R)),
      operations: takes,
      buffers,
    }),
  ];
  const program = programOf(2, roles, { families: colors });
  const wafer = testWafer({}, { libraryCall });
  const { whole, lines } = sameByLines({ program, wafer });
  expect([whole, lines]).toEqual([undefined, 6]);
});

describe('a family to which cores return', () => {
  const room = { at: new Int32Array(4), last: new Int32Array(4), free: [] };
  const [net, other] = [{}, {}] as Net[];
  /** Two lines of two groups, the second one from a cycle on; whether it was enough to look at them as a whole. */
  const followed = (nets: Net[], base: number) => {
    const traces = { room, last: room.last, never: -(2 ** 31), free: new Map(), flagged: [] };
    const all = { ...traces, pointers: new Uint8Array(4), returned: false };
    const line = (group: number) => ({ group, routers: Int32Array.of(1, 2) }) as Line;
    const division = { nets, returns: [[0], [0]] } as unknown as Division;
    const result = { freeFrom: 20 } as LineResult;
    const first = followFree(all, line(0), result, 100, 0, division);
    return [first, followFree(all, line(1), result, base, 0, division)];
  };

  it('is looked at router by router where its groups have other lines, or one comes early', () => {
    expect(followed([net, net], 120)).toEqual([true, true]);
    expect(followed([net, net], 119)).toEqual([true, false]);
    expect(followed([net, other], 120)).toEqual([false, false]);
  });
});

describe('a line that waits for what is sent in another phase of its family', () => {
  // The first core sends east, south and east again; the one in the east does nothing between what it takes.
  const buffers = [loaded(20)];
  const east = move(fabric(0), cell(0), 2);
  const take = (color: number) => move(cell(9), fabric(color), 2);
  const other = [
    role('sends', { routes: [route(0, R, E)], operations: [east], buffers }),
    role('takes', { routes: [route(0, W, R)], operations: [take(0)], buffers }),
  ];
  const roles = [
    role('turns', {
      routes: [route(0, R, E), route(1, R, S)],
      operations: [east, move(fabric(1), cell(0), 2), east],
      buffers,
    }),
    role('takes twice', { routes: [route(0, W, R)], operations: [take(0), take(0)], buffers }),
    role('south', { routes: [route(1, N, R)], operations: [take(1)], buffers }),
    ...[role('nothing'), ...other],
  ];
  const program = programOf(2, roles, { families: [0, 1] });

  it('is taken together with that', () => {
    const { whole, merged, lines } = sameByLines({ program, wafer: testWafer() });
    expect([whole, merged, lines]).toEqual([undefined, 1, 2]);
  });
});

describe('lines that are equal but for what was before them', () => {
  // In two rows a core sends east past what comes from the west, in the lower one after it sent south.
  const labelled = (label: number) => (op: ReturnType<typeof move>) => ({ ...op, label });
  const row = (first: number) => {
    const south = first === 1 ? [move(fabric(1), cell(0), 1)] : [];
    const buffers = [loaded(20)];
    const west = [move(fabric(0), cell(0), 4)].map(labelled(1));
    const own = [...south, ...[move(fabric(2), cell(0), 4)].map(labelled(1))];
    const east = [move(cell(9), fabric(0), 4), move(cell(9), fabric(2), 4)].map(labelled(1));
    return [
      role(`west ${first}`, { routes: [route(0, R, E)], operations: west, buffers }),
      role(`middle ${first}`, {
        routes: [route(0, W, E), route(2, R, E), ...(first === 1 ? [route(1, R, S)] : [])],
        operations: own,
        buffers,
      }),
      role(`east ${first}`, {
        routes: [route(0, W, R), route(2, W, R)],
        operations: east,
        buffers,
      }),
    ];
  };
  const below = [
    role('nothing'),
    role('south', {
      routes: [route(1, N, R)],
      operations: [move(cell(0), fabric(1), 1)],
      buffers: [loaded(9)],
    }),
    role('nothing more'),
  ];
  const program = programOf(3, [...row(0), ...row(1), ...below], { families: [0, 1, 0] });

  it('differ by where pointers are', () => {
    let differ = 0;
    for (let later = 0; later < 12; later++) {
      // The west's first wavelet and the middle's come at one time, for one of these.
      const startAt = Float64Array.of(0, 1, 0, later, later, later, 0, 0, 0);
      for (const early of [0, 1, 2, 3]) {
        startAt[4] = later - early;
        const { distinct, lines, whole } = sameByLines({ program, wafer: testWafer(), startAt });
        expect(whole).toBeUndefined();
        expect(lines).toBe(3);
        differ = Math.max(differ, distinct.length);
      }
    }
    expect(differ).toBe(3);
  });

  it('are not taken apart while places that they share are taken', () => {
    const send = (color: number, label: number) => ({ ...move(fabric(color), cell(0), 1), label });
    const take = (color: number, label: number) => ({ ...move(cell(5), fabric(color), 1), label });
    const parts = (
      operations: ReturnType<typeof move>[],
      ...routes: ReturnType<typeof route>[]
    ) => {
      return { operations, routes, buffers: [loaded(9)] };
    };
    const wafer = testWafer({ hopCycles: 1, rampCycles: 3, queueDepth: 1 });
    for (const pause of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30]) {
      const between = pause > 0 ? [{ ...work(pause), label: 1 }] : [];
      const roles = [
        role('a', parts([send(0, 0), ...between, send(0, 1)], route(0, R, E))),
        role('b', parts([take(0, 0), take(0, 1)], route(0, W, R))),
        role('c', parts([send(1, 0), send(0, 1)], route(0, R, E), route(1, R, E))),
        role('d', parts([take(1, 0), take(0, 1)], route(0, W, R), route(1, W, R))),
      ];
      const two = programOf(2, roles, { families: [0, 1] });
      const { whole } = sameByLines({ program: two, wafer });
      if (pause === 0 || pause === 30) expect(whole).toBe(pause === 0 ? 'met' : undefined);
    }
  });
});

describe('a line whose pointer another one moves', () => {
  // A column whose middle sends south past what comes from the north; one wavelet crosses it from west to east.
  const at = (...routes: ReturnType<typeof route>[]) => ({ routes, buffers: [loaded(20)] });
  const send = (color: number, words: number) => move(fabric(color), cell(0), words);
  const take = (color: number, words: number) => move(cell(9), fabric(color), words);
  const north = { ...at(route(0, R, S)), operations: [send(0, 1), work(20), send(0, 4)] };
  const middle = {
    ...at(route(0, N, S), route(1, R, S), route(2, W, E)),
    operations: [work(20), send(1, 4)],
  };
  const south = {
    ...at(route(0, N, R), route(1, N, R)),
    operations: [take(0, 1), take(1, 4), take(0, 4)],
  };
  const west = { ...at(route(2, R, E)), operations: [send(2, 1)] };
  const east = { ...at(route(2, W, R)), operations: [take(2, 1)] };
  const roles = [
    ...[role('none'), role('north', north), role('none')],
    ...[role('west', west), role('middle', middle), role('east', east)],
    ...[role('none'), role('south', south), role('none')],
  ];
  const program = programOf(3, roles, { families: [0, 0, 1] });
  const wafer = testWafer();

  it('is simulated with that, and not united with it', () => {
    const found = { nudged: 0, wrong: 0 };
    for (let crosses = 0; crosses < 50; crosses++)
      for (let begins = 0; begins < 8; begins++) {
        const startAt = Float64Array.of(0, 0, 0, crosses, begins, 0, 0, 0, 0);
        const { nudged, whole, lines } = sameByLines({ program, wafer, startAt });
        // In the cycles in which it crosses what the column moves, both are one line.
        if (whole === 'met') continue;
        expect(lines).toBe(2);
        found.nudged += nudged;
        const input = { program, wafer, startAt };
        const alone = wholeRun(startLines(input, createLineTable(), { guarded: false }));
        if (differencesOf(program, fast(input), alone).length > 0) found.wrong++;
      }
    expect(found.nudged).toBeGreaterThan(0);
    expect(found.wrong).toBeGreaterThan(0);
  });
});

describe('a table of lines', () => {
  const program = { ...chainReduce(5, 3), families: [0, 1] };
  const input: RunInput = { program, wafer: testWafer() };

  it('leaves a program of one line to the engine, and says so', () => {
    const table = createLineTable();
    const result: RunResult = wholeRun(startLines(input, table));
    expect(result).toEqual(fast(input));
    expect(table.made.get(result)?.whole).toBe('phases');
    const { families: _, ...plain } = program;
    const other = wholeRun(startLines({ ...input, program: plain }, table));
    expect(table.made.get(other)?.whole).toBe('one family');
  });

  it('is emptied when it has grown too large, and when that is asked for', async () => {
    for (const most of [0, 2 ** 27]) {
      const table = createLineTable(most);
      const known: number[] = [];
      const base = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
      const run: Runner['run'] = async (given) => {
        if (given.program.families === undefined) return base.run(given);
        for (let i = 0; i < 3; i++) {
          if (i === 2) forgetResults(table);
          const result = wholeRun(startLines(given, table));
          known.push(table.made.get(result)!.known - table.made.get(result)!.lines);
        }
        return base.run(given);
      };
      await simulate(loadConfig(SMALL, []), { runner: { ...base, run }, shards: 1 });
      // Of three runs of a stage the second finds all, if the table keeps anything.
      expect(known[4] === 0).toBe(most > 0);
      expect(known[5]).toBeLessThan(0);
    }
  });

  it('forgets results of short lines before those of long ones', () => {
    const shape = (routers: number) =>
      ({
        places: new Int32Array(routers),
        results: new Map([[0, []]]),
        bunched: [],
      }) as unknown as Shape;
    const [short, long] = [shape(100), shape(10_000)];
    const table = createLineTable(1000);
    table.shapes.set(0, [short, long]);
    noteBytes(table, 100, 251);
    noteBytes(table, 10_000, 700);
    makeRoom(table);
    expect([short.results.size, long.results.size, table.bytes]).toEqual([0, 1, 700]);
    noteBytes(table, 10_000, 301);
    makeRoom(table);
    expect([table.shapes.size, table.bytes]).toEqual([0, 0]);
  });

  it('fails as the engine does where a limit is passed', () => {
    const limited = { ...input, maxCycles: 5 };
    const failure = (run: () => RunResult) => {
      try {
        return run();
      } catch (error) {
        return String(error);
      }
    };
    const lined = () => wholeRun(startLines(limited, createLineTable()));
    expect(failure(lined)).toBe(failure(() => fast(limited)));
    expect(failure(lined)).toContain('LimitError');
  });
});
