/** Operations by a task that every wavelet activates: cycles and causes by hand, numbers, what is refused. */
import { describe, expect, test } from 'vitest';
import { MachineError } from '../src/engine/engine.js';
import type { FloatType } from '../src/numeric/types.js';
import type { Program, VectorOp } from '../src/program/program.js';
import { listRole } from '../src/program/listing.js';
import { timeOf } from '../src/program/timing.js';
import { engines } from './helpers/engines.js';
import { E, NO_OVERHEAD, R, W, add, cell, constant, fabric, loaded } from './helpers/programs.js';
import { move, role, route, row, testWafer, work } from './helpers/programs.js';

const byTask = (op: VectorOp): VectorOp => ({ ...op, by: 'task' });
const sender = (length: number, type: FloatType = 'f32') =>
  role('sender', {
    routes: [route(0, R, E)],
    operations: [move(fabric(0), cell(0), length, type)],
    buffers: [loaded(16)],
  });
const wafer = (depth = 4) =>
  testWafer({ queueDepth: depth }, { task: 31, setup: { f16: 100, f32: 100 } });
/** The sender's set-up. */
const SETUP = 100;

function taken(length: number, type: FloatType = 'f32'): Program {
  const receiver = role('receiver', {
    routes: [route(0, W, R)],
    operations: [byTask(add(cell(0), fabric(0), cell(0), length, type))],
    buffers: [loaded(16)],
  });
  return row(sender(length, type), receiver);
}

/** Through one relay to a core that begins to take after some work. */
function relayed(length: number, busy: number, advance = false): Program {
  const relay = role('relay', {
    routes: [route(0, W, R), route(1, R, E)],
    operations: [{ ...byTask(add(fabric(1), fabric(0), cell(0), length)), advance }],
    buffers: [loaded(16)],
  });
  const last = role('last', {
    routes: [route(1, W, R)],
    operations: [...(busy > 0 ? [work(busy)] : []), byTask(move(cell(0), fabric(1), length))],
    buffers: [{ ...loaded(16), preloaded: false }],
  });
  return row(sender(length), relay, last);
}

const memoryOf = (program: Program) =>
  [...program.roleOf].map((_, core) => Float32Array.from({ length: 16 }, (_, i) => core * 100 + i));

describe.each(engines)('a task in the %s engine', (_, run) => {
  test('takes its time for each wavelet, without set-up', () => {
    for (const program of [taken(3), taken(5, 'f16')]) {
      // Into the ramp in the second cycle, two ramps and a hop: usable 6 cycles after the set-up.
      const { end, compute, setup, waitInput } = run({ program, wafer: wafer() });
      expect(end[1]).toBe(SETUP + 6 + 3 * 31);
      expect([compute[1], setup[1], waitInput[1]]).toEqual([3 * 31, 0, SETUP + 6]);
    }
  });

  test('that sends lets a result go when its time is over, and takes the next one then', () => {
    const program = relayed(3, 0);
    const { end, compute, waitInput, waitOutput, cycles } = run({ program, wafer: wafer() });
    expect(end[1]).toBe(SETUP + 6 + 3 * 31 + 1);
    expect([compute[1], waitInput[1], waitOutput[1]]).toEqual([3 * 31 + 1, SETUP + 6, 0]);
    // The last result is usable 5 cycles after it entered the ramp.
    expect(cycles).toBe(SETUP + 6 + 3 * 31 + 5 + 31);
  });

  test('waits for a slot with its result, and takes nothing then', () => {
    const program = relayed(4, SETUP + 300);
    const { end, compute, waitInput, waitOutput, cycles } = run({ program, wafer: wafer(1) });
    // At depth 1 the third result waits in the ramp's queue from cycle 99 on (counted without the
    // sender's set-up); the fourth could leave in 130. The last core takes the first in 300 + 100 of its
    // own set-up: its slot is back in two ramps and a hop.
    const last = SETUP + 300 + SETUP;
    expect(end[1]).toBe(last + 5 + 1);
    expect(waitOutput[1]).toBe(last + 5 - (SETUP + 130));
    expect(compute[1]).toBe(4 * 31 + 1);
    expect(waitInput[1]).toBe(SETUP + 6);
    expect(cycles).toBe(last + 4 * 31);
  });

  /** A relay whose last word comes late, to a core that begins to take after some work. */
  function late(words: number, pause: number, busy: number): Program {
    const [source, ...others] = relayed(words, busy).roles;
    const parts = [
      move(fabric(0), cell(0), words - 1),
      work(pause),
      move(fabric(0), cell(words - 1), 1),
    ];
    return row({ ...source, operations: parts }, ...others);
  }

  test('sends each result once, and waits for input until the next wavelet', () => {
    const [early, later] = [200, 300].map((pause) => {
      const program = late(2, pause, 0);
      const memory = memoryOf(program);
      const result = run({ program, wafer: wafer(), memory });
      // The work has cleared the word that comes late.
      expect([...memory[2].subarray(0, 2)]).toEqual([100 + 0, 101 + 0]);
      return result;
    });
    expect(later.sent).toBe(4);
    // In the cycle in which the first result leaves it waits for input; the last one's is its own.
    expect(later.compute[1]).toBe(2 * 31 + 1);
    expect(later.end[1] - early.end[1]).toBe(100);
    expect(later.waitInput[1] - early.waitInput[1]).toBe(100);
    expect(later.waitOutput[1]).toBe(0);
  });

  test('waits for input as long as no wavelet is there, also if its result has no slot', () => {
    const [early, later] = [200, 300].map((pause) =>
      run({ program: late(5, pause, 2000), wafer: wafer(1) }),
    );
    expect(later.end[1]).toBe(early.end[1]);
    expect(later.waitInput[1] - early.waitInput[1]).toBe(100);
    expect(later.waitOutput[1] - early.waitOutput[1]).toBe(-100);
  });

  test('marks its last result alone', () => {
    const [source, relay] = relayed(2, 0, true).roles;
    const passing = role('switch', {
      routes: [{ ...route(1, W, R), positions: [{ inputs: W, outputs: E }] }],
      operations: [move(cell(0), fabric(1), 2)],
      buffers: [{ ...loaded(16), preloaded: false }],
    });
    const program = row(source, relay, passing, role('end', { routes: [route(1, W, R)] }));
    const memory = memoryOf(program);
    run({ program, wafer: wafer(), memory });
    expect([...memory[2].subarray(0, 2)]).toEqual([100, 102]);
  });

  test('of one cycle is a vector operation of one stage', () => {
    const quick = testWafer({}, { task: 1 });
    const program = relayed(9, 12);
    const plain = structuredClone(program);
    for (const { operations } of plain.roles)
      for (const op of operations) if (op.kind === 'vector') delete op.by;
    expect(run({ program, wafer: quick })).toEqual(run({ program: plain, wafer: quick }));
  });

  test('computes what the vector operation computes', () => {
    const program = relayed(3, 0);
    const memory = memoryOf(program);
    run({ program, wafer: wafer(), memory });
    expect([...memory[2].subarray(0, 3)]).toEqual([100, 102, 104]);
  });

  test('may take longer than 32 bits can count', () => {
    const slow = testWafer({}, { task: 2 ** 40 });
    const { cycles, compute } = run({ program: relayed(3, 0), wafer: slow });
    expect(cycles).toBe(6 + 3 * 2 ** 40 + 5 + 2 ** 40);
    expect(compute[1]).toBe(3 * 2 ** 40 + 1);
  });

  test('that no wavelet activates is refused', () => {
    const bad = role('bad', { operations: [byTask(move(cell(0), constant(1), 3))] });
    const refused = () => run({ program: row(bad), wafer: wafer() });
    expect(refused).toThrow(MachineError);
    expect(refused).toThrow('bad-operation in cycle 0: core (0,0) has a task that no wavelet');
  });
});

test('a task is timed by one cost, and listed', () => {
  const costs = { ...NO_OVERHEAD, task: 37, setup: { f16: 5, f32: 5 } };
  const op = byTask(add(fabric(1), fabric(0), cell(0), 5, 'f16'));
  const stream = { setup: 0, cycles: 0, wavelets: 3, source: 0, destination: 1 };
  expect(timeOf(op, costs)).toEqual({ ...stream, latency: 37, interval: 37 });
  const text = listRole(role('r', { operations: [op] }), ['work']);
  expect(text).toContain('add.f16 x5 colour 1 <- colour 0, [0] by a task  (work)');
  const rest = [
    add({ ...cell(3), wrap: 7 }, fabric(0), { ...cell(4, 2), wrap: 5, from: 1 }, 9),
    { kind: 'call' as const, label: 0 },
  ];
  const more = listRole(role('r', { operations: rest }), ['work']);
  expect(more).toContain('[3 round 7] <- colour 0, [4 step 2 round 5 from 1]  (work)');
  expect(more).toContain('1: call of a library  (work)');
});
