/** Switch positions (machine-model section 4a): cycles by hand, what they let pass, what is refused. */
import { describe, expect, test } from 'vitest';
import { MachineError, type Engine } from '../src/engine/engine.js';
import type { Operation, Program, Role, Route, Setting } from '../src/program/program.js';
import { listRole } from '../src/program/listing.js';
import { engines } from './helpers/engines.js';
import { E, N, R, W, cell, changeRoute, constant, fabric, loaded } from './helpers/programs.js';
import { move, role, route, row, testWafer, work } from './helpers/programs.js';

/** A route on colour 0 through these settings, from the first on. */
function switched(settings: [inputs: number, outputs: number][], returns = false): Route {
  const [first, ...positions] = settings.map(([inputs, outputs]): Setting => ({ inputs, outputs }));
  return { color: 0, ...first, positions, returns };
}

/** Sends words on colour 0 and marks the last. */
const marked = (words: number, at = 0) => ({
  ...move(fabric(0), cell(at), words),
  advance: true,
});

function takes(words: number): Role {
  const operations = words === 0 ? [] : [move(cell(0), fabric(0), words)];
  const buffers = [{ ...loaded(words), preloaded: false }];
  return role(`takes ${words}`, { operations, buffers });
}

function sends(name: string, routes: Route[], operations: Operation[]): Role {
  return role(name, { routes, operations, buffers: [loaded(64)] });
}

/** Each core sends its words west and marks the last, then lets pass what comes from the east. */
function star(cores: number, words: number, returns = false, times = 1): Program {
  const operations = Array.from({ length: times }, (_, i) => marked(words, i * words));
  const root = { ...takes(words * times * (cores - 1)), routes: [route(0, E, R)] };
  const both: [number, number][] = [
    [R, W],
    [E, W],
  ];
  const sender = sends('sender', [switched(both, returns)], operations);
  const last = sends('last', [route(0, R, W)], operations);
  const senders = Array.from({ length: cores - 1 }, (_, i) => (i === cores - 2 ? last : sender));
  return { ...row(root, ...senders), root: 0 };
}

/** Core 0 sends five marked words to a switch with these settings, east of which is one more core. */
function five(settings: [number, number][], returns: boolean, [own, beyond]: [number, number]) {
  const source = sends(
    'source',
    [route(0, R, E)],
    [0, 1, 2, 3, 4].map((at) => marked(1, at)),
  );
  const middle = { ...takes(own), routes: [switched(settings, returns)] };
  return row(source, middle, { ...takes(beyond), routes: [route(0, W, R)] });
}

const memoryOf = (program: Program) =>
  [...program.roleOf].map((_, core) => Float32Array.from({ length: 64 }, (_, i) => core * 100 + i));

describe.each(engines)('switch positions in the %s engine', (_, run) => {
  test.each([
    [1, 4, 1, 9],
    [1, 4, 3, 15],
    [1, 512, 1, 517],
    [2, 4, 1, 12],
    [2, 4, 3, 16],
    [2, 512, 1, 1028],
  ])('a star at hop %i of %i cores and %i words each takes %i', (hop, cores, words, cycles) => {
    const result = run({ program: star(cores, words), wafer: testWafer({ hopCycles: hop }) });
    expect(result.cycles).toBe(cycles);
    expect(result.routeHazards).toBe(0);
    expect(result.delivered).toBe((cores - 1) * words);
  });

  test('the nearest words come first, and a switch that returns takes turns', () => {
    const program = star(3, 2, true, 2);
    const memory = memoryOf(program);
    const result = run({ program, wafer: testWafer(), memory });
    expect([...memory[0].subarray(0, 8)]).toEqual([100, 101, 200, 201, 102, 103, 202, 203]);
    // Eight words without a gap: into the ramp 1, two ramps 4, a hop 1.
    expect(run({ program, wafer: testWafer() }).cycles).toBe(8 + 6);
    expect(result.cycles).toBe(8 + 6);
  });

  test('one that does not return stays at its last setting, where more words of its own wait', () => {
    const program = star(3, 2, false, 2);
    expect(() => run({ program, wafer: testWafer() })).toThrow(/^deadlock/);
  });

  test('a marked word that goes several ways changes the switches on all of them', () => {
    const source = sends('source', [route(0, R, W | E)], [marked(1), marked(1, 1)]);
    const to = (from: number, on: number): Role => ({
      ...takes(1),
      routes: [
        switched([
          [from, R],
          [from, on],
        ]),
      ],
    });
    const end = (from: number): Role => ({ ...takes(1), routes: [route(0, from, R)] });
    const program = row(end(E), to(E, W), source, to(W, E), end(W));
    const memory = memoryOf(program);
    run({ program, wafer: testWafer(), memory });
    expect([0, 1, 3, 4].map((core) => memory[core][0])).toEqual([201, 200, 200, 201]);
    expect(run({ program, wafer: testWafer() }).delivered).toBe(4);
  });

  const fourSettings: [number, number][] = [
    [W, R],
    [W, E],
    [W, R | E],
    [W, E],
  ];
  test('four settings are used in order, over the ramp and by a multicast too', () => {
    for (const [returns, own, beyond] of [
      [false, [0, 2], [1, 2, 3, 4]],
      [true, [0, 2, 4], [1, 2, 3]],
    ] as const) {
      const program = five(fourSettings, returns, [own.length, beyond.length]);
      const memory = memoryOf(program);
      run({ program, wafer: testWafer(), memory });
      expect([...memory[1].subarray(0, own.length)]).toEqual(own);
      expect([...memory[2].subarray(0, beyond.length)]).toEqual(beyond);
      const { delivered, sent, linkWavelets } = run({ program, wafer: testWafer() });
      expect([sent, delivered]).toEqual([5, own.length + beyond.length]);
      expect(linkWavelets[5]).toBe(beyond.length);
    }
  });

  test.each([1, 4])('words after a marked one are not marked, at depth %i', (queueDepth) => {
    const turns = (op: Operation) => [op, op, op];
    const source = sends('source', [route(0, R, E)], turns(marked(3)));
    const settings: [number, number][] = [
      [W, R],
      [W, E],
    ];
    const middle = { ...takes(6), routes: [switched(settings, true)] };
    const program = row(source, middle, { ...takes(3), routes: [route(0, W, R)] });
    expect(run({ program, wafer: testWafer({ queueDepth }) }).linkWavelets[5]).toBe(3);
  });

  test('words at a port that is not the input wait there and hold their slots', () => {
    const settings: [number, number][] = [
      [R, W],
      [E, W],
    ];
    const late = sends('late', [switched(settings)], [work(50), marked(1)]);
    const early = sends('early', [route(0, R, W)], [move(fabric(0), cell(0), 10)]);
    const root = { ...takes(11), routes: [route(0, E, R)] };
    const { cycles, waitOutput } = run({ program: row(root, late, early), wafer: testWafer() });
    // The late word leaves its router in cycle 53. Four early ones wait there and four in their own
    // router's queue; the ninth could enter the ramp in cycle 9 and does so in 57.
    expect([...waitOutput]).toEqual([0, 0, 57 - 9]);
    // From 54 on a word leaves in every cycle; the tenth has a hop and a ramp to go then.
    expect(cycles).toBe(63 + 1 + 2 + 1);
  });

  test('a mark is nothing to routers with one setting, and to other colours', () => {
    const plain = (advance: boolean) => {
      const source = sends('source', [route(0, R, E)], [{ ...marked(5), advance }]);
      const relay = role('relay', {
        routes: [route(0, W, E), { ...switched([[W, R]]), color: 1 }],
      });
      return row(source, relay, { ...takes(5), routes: [route(0, W, R)] });
    };
    const [with_, without] = [plain(true), plain(false)].map((program) =>
      run({ program, wafer: testWafer({ queueDepth: 1 }) }),
    );
    expect(with_).toEqual(without);
  });

  test('with one slot a marked word and the one after it take the same place', () => {
    // A word every four cycles, as the root's ramp gives its slot back; the first is taken in cycle 6.
    const wafer = testWafer({ queueDepth: 1 });
    expect(run({ program: star(3, 3), wafer }).cycles).toBe(6 + 5 * 4 + 1);
    expect(run({ program: star(3, 3, true, 3), wafer }).cycles).toBe(6 + 17 * 4 + 1);
  });
});

function failure(run: Engine, program: Program): MachineError {
  try {
    run({ program, wafer: testWafer() });
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
  throw new Error('the machine did not fail');
}

describe.each(engines)('the %s engine refuses', (_, run) => {
  const idle = role('idle');
  const facts = (bad: Role) => {
    const { code, cycle, cores, colors, message } = failure(run, row(idle, bad, idle));
    return { code, cycle, cores, colors, message };
  };
  const of = (code: string, colors: number[], message: string) => ({
    ...{ code, cycle: 0, cores: [1], colors },
    message: expect.stringContaining(message) as string,
  });
  const to = (outputs: number): [number, number] => [R, outputs];

  test('more than four positions', () => {
    const settings = [E, W, E, W].map(to);
    const fine = row(idle, role('four', { routes: [switched(settings)] }), idle);
    expect(run({ program: fine, wafer: testWafer() }).cycles).toBe(0);
    const bad = role('bad', { routes: [switched([...settings, to(E)])] });
    expect(facts(bad)).toEqual(of('bad-route', [0], 'a switch of 5 positions, of at most 4'));
  });

  test('a change of the route of a switch, before the first cycle', () => {
    const routes = [switched([to(E), to(W)])];
    const bad = role('bad', { routes, operations: [work(9), changeRoute(0, R, W)] });
    expect(facts(bad)).toEqual(of('bad-route', [0], 'changes a route that has switch positions'));
    const other = role('fine', { routes, operations: [work(9), changeRoute(1, R, W)] });
    expect(run({ program: row(idle, other, idle), wafer: testWafer() }).cycles).toBe(9);
    // One list of routes may be fine in one role, and not in the next.
    const both = failure(run, row(idle, other, bad, idle));
    expect(both.message).toContain('changes a route that has switch positions');
    expect(both.cores).toEqual([2]);
  });

  test('a position with two inputs, or out of the rectangle', () => {
    const two = role('two', { routes: [switched([to(E), [N | W, E]])] });
    expect(facts(two)).toEqual(of('two-inputs', [0], 'receives from north and west'));
    const out = role('out', { routes: [switched([to(E), to(N)])] });
    expect(facts(out)).toEqual(of('bad-route', [0], 'sends north, out of the rectangle'));
  });

  test('a mark where no wavelet is sent', () => {
    const store = { ...move(cell(0), constant(1), 3), advance: true };
    const none = { ...move(fabric(0), constant(1), 0), advance: true };
    for (const op of [store, none]) {
      const bad = role('bad', { routes: [route(0, R, E)], operations: [op] });
      expect(facts(bad)).toEqual(of('bad-operation', [], 'marks the last wavelet'));
    }
  });
});

test('a switch and a mark are listed', () => {
  const routes = [switched([to3(E), to3(W)], true), { ...switched([to3(E), to3(W)]), color: 2 }];
  const text = listRole(sends('lists', routes, [marked(3)]), ['work']);
  expect(text).toContain('route colour 0: ramp -> east, then ramp -> west, then the first again\n');
  expect(text).toContain('route colour 2: ramp -> east, then ramp -> west\n');
  expect(text).toContain('0: move.f32 x3 colour 0 <- [0], marks its last  (work)');
});

function to3(outputs: number): [number, number] {
  return [R, outputs];
}
