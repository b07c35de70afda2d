import { describe, expect, test } from 'vitest';
import { NO_END } from '../src/engine/engine.js';
import { engines } from './helpers/engines.js';
import {
  E,
  R,
  W,
  add,
  cell,
  chainReduce,
  changeRoute,
  constant,
  fabric,
  loaded,
  move,
  role,
  route,
  row,
  sendEast,
  testWafer,
  exchanged,
  traffic,
  work,
} from './helpers/programs.js';

const each = (cycles: number) => ({ f16: cycles, f32: cycles });

describe.each(engines)('streams in the %s engine', (_, run) => {
  test.each([
    [16, 500, 4, 590],
    [16, 500, 8, 590],
    [16, 500, 2, 1088],
    [16, 500, 1, 2087],
    [512, 64, 4, 3130],
  ])(
    'a chain of %i cores and %i words, %i slots, takes %i cycles',
    (cores, words, slots, cycles) => {
      const wafer = testWafer({ queueDepth: slots });
      expect(run({ program: chainReduce(cores, words), wafer }).cycles).toBe(cycles);
    },
  );

  test('a link of three hops takes three, and lets four wavelets pass every six cycles', () => {
    const short = sendEast(40, 0);
    // Wavelet k leaves at 6 * floor(k / 4) + k % 4: the last one 18 cycles later, on a way 2 longer.
    const long = { ...short, linkHops: Uint16Array.of(1, 3, 1, 1, 1, 1, 1, 3) };
    const [near, far] = [short, long].map((program) => run({ program, wafer: testWafer() }));
    expect(far.cycles - near.cycles).toBe(6 * 9 + 3 - 39 + 2);
    expect(far.linkWavelets).toEqual(near.linkWavelets);
  });

  test('a link of 70 hops of 1,000 cycles takes 70,000', () => {
    const wafer = testWafer({ hopCycles: 1000 });
    const short = sendEast(1, 0);
    const long = { ...short, linkHops: Uint16Array.of(1, 70, 1, 1, 1, 1, 1, 70) };
    const [near, far] = [short, long].map((program) => run({ program, wafer }));
    expect(far.cycles - near.cycles).toBe(69_000);
  });

  test('a chain of P cores reduces B words in B + 6(P-1) cycles', () => {
    for (const [cores, words] of [
      [2, 1],
      [2, 100],
      [3, 7],
      [31, 33],
      [100, 1],
    ])
      expect(run({ program: chainReduce(cores, words), wafer: testWafer() }).cycles).toBe(
        words + 6 * (cores - 1),
      );
  });

  test.each([1, 2, 5, 15])(
    'a pipeline of %i stages costs as much per core that adds',
    (latency) => {
      const wafer = testWafer({}, { latency: each(latency) });
      const [cores, words] = [9, 40];
      // The farthest core moves, in one stage; the root keeps its sums; the others send them on.
      const cycles = words + 6 + (5 + latency) * (cores - 2);
      expect(run({ program: chainReduce(cores, words), wafer }).cycles).toBe(cycles);
    },
  );

  test('16-bit elements travel two to a wavelet', () => {
    const cycles = (length: number) => {
      const result = run({ program: sendEast(length, 0, 'f16'), wafer: testWafer() });
      return [result.sent, result.cycles];
    };
    expect(cycles(7)).toEqual([4, 4 + 6]);
    expect(cycles(8)).toEqual([4, 4 + 6]);
    expect(cycles(9)).toEqual([5, 5 + 6]);
  });

  test('set-up comes before each operation and start-up before the first', () => {
    const wafer = testWafer({}, { setup: { f16: 9, f32: 7 }, programStart: 20 });
    const program = row(role('busy', { operations: [work(5), work(3)] }));
    const { end, setup, compute, labelBusy, cycles } = run({ program, wafer });
    expect([end[0], setup[0], compute[0]]).toEqual([42, 34, 8]);
    expect([labelBusy[0], cycles]).toEqual([42, 42]);
  });

  test('a core without a program has no start-up', () => {
    const wafer = testWafer({}, { programStart: 20 });
    expect(run({ program: row(role('idle')), wafer }).cycles).toBe(0);
  });

  test('a stream of nothing costs its set-up only', () => {
    const wafer = testWafer({}, { setup: each(7) });
    const { end, cycles } = run({ program: sendEast(0, 0), wafer });
    expect([...end, cycles]).toEqual([7, 7, 7]);
  });

  test('every cycle of a stream has its cause', () => {
    const wafer = testWafer({ queueDepth: 1 });
    const program = sendEast(6, 0);
    program.roles[1].operations.unshift(work(60));
    const { compute, waitInput, waitOutput, end } = run({ program, wafer });
    // Four words find room: in the core's queue, in both routers, and at the end of the pipeline. The
    // last of these enters the ramp when credits have come back from the core (2), over the link (1) and
    // from the ramp (2), at 65; the fifth and sixth, four cycles apart, at 69 and 73.
    expect([compute[0], waitInput[0], end[0]]).toEqual([6 + 1, 0, 74]);
    expect(waitOutput[0]).toBe(74 - 7);
    // Words are 4 cycles apart on a ramp with one slot: the first is there at once, five are waited for.
    expect([compute[1], waitInput[1], end[1]]).toEqual([60 + 6, 3 * 5, 81]);
  });

  test('waiting for input comes before waiting for output', () => {
    // As below, but with a last word that is usable at 85 only: until then the core waits for it,
    // although its pipeline stands still from 43 on, and then for the slot that comes back at 105.
    const { program, wafer } = blocked([...Array(12).keys(), 30, 37, 80], 8);
    program.roles[2].operations.unshift(work(100));
    const { waitInput, waitOutput, compute, end } = run({ program, wafer });
    expect([compute[1], waitOutput[1], end[1]]).toEqual([15 + 8, 105 - 85, 114]);
    expect(waitInput[1]).toBe(114 - 23 - 20);
  });

  test('a pipeline that stands still keeps the gaps in it', () => {
    // Twelve words fill the ramp, the link and the last core's queue; the next, in a pipeline of eight
    // stages, waits for a slot that comes back at 105; one seven cycles after it enters at 112.
    const times = [...Array(12).keys(), 30, 37];
    const { program, wafer } = blocked(times, 8);
    program.roles[2].operations.unshift(work(100));
    const { end, waitOutput } = run({ program, wafer });
    expect(end[1]).toBe(113);
    expect(end[2]).toBe(112 + 5 + 1);
    // Usable at 35, at the end of the pipeline at 43, where it stands until 105.
    expect(waitOutput[1]).toBe(105 - 43);
  });

  test('a pipeline consumes in the cycle in which a result leaves it', () => {
    const times = [...Array(40).keys()];
    const { program, wafer } = blocked(times, 3);
    const { end, waitOutput } = run({ program, wafer });
    expect(waitOutput[1]).toBe(0);
    expect(end[1]).toBe(5 + 39 + 3 + 1);
  });

  test('programs start when asked to, before time 0 too', () => {
    const startAt = Int32Array.of(-100, -50);
    const { cycles, end, waitInput } = run({
      program: sendEast(3, 0),
      wafer: testWafer(),
      startAt,
    });
    expect([cycles, ...end]).toEqual([0, -96, -47]);
    expect(waitInput[1]).toBe(0);
    const moved = run({
      program: sendEast(3, 0),
      wafer: testWafer(),
      startAt: Int32Array.of(7, 7),
    });
    expect([moved.cycles, moved.waitInput[1]]).toEqual([16, 6]);
  });

  test('a program with a root ends with it', () => {
    const program = { ...row(role('busy', { operations: [work(5)] }), idle(9)), root: 0 };
    expect(run({ program, wafer: testWafer() }).cycles).toBe(5);
    const early = Int32Array.of(-8, 0);
    expect(run({ program, wafer: testWafer(), startAt: early }).cycles).toBe(0);
  });

  test('a label ends with the last of its operations, and is as busy as the core that ends it', () => {
    const second = (cycles: number) => ({ ...work(cycles), label: 1 });
    const program = row(
      role('a', { operations: [work(3), second(4), work(2)] }),
      role('b', { operations: [second(9), work(1)] }),
      role('c', { operations: [work(5), second(4)] }),
    );
    program.labels.push('none');
    const { labelEnd, labelBusy } = run({ program, wafer: testWafer({}, { setup: each(1) }) });
    expect([...labelEnd]).toEqual([12, 11, NO_END]);
    // Cores 0 and 1 both end label 0 at 12: the first counts. Core 2 ends label 1.
    expect([...labelBusy]).toEqual([7, 5, 0]);
  });

  test('of cores that end a label together the first counts', () => {
    const program = row(
      role('a', { operations: [{ ...work(3), label: 1 }, work(2)] }),
      role('b', { operations: [work(5)] }),
      role('c', { operations: [{ ...work(1), label: 1 }, work(4)] }),
    );
    const { labelEnd, labelBusy } = run({ program, wafer: testWafer() });
    expect([labelEnd[0], labelBusy[0]]).toEqual([5, 2]);
  });

  test('idle time costs nothing to simulate', () => {
    const changes = Array.from({ length: 5 }, () => changeRoute(0, 0, 0));
    const wafer = testWafer({}, { routeChange: 1e8 });
    expect(run({ program: row(role('long', { operations: changes })), wafer }).cycles).toBe(5e8);
  });
});

describe.each(engines)('traffic in the %s engine', (_, run) => {
  test('wavelets enter the ramp when they are due', () => {
    const result = run({ program: trafficEast([4, 10], 2), wafer: testWafer() });
    expect([...result.end]).toEqual([11, 10 + 5 + 1]);
    expect([result.compute[0], result.waitInput[0], result.waitOutput[0]]).toEqual([2, 9, 0]);
    expect([result.compute[1], result.waitInput[1]]).toEqual([0, 16]);
  });

  test('a wavelet due without a slot is wait for output', () => {
    const wafer = testWafer({ queueDepth: 1 });
    const result = run({ program: trafficEast([0, 0, 1], 3), wafer });
    // A ramp with one slot takes a wavelet every fourth cycle.
    expect([result.compute[0], result.waitOutput[0], result.end[0]]).toEqual([3, 6, 9]);
  });

  test('each wavelet has the cycles in which it entered the ramp and was taken', () => {
    const wafer = testWafer({ hopCycles: 3, rampCycles: 2 });
    const program = trafficEast([4, 10, 11], 3);
    const { instants } = run({ program, wafer, startAt: Int32Array.of(5, 0), instants: true });
    expect([...instants!.enteredFrom]).toEqual([0, 3, 3]);
    expect([...instants!.takenFrom]).toEqual([0, 0, 3]);
    expect([...instants!.entered]).toEqual([9, 15, 16]);
    // A ramp, a link and a ramp later.
    expect([...instants!.taken]).toEqual([16, 22, 23]);
    expect([...instants!.takenColor]).toEqual([0, 0, 0]);
    expect(run({ program, wafer }).instants).toBeUndefined();
  });

  test('wavelets of several colours leave in their order: one without a slot holds the others up', () => {
    const sender = role('sender', {
      routes: [route(0, R, E), route(3, R, E)],
      operations: [
        traffic({ sends: [0, 3], times: [0, 0, 0, 1, 9, 300], turns: [0, 0, 1, 1, 0, 1] }),
      ],
    });
    const receiver = role('receiver', {
      routes: [route(0, W, R), route(3, W, R)],
      operations: [traffic({ receives: [3, 0], expect: 6 })],
    });
    const wafer = testWafer({ queueDepth: 1 });
    const result = run({ program: row(sender, receiver), wafer, instants: true });
    // A ramp of one slot takes a wavelet of each colour every fourth cycle.
    expect([...result.instants!.entered]).toEqual([0, 4, 5, 9, 10, 300]);
    expect([...result.instants!.taken]).toEqual([5, 9, 10, 14, 15, 305]);
    expect([...result.instants!.takenColor]).toEqual([0, 0, 3, 3, 0, 3]);
    expect([result.compute[0], result.waitOutput[0]]).toEqual([6, 3 + 3]);
    expect([...result.end]).toEqual([301, 306]);
  });

  test('a core that begins late takes what came first, one a cycle', () => {
    const sender = role('sender', {
      routes: [route(0, R, E), route(1, R, E), route(2, R, E)],
      operations: [
        traffic({ sends: [0, 1, 2], times: [0, 1, 2, 3, 4, 38], turns: [2, 0, 1, 0, 2, 1] }),
      ],
    });
    const receiver = role('receiver', {
      routes: [route(0, W, R), route(1, W, R), route(2, W, R)],
      operations: [work(40), traffic({ receives: [0, 1, 2], expect: 6 })],
    });
    const { instants } = run({
      program: row(sender, receiver),
      wafer: testWafer(),
      instants: true,
    });
    // The last one is on its way when the others are taken.
    expect([...instants!.taken]).toEqual([40, 41, 42, 43, 44, 45]);
    expect([...instants!.takenColor]).toEqual([2, 0, 1, 0, 2, 1]);
  });

  test('what is not taken any more waits for the next operation', () => {
    const sender = role('sender', {
      routes: [route(0, R, E), route(1, R, E)],
      operations: [traffic({ sends: [0, 1], times: [0, 1, 2, 3], turns: [0, 1, 1, 0] })],
    });
    const receiver = role('receiver', {
      routes: [route(0, W, R), route(1, W, R)],
      operations: [
        traffic({ receives: [0, 1], expect: 2 }),
        work(20),
        move(cell(0), fabric(1), 1),
        traffic({ receive: 0, expect: 1 }),
      ],
      buffers: [loaded(4)],
    });
    const { end, instants } = run({
      program: row(sender, receiver),
      wafer: testWafer(),
      instants: true,
    });
    expect([...instants!.taken]).toEqual([5, 6, 28]);
    expect([...instants!.takenColor]).toEqual([0, 1, 0]);
    expect(end[1]).toBe(29);
  });

  test('a stream that no core takes yet shares a link with the one that is: deep queues are slower', () => {
    const words = 40;
    const buffers = [loaded(words)];
    const both = [route(0, W, R), route(1, W, R)];
    const program = row(
      role('wanted first', {
        routes: [route(0, R, E)],
        operations: [move(fabric(0), cell(0), words)],
        buffers,
      }),
      role('wanted last', {
        routes: [route(0, W, E), route(1, R, E)],
        operations: [move(fabric(1), cell(0), words)],
        buffers,
      }),
      role('receiver', {
        routes: both,
        operations: [move(cell(0), fabric(0), words), move(cell(0), fabric(1), words)],
        buffers,
      }),
    );
    const cyclesAt = (queueDepth: number) =>
      run({ program, wafer: testWafer({ queueDepth }) }).cycles;
    // Each wavelet that the queues before the receiver's core hold too early costs the other stream a turn
    // on the link, and the receiver a cycle: one router's queue and the core's own, at most all of them.
    const wanted = (queueDepth: number) => 2 * words + 6 + Math.min(words, 2 * queueDepth);
    expect([4, 8, 16, 64].map(cyclesAt)).toEqual([94, 102, 118, 126]);
    expect([4, 8, 16, 64].map(wanted)).toEqual([94, 102, 118, 126]);
  });

  test('sends and takes continue at the same time', () => {
    const times = [...Array(20).keys()];
    const side = (out: number, into: number, towards: number) =>
      role(`${out}`, {
        routes: [route(out, R, towards), route(into, towards, R)],
        operations: [traffic({ color: out, times, receive: into, expect: 20 })],
      });
    const result = run({ program: row(side(0, 1, E), side(1, 0, W)), wafer: testWafer() });
    expect([...result.end]).toEqual([25, 25]);
    expect([...result.compute]).toEqual([20, 20]);
  });

  test.each([
    ['f32', 5, 3],
    ['f16', 5, 4],
    ['f16', 6, 1],
  ] as const)('an exchange in %s passes vectors of %i and %i to and fro', (type, there, back) => {
    const side = (out: number, sent: number, into: number, taken: number, towards: number) =>
      role(`${out}`, {
        routes: [route(out, R, towards), route(into, towards, R)],
        operations: [
          exchanged(
            type,
            [{ color: out, at: 0, length: sent }],
            [{ color: into, at: 10, length: taken }],
          ),
        ],
        buffers: [loaded(20)],
      });
    const program = row(side(0, there, 1, back, E), side(1, back, 0, there, W));
    const memory = [1, 2].map((core) => Float32Array.from({ length: 20 }, (_, i) => core * 50 + i));
    const wafer = testWafer({}, { transfer: { setup: 7, end: 2 } });
    const result = run({ program, wafer, memory });
    const cell = (core: number, i: number) => core * 50 + i;
    const wanted = (core: number, other: number, taken: number) =>
      Array.from({ length: 10 }, (_, i) => (i < taken ? cell(other, i) : cell(core, 10 + i)));
    expect([...memory[0].slice(10)]).toEqual(wanted(1, 2, back));
    expect([...memory[1].slice(10)]).toEqual(wanted(2, 1, there));
    // A set-up and two ends, then the wavelets that a core takes, the last of them after a flight of 5.
    const wavelets = (length: number) => Math.ceil(length / (type === 'f16' ? 2 : 1));
    const ends = [
      [there, back],
      [back, there],
    ].map(([sent, taken]) => 11 + Math.max(wavelets(sent), wavelets(taken) + 5));
    expect([...result.end]).toEqual(ends);
    expect([...result.setup]).toEqual([11, 11]);
  });

  test('an exchange leaves what comes of a colour after its vector to the next one', () => {
    const early = role('early', {
      routes: [route(0, R, E)],
      operations: [exchanged('f32', [{ color: 0, at: 0, length: 6 }], [])],
      buffers: [loaded(6)],
    });
    const late = role('late', {
      routes: [route(1, R, W)],
      operations: [
        move(cell(4, 0), constant(0), 40),
        exchanged('f32', [{ color: 1, at: 0, length: 1 }], []),
        move(cell(4, 0), constant(0), 30),
        exchanged('f32', [{ color: 1, at: 1, length: 3 }], []),
      ],
      buffers: [loaded(5)],
    });
    const taking = (at: number, first: number, second: number) =>
      exchanged(
        'f32',
        [],
        [
          { color: 0, at, length: first },
          { color: 1, at: at + 10, length: second },
        ],
      );
    const taker = role('takes', {
      routes: [route(0, W, R), route(1, E, R)],
      operations: [taking(0, 2, 1), taking(2, 0, 1), taking(4, 4, 2)],
      buffers: [loaded(20)],
    });
    const memory = [6, 20, 5].map((length, core) =>
      Float32Array.from({ length }, (_, i) => (core === 1 ? -1 : core * 10 + i)),
    );
    const result = run({ program: row(early, taker, late), wafer: testWafer(), memory });
    expect([...memory[1].subarray(0, 8)]).toEqual([0, 1, -1, -1, 2, 3, 4, 5]);
    expect([...memory[1].subarray(10, 16)]).toEqual([20, -1, 21, -1, 22, 23]);
    // The late core's words are there in cycle 45 and from 76 on: one for each of two exchanges. The third begins
    // in cycle 77 and takes four words that have waited for long, then two.
    expect(result.end[1]).toBe(83);
    expect(run({ program: row(early, taker, late), wafer: testWafer() }).end).toEqual(result.end);
  });

  test('an exchange of two vectors keeps their numbers apart, whatever comes first', () => {
    const first = { color: 0, at: 0, length: 3 };
    const second = { color: 1, at: 3, length: 5 };
    const sender = role('sends', {
      routes: [route(0, R, E), route(1, R, E)],
      operations: [exchanged('f32', [second, first], [], 2)],
      buffers: [loaded(8)],
    });
    const taker = role('takes', {
      routes: [route(0, W, R), route(1, W, R)],
      operations: [
        work(30),
        exchanged(
          'f32',
          [],
          [
            { ...first, at: 20 },
            { ...second, at: 10 },
          ],
        ),
      ],
      buffers: [loaded(23)],
    });
    const memory = [Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), new Float32Array(23)];
    run({ program: row(sender, taker), wafer: testWafer(), memory });
    expect([...memory[1].subarray(20)]).toEqual([1, 2, 3]);
    expect([...memory[1].subarray(10, 15)]).toEqual([4, 5, 6, 7, 8]);
  });
});

function idle(cycles: number) {
  return role('idle', { operations: [work(cycles)] });
}

/** Wavelets through a core that adds to each, in a pipeline of `latency` stages, to a last core. */
function blocked(times: number[], latency: number) {
  const length = times.length;
  const sender = role('sender', {
    routes: [route(0, R, E)],
    operations: [traffic({ color: 0, times })],
  });
  const adder = role('adder', {
    routes: [route(0, W, R), route(1, R, E)],
    operations: [add(fabric(1), fabric(0), constant(1), length)],
  });
  const last = role('last', {
    routes: [route(1, W, R)],
    operations: [move(cell(0), fabric(1), length)],
    buffers: [loaded(length)],
  });
  return { program: row(sender, adder, last), wafer: testWafer({}, { latency: each(latency) }) };
}

function trafficEast(times: number[], expected: number) {
  const sender = role('sender', {
    routes: [route(0, R, E)],
    operations: [traffic({ color: 0, times })],
  });
  const receiver = role('receiver', {
    routes: [route(0, W, R)],
    operations: [traffic({ receive: 0, expect: expected })],
  });
  return row(sender, receiver);
}
