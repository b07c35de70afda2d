import { describe, expect, test } from 'vitest';
import { MachineError } from '../src/engine/engine.js';
import { EAST } from '../src/hardware/mesh.js';
import { MIDDLE, crossing, departures, type Crossing } from './helpers/crossing.js';
import { engines } from './helpers/engines.js';
import {
  E,
  N,
  R,
  S,
  W,
  changeRoute,
  sendEast,
  testWafer,
  traffic,
  work,
} from './helpers/programs.js';

describe.each(engines)('the fabric of the %s engine', (_, run) => {
  test.each([
    [1, 2],
    [2, 2],
    [3, 1],
    [1, 5],
  ])('a hop takes %i and a ramp %i cycles, not one less', (hopCycles, rampCycles) => {
    const wafer = testWafer({ hopCycles, rampCycles });
    for (const between of [0, 1, 6]) {
      const { waitInput, end } = run({ program: sendEast(1, between), wafer });
      const usable = 1 + rampCycles + (between + 1) * hopCycles + rampCycles;
      expect(waitInput[between + 1]).toBe(usable);
      expect(end[between + 1]).toBe(usable + 1);
    }
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'with %i slots a stream goes as fast as credits return',
    (slots) => {
      for (const [hopCycles, rampCycles] of [
        [1, 1],
        [1, 2],
        [2, 1],
        [3, 2],
      ]) {
        const wafer = testWafer({ hopCycles, rampCycles, queueDepth: slots });
        const trip = Math.max(slots, 2 * Math.max(hopCycles, rampCycles));
        const first = run({ program: sendEast(1, 3), wafer }).cycles;
        for (const words of [slots, slots + 1, 10, 23]) {
          const later = Math.floor((words - 1) / slots) * trip + ((words - 1) % slots);
          expect(run({ program: sendEast(words, 3), wafer }).cycles).toBe(first + later);
        }
      }
    },
  );

  test('a link streams at full rate from depth 2 and at half of it at depth 1', () => {
    const cycles = (queueDepth: number) =>
      run({ program: sendEast(101, 2), wafer: testWafer({ rampCycles: 1, queueDepth }) }).cycles;
    const first = run({ program: sendEast(1, 2), wafer: testWafer({ rampCycles: 1 }) }).cycles;
    expect([cycles(2) - first, cycles(1) - first]).toEqual([100, 200]);
  });

  test('colours that share a link take turns, one wavelet a cycle', () => {
    const at = [3, 4, 5, 6];
    const { east } = departures(run, {
      flows: [
        { color: 0, from: 'west', to: 'east', at },
        { color: 1, from: 'north', to: 'east', at },
        { color: 2, from: 'ramp', to: 'east', at },
      ],
      east: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2],
    });
    expect(east).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  });

  test('a colour that comes last waits for the others, whatever its receiver does', () => {
    const { east } = departures(run, {
      flows: [
        { color: 0, from: 'west', to: 'east', at: [3] },
        { color: 1, from: 'north', to: 'east', at: [3] },
        { color: 2, from: 'ramp', to: 'east', at: [3] },
      ],
      east: [2, 0, 1],
    });
    // The receiver takes colour 2 first, three cycles after it left, then what lies there already.
    expect(east).toEqual([5, 6, 7]);
  });

  test('a link taken by one colour stays taken while another takes a second link', () => {
    const program = crossing({
      flows: [
        { color: 0, from: 'west', to: 'east', at: [3] },
        { color: 1, from: 'north', to: 'south', at: [3] },
        { color: 2, from: 'ramp', to: 'east', at: [3, 4] },
      ],
      east: [0, 2, 2],
      south: [1],
    });
    // The ramp has one slot: its second wavelet enters when the first, gone in cycle 4, is 2 cycles away.
    expect(run({ program, wafer: testWafer({ queueDepth: 1 }) }).end[MIDDLE]).toBe(4 + 2 + 1);
  });

  test('the turn stays after the colour let go last while nothing moves', () => {
    const { east } = departures(run, {
      flows: [
        { color: 0, from: 'north', to: 'east', at: [20] },
        { color: 1, from: 'west', to: 'east', at: [3] },
        { color: 2, from: 'ramp', to: 'east', at: [20] },
      ],
      east: [1, 2, 0],
    });
    expect(east).toEqual([3, 20, 21]);
  });

  test('the cyclic order continues from the first colour of a cycle, not from the last', () => {
    const { east, south } = departures(run, {
      flows: [
        { color: 0, from: 'north', to: 'east', at: [3] },
        { color: 1, from: 'west', to: 'south', at: [3, 20] },
        { color: 2, from: 'ramp', to: 'south', at: [20] },
      ],
      east: [0],
      south: [1, 1, 2],
    });
    expect(east).toEqual([3]);
    expect(south).toEqual([3, 20, 21]);
  });

  test('after the last colour it is the turn of the first again', () => {
    const { east } = departures(
      run,
      {
        flows: [
          { color: 0, from: 'north', to: 'east', at: [20] },
          { color: 2, from: 'west', to: 'east', at: [3, 20] },
        ],
        east: [2, 0, 2],
      },
      testWafer({ colors: 3 }),
    );
    expect(east).toEqual([3, 20, 21]);
  });

  test('a multicast leaves on all its links in one cycle or not at all', () => {
    const { east } = departures(
      run,
      {
        flows: [{ color: 0, from: 'west', to: 'both', at: [3, 4, 5] }],
        east: [0, 0, 0],
        south: [0, 0, 0],
        southFirst: [work(40)],
      },
      testWafer({ queueDepth: 1 }),
    );
    // The south takes its first wavelet at 40: a ramp later the second leaves its router, a hop later
    // the third leaves the middle, to the east as well, where there was room long before.
    expect(east[2]).toBe(43);
    expect(east[1]).toBeLessThan(20);
  });

  test('a multicast waits for its turn on every link, and counts on each', () => {
    const given: Crossing = {
      flows: [
        { color: 0, from: 'west', to: 'both', at: [3] },
        { color: 1, from: 'north', to: 'south', at: [3, 4] },
      ],
      east: [0],
      south: [0, 1, 1],
    };
    const { east, south } = departures(run, given);
    expect([east, south]).toEqual([[3], [3, 4, 5]]);
    const result = run({ program: crossing(given), wafer: testWafer() });
    expect(result.linkWavelets[MIDDLE * 4 + EAST]).toBe(1);
    expect(result.waveletHops).toBe(3 + 4);
    expect([result.sent, result.delivered]).toEqual([3, 4]);
  });

  test('a colour refused one of its links leaves the other links to later colours', () => {
    const { east, south } = departures(run, {
      flows: [
        { color: 0, from: 'north', to: 'south', at: [3] },
        { color: 1, from: 'west', to: 'both', at: [3] },
        { color: 2, from: 'ramp', to: 'east', at: [3] },
      ],
      east: [2, 1],
      south: [0, 1],
    });
    expect(east).toEqual([3, 4]);
    expect(south).toEqual([3, 4]);
  });

  test('a blocked colour does not block another on the same links', () => {
    const late = { color: 1, from: 'west', to: 'east', at: [40, 41, 42] } as const;
    const early = { color: 0, from: 'west', to: 'south', at: [3, 8, 13, 18] } as const;
    const wafer = testWafer({ queueDepth: 1 });
    const with0 = departures(
      run,
      {
        flows: [early, late],
        east: [1, 1, 1],
        south: [0, 0, 0, 0],
        southFirst: [work(200)],
      },
      wafer,
    );
    const alone = departures(run, { flows: [late], east: [1, 1, 1] }, wafer);
    expect(with0.south[0]).toBeGreaterThan(190);
    expect(with0.east).toEqual(alone.east);
  });

  test('two wavelets of a colour on two ports in one cycle are counted as a hazard', () => {
    const hazards = (north: number[]) => {
      const program = crossing({
        flows: [{ color: 0, from: 'west', to: 'east', at: [3, 4, 5, 6] }],
        east: [0, 0, 0, 0],
        middleFirst: [work(30), changeRoute(0, N, E)],
      });
      const other = crossing({
        flows: [{ color: 0, from: 'north', to: 'east', at: north }],
        east: [0, 0, 0, 0].concat(north.map(() => 0)),
      });
      program.roles[program.roleOf[1]] = other.roles[other.roleOf[1]];
      program.roles[program.roleOf[5]] = other.roles[other.roleOf[5]];
      program.labels = other.labels;
      return run({ program, wafer: testWafer() }).routeHazards;
    };
    expect(hazards([5])).toBe(1);
    expect(hazards([3, 4])).toBe(2);
    expect(hazards([7])).toBe(0);
    expect(hazards([6, 7])).toBe(1);
  });

  test('so are two of which one comes from the own core, and no others', () => {
    // The core's wavelets enter the ramp, two cycles before they reach the router, and wait for a route.
    const hazards = (reached: number[]) => {
      const times = reached.map((cycle) => cycle - 2);
      const program = crossing({
        flows: [{ color: 0, from: 'west', to: 'east', at: [3, 4, 6] }],
        east: [0, 0, 0].concat(reached.map(() => 0)),
        middleFirst: [traffic({ color: 0, times }), work(30), changeRoute(0, R, E)],
      });
      return run({ program, wafer: testWafer() }).routeHazards;
    };
    expect(hazards([3])).toBe(1);
    expect(hazards([3, 4, 5, 6])).toBe(3);
    expect(hazards([2, 5, 7])).toBe(0);
  });
});

describe.each(engines)('a route change in the %s engine', (_, run) => {
  const wafer = testWafer({}, { routeChange: 5 });
  const change = (at: number[], to: 'east' | 'nowhere', routes: [number, number] = [W, S]) => ({
    flows: [{ color: 0, from: 'west' as const, to, at }],
    east: [] as number[],
    south: [] as number[],
    middleFirst: [work(10), changeRoute(0, ...routes)],
  });

  test('acts in the cycle after its last one', () => {
    const given = { ...change([20], 'nowhere'), south: [0] };
    expect(departures(run, given, wafer).south).toEqual([20]);
    const waits = change([3], 'nowhere');
    const program = crossing({ ...waits, south: [0] });
    // Without an input the wavelet waits on its port, where no route has it yet.
    program.roles[program.roleOf[MIDDLE]].routes = [];
    expect(run({ program, wafer }).labelEnd[1] - 4).toBe(15);
  });

  test('lets go by the old route what leaves before it, by the new one what arrives after it', () => {
    expect(departures(run, { ...change([14], 'east'), east: [0] }, wafer).east).toEqual([14]);
    expect(departures(run, { ...change([16], 'east'), south: [0] }, wafer).south).toEqual([16]);
  });

  test('is an error if a wavelet is queued on the old input or is on the link to it', () => {
    expect.assertions(4);
    try {
      run({ program: crossing({ ...change([15], 'east'), east: [0] }), wafer });
    } catch (error) {
      const { code, cycle, cores, colors } = error as MachineError;
      expect([code, cycle]).toEqual(['route-change', 15]);
      expect([cores, colors]).toEqual([[MIDDLE], [0]]);
      expect(error).toBeInstanceOf(MachineError);
      expect((error as Error).message).toContain('core (1,1)');
    }
  });

  test('is an error if a wavelet is on a slow link to the old input', () => {
    // With hops of three cycles a wavelet eligible at 17 left its last router at 14, one eligible at 18
    // in cycle 15, in which the change acts.
    const slow = testWafer({ hopCycles: 3 }, { routeChange: 5 });
    const at = (eligible: number) => [eligible - 2];
    const early = crossing({ ...change(at(17), 'east'), east: [0] });
    expect(() => run({ program: early, wafer: slow })).toThrow('route-change in cycle 15');
    const late = crossing({ ...change(at(18), 'east'), south: [0] });
    expect(run({ program: late, wafer: slow }).delivered).toBe(1);
  });

  test('costs set-up cycles of its core', () => {
    const program = crossing({ ...change([20], 'east', [W, E]), east: [0] });
    const { setup, end } = run({ program, wafer });
    expect([setup[MIDDLE], end[MIDDLE]]).toEqual([5, 15]);
  });
});

test.each(engines)('a router whose core has no program routes all the same (%s)', (_, run) => {
  const result = run({ program: sendEast(3, 2), wafer: testWafer() });
  expect(result.delivered).toBe(3);
  expect(Array.from(result.end.slice(1, 3))).toEqual([0, 0]);
  expect(result.linkWavelets[2 * 4 + EAST]).toBe(3);
});
