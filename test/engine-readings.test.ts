/** Readings of the rules (machine-model section 4a) that two engines could take differently, by hand. */
import { describe, expect, test } from 'vitest';
import type { Operation, Role } from '../src/program/program.js';
import { engines } from './helpers/engines.js';
import { MIDDLE, crossing } from './helpers/crossing.js';
import { cases } from './helpers/full.js';
import { E, N, R, S, W, add, cell, changeRoute, constant, fabric } from './helpers/programs.js';
import { loaded, move, program, role, route, row, testWafer } from './helpers/programs.js';
import { traffic, work } from './helpers/programs.js';

const each = (cycles: number) => ({ f16: cycles, f32: cycles });

describe.each(engines)('what is queued when a route changes, in the %s engine', (_, run) => {
  /** The middle turns colour 0, of which a wavelet may leave it in cycle `at`, in cycle `turn`. */
  const turned = (at: number, turn: number, hopCycles: number) => {
    const made = crossing({
      flows: [{ color: 0, from: 'west', to: 'east', at: [at - (hopCycles - 1)] }],
      east: at < turn ? [0] : [],
      south: at < turn ? [] : [0],
      middleFirst: [work(turn), changeRoute(0, W, S)],
    });
    return () => run({ program: made, wafer: testWafer({ hopCycles, queueDepth: 1 }) });
  };

  test.each([1, 2, 3, 9])('a wavelet on a link of %i cycles is', (hop) => {
    const turn = 40;
    // It leaves the router before in cycle `turn` at the earliest, so it is on no link before.
    expect(turned(turn + hop, turn, hop)().delivered).toBe(1);
    for (let at = turn; at < turn + hop; at++)
      expect(turned(at, turn, hop)).toThrow(`route-change in cycle ${turn}`);
  });

  test.each([1, 2, 3, 9])('a slot whose credit is %i cycles away is not', (hop) => {
    const turn = 40;
    // Gone in the cycle before, its only slot is its sender's again in cycle turn - 1 + hop.
    for (let before = 1; before <= hop; before++)
      expect(turned(turn - before, turn, hop)().delivered).toBe(1);
  });

  test('a wavelet on the ramp is, one whose credit is on the ramp is not', () => {
    const east = role('east', {
      routes: [route(0, W, R)],
      operations: [traffic({ receive: 0, expect: 1 })],
    });
    const south = role('south', { routes: [route(0, N, R)] });
    const at = (pause: number) => {
      const operations = [move(fabric(0), constant(1), 1), work(pause), changeRoute(0, R, S)];
      const first = role('first', { routes: [route(0, R, E)], operations });
      const made = program(2, [first, east, south, role('idle')]);
      return () => run({ program: made, wafer: testWafer({ rampCycles: 3, queueDepth: 1 }) });
    };
    // Out of its pipeline of one stage in cycle 1, it leaves the router in 4; the credit is back in 7.
    for (const turn of [2, 3, 4]) expect(at(turn - 2)).toThrow(`route-change in cycle ${turn}`);
    for (const turn of [5, 6, 7, 8]) expect(at(turn - 2)().delivered).toBe(1);
  });
});

describe.each(engines)('the ramp to the core in the %s engine', (_, run) => {
  /** Both colours may leave the middle in cycle 3; its core takes the one first, then the other. */
  const meet = (order: number[], outputs: [number, number]) => {
    const sender = (color: number, out: number) =>
      role(`sends ${color}`, {
        routes: [route(color, R, out)],
        operations: [traffic({ color, times: [0] })],
      });
    const takes = (colors: number[]): Operation[] =>
      colors.map((color, label) => traffic({ receive: color, expect: 1, label }));
    const middle = role('middle', {
      routes: [route(0, W, outputs[0]), route(1, N, outputs[1])],
      operations: takes(order),
    });
    const sink = (color: number, into: number): Role =>
      role(`takes ${color}`, { routes: [route(color, into, R)], operations: takes([color]) });
    const roles = Array.from({ length: 9 }, (__, core) => role(`idle ${core}`));
    roles[1] = sender(1, S);
    roles[3] = sender(0, E);
    roles[MIDDLE] = middle;
    if (outputs[0] & E) roles[5] = sink(0, W);
    if (outputs[1] & E) roles[5] = sink(1, W);
    return run({ program: program(3, roles), wafer: testWafer() });
  };

  test('goes to one colour in each cycle', () => {
    // Colour 0 leaves in cycle 3 and colour 1 in cycle 4, a ramp before they are taken.
    expect(meet([0, 1], [R, R]).end[MIDDLE]).toBe(3 + 2 + 1 + 1);
    expect(meet([1, 0], [R, R]).end[MIDDLE]).toBe(4 + 2 + 1 + 1);
    expect(meet([1, 0], [R, R]).waitInput[MIDDLE]).toBe(4 + 2 + 1 + 1);
  });

  test('holds up a multicast that wants it too', () => {
    const { end } = meet([1, 0], [R, R | E]);
    expect([end[MIDDLE], end[5]]).toEqual([4 + 2 + 1 + 1, 4 + 1 + 2 + 1]);
    // The other way round the multicast is first, and only the ramp is taken.
    expect([...meet([1, 0], [R | E, R]).end].filter((at) => at > 1)).toEqual([8, 3 + 1 + 2 + 1]);
  });
});

describe.each(engines)('causes of cycles in the %s engine', (_, run) => {
  test.each([1, 2, 4, 7])(
    'input that is missing is waited for while a result of %i stages leaves',
    (latency) => {
      const sender = role('sender', {
        routes: [route(0, R, E)],
        operations: [traffic({ color: 0, times: [0, 10] })],
      });
      const adder = role('adder', {
        routes: [route(0, W, R), route(1, R, E)],
        operations: [add(fabric(1), fabric(0), constant(1), 2)],
      });
      const last = role('last', {
        routes: [route(1, W, R)],
        operations: [move(cell(0), fabric(1), 2)],
        buffers: [loaded(2)],
      });
      const made = row(sender, adder, last);
      const { compute, waitInput, waitOutput, end } = run({
        program: made,
        wafer: testWafer({}, { latency: each(latency) }),
      });
      // Words are usable in cycles 5 and 15. The first result leaves in 5 + latency, before the second word:
      // a wait for input like every other cycle without a word; after the last word the pipeline drains.
      expect(end[1]).toBe(15 + latency + 1);
      expect([compute[1], waitInput[1], waitOutput[1]]).toEqual([2 + latency, 5 + 9, 0]);
      expect(end[2]).toBe(15 + latency + 5 + 1);
    },
  );

  test('a core without operations has no start-up, whatever it routes and whenever it starts', () => {
    const wafer = testWafer({}, { programStart: 20, setup: each(7) });
    const relay = role('relay', { routes: [route(0, W, E)] });
    const sender = role('sender', {
      routes: [route(0, R, E)],
      operations: [move(fabric(0), constant(1), 1)],
    });
    const last = role('last', {
      routes: [route(0, W, R)],
      operations: [move(cell(0), fabric(0), 1)],
      buffers: [loaded(1)],
    });
    const made = row(sender, relay, role('idle'), last);
    made.roles[2].routes = [route(0, W, E)];
    for (const startAt of [
      [0, 0, 0, 0],
      [0, -9, 5000, 3],
    ]) {
      const { end, setup, compute, waitInput, waitOutput } = run({
        program: made,
        wafer,
        startAt: Int32Array.from(startAt),
      });
      expect([end[1], end[2]]).toEqual([startAt[1], startAt[2]]);
      for (const cause of [setup, compute, waitInput, waitOutput])
        expect([cause[1], cause[2]]).toEqual([0, 0]);
      // Start-up, set-up, one stage, two ramps and three hops.
      expect(end[3]).toBe(20 + 7 + 1 + 2 + 3 + 2 + 1);
    }
  });
});

describe.each(engines)('far ahead in the %s engine', (_, run) => {
  /** Cores work for so long, then send a word each to a core below, which takes it. */
  const sendsAfter = (...cycles: number[]) => {
    const above = cycles.map((n, i) =>
      role(`works ${i}`, {
        routes: [route(0, R, S)],
        operations: [work(n), move(fabric(0), constant(1), 1)],
      }),
    );
    const below = role('takes', {
      routes: [route(0, N, R)],
      operations: [traffic({ receive: 0, expect: 1 })],
    });
    const made = program(cycles.length, [...above, ...cycles.map(() => below)]);
    return [...run({ program: made, wafer: testWafer() }).end];
  };
  const ends = (...cycles: number[]) => [
    ...cycles.map((n) => n + 2),
    ...cycles.map((n) => n + 1 + 5 + 1),
  ];

  test.each([2047, 2048, 2049, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 12_288])(
    'work of %i cycles takes as many',
    (cycles) => {
      expect(sendsAfter(cycles)).toEqual(ends(cycles));
      expect(sendsAfter(cycles, cycles - 1, cycles + 1)).toEqual(
        ends(cycles, cycles - 1, cycles + 1),
      );
    },
  );

  test.each([
    [[5000, 60_000, 30_000]],
    [[60_000, 30_000, 5000]],
    [[30_000, 5000, 60_000, 5001, 7000, 4096]],
    [[1, 4097, 4096 * 3 + 1, 4096 * 2 + 1]],
    [[100, 6000, 10_000_000, 9_000_000]],
  ])('works of %j cycles take as many each', (cycles) => {
    expect(sendsAfter(...cycles)).toEqual(ends(...cycles));
  });

  test('starts of cores are kept, however far apart', () => {
    const sends = role('sends', {
      routes: [route(0, R, E)],
      operations: [move(fabric(0), constant(1), 1)],
    });
    const takes = role('takes', {
      routes: [route(0, W, R)],
      operations: [traffic({ receive: 0, expect: 1 })],
    });
    const made = program(2, [sends, takes, sends, takes, sends, takes]);
    for (const starts of [
      [0, 4096, 8192],
      [4095, 4096, 4097],
      [100_000, 5, 20_000],
    ]) {
      const startAt = Float64Array.from(starts.flatMap((at) => [at, 0]));
      const { end } = run({ program: made, wafer: testWafer(), startAt });
      expect([...end]).toEqual(starts.flatMap((at) => [at + 2, at + 1 + 5 + 1]));
    }
  });
});

/** Credits that come back long after a sender looked for them. */
describe.each(engines.slice(1))('the %s engine and the reference agree', (...engine) => {
  const [reference] = engines;
  const agree = (made: ReturnType<typeof row>, wafer: ReturnType<typeof testWafer>) => {
    expect(engine[1]({ program: made, wafer })).toEqual(reference[1]({ program: made, wafer }));
  };

  test('on a core that takes two full queues at once, whatever their depth', () => {
    const words = 70;
    const sends = (color: number, to: number, first: number) =>
      role(`sends ${color}`, {
        routes: [route(color, R, to)],
        operations: [work(first), move(fabric(color), constant(1), words)],
      });
    const depths = Array.from({ length: 64 }, (_, i) => i + 1);
    const some = [1, 2, 3, 5, 8, 9, 16, 31, 32, 33, 64];
    for (const queueDepth of cases(some, depths)) {
      const takes = role('takes', {
        routes: [route(0, W, R), route(1, E, R)],
        operations: [work(500), traffic({ receives: [0, 1], expect: 2 * words })],
      });
      agree(row(sends(0, E, 200), takes, sends(1, W, 1)), testWafer({ queueDepth }));
    }
  });

  test.each([7, 40, 500])('on links of %i hops whose credits take as long', (hops) => {
    for (const queueDepth of [1, 2, 5])
      for (const hopCycles of [1, 3]) {
        const sender = role('sender', {
          routes: [route(0, R, E)],
          operations: [move(fabric(0), constant(1), 17)],
        });
        const adder = role('adder', {
          routes: [route(0, W, R), route(1, R, E)],
          operations: [add(fabric(1), fabric(0), constant(1), 17)],
        });
        const last = role('last', {
          routes: [route(1, W, R)],
          operations: [work(60), traffic({ receive: 1, expect: 17 })],
        });
        const made = {
          ...row(sender, adder, last),
          linkHops: Uint16Array.of(1, hops, 1, 1, 1, 1, 1, hops, 1, 1, 1, 1),
        };
        agree(made, testWafer({ queueDepth, hopCycles }));
      }
  });
});
