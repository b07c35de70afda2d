import { describe, expect, test } from 'vitest';
import { MachineError, type Engine, type RunInput } from '../src/engine/engine.js';
import type { Role } from '../src/program/program.js';
import { crossing } from './helpers/crossing.js';
import { engines } from './helpers/engines.js';
import {
  E,
  N,
  R,
  S,
  W,
  add,
  cell,
  changeRoute,
  constant,
  fabric,
  loaded,
  move,
  program,
  role,
  route,
  row,
  sendEast,
  testWafer,
  traffic,
  work,
} from './helpers/programs.js';

function failure(run: Engine, input: Partial<RunInput> & Pick<RunInput, 'program'>): MachineError {
  try {
    run({ wafer: testWafer(), ...input });
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
  throw new Error('the machine did not fail');
}

const facts = ({ code, cycle, cores, colors }: MachineError) => ({ code, cycle, cores, colors });

describe.each(engines)('the %s engine refuses', (_, run) => {
  test('a route with two inputs, at every core that has it', () => {
    const merge = role('merge', { routes: [route(3, W | N, R)] });
    const error = failure(run, { program: row(role('a'), merge, merge) });
    expect(facts(error)).toEqual({ code: 'two-inputs', cycle: 0, cores: [1, 2], colors: [3] });
    expect(error.message).toContain('core (1,0) receives from north and west (colour 3)');
  });

  test('a change to a route with two inputs, when it acts', () => {
    const wafer = testWafer({}, { routeChange: 5 });
    const merge = role('merge', { operations: [work(10), changeRoute(3, W | N, R)] });
    const error = failure(run, { program: row(merge, merge), wafer });
    expect(facts(error)).toEqual({ code: 'two-inputs', cycle: 15, cores: [0, 1], colors: [3] });
  });

  test.each([
    ['north', N],
    ['east', E],
    ['south', S],
    ['west', W],
  ])('a route out of the rectangle to the %s', (name, mask) => {
    const error = failure(run, { program: row(role('out', { routes: [route(1, R, mask)] })) });
    expect(facts(error)).toEqual({ code: 'bad-route', cycle: 0, cores: [0], colors: [1] });
    expect(error.message).toContain(name);
  });

  test('a change to a route out of the rectangle, when it acts', () => {
    const out = role('out', { operations: [work(10), changeRoute(1, R, E)] });
    const error = failure(run, { program: row(out, out) });
    expect(facts(error)).toEqual({ code: 'bad-route', cycle: 10, cores: [1], colors: [1] });
  });

  test('colours that the fabric does not have', () => {
    const wafer = testWafer({ colors: 8 });
    const failing = (parts: Partial<Role>) =>
      facts(failure(run, { program: row(role('odd', parts)), wafer }));
    const odd = { code: 'bad-route', cycle: 0, cores: [0], colors: [8] };
    expect(failing({ routes: [route(8, R, R)] })).toEqual(odd);
    expect(failing({ operations: [move(fabric(8), constant(0), 1)] })).toEqual(odd);
    expect(failing({ operations: [add(cell(0), constant(1), fabric(8), 1)] })).toEqual(odd);
    expect(failing({ operations: [traffic({ receive: 8, expect: 1 })] })).toEqual(odd);
    expect(failing({ operations: [changeRoute(8, 0, 0)] })).toEqual(odd);
  });

  test('colours that run out: one sentence for all cores, with what would do', () => {
    const core = role('core', {
      routes: [route(3, R, E), route(9, R, R), route(11, R, R)],
      operations: [move(fabric(9), constant(0), 1), traffic({ sends: [11, 2], receives: [8] })],
    });
    const wafer = testWafer({ colors: 8 });
    const cores = [role('idle'), ...Array.from({ length: 98 }, () => core), role('last')];
    const error = failure(run, { program: row(...cores), wafer });
    expect(facts(error)).toEqual({
      code: 'bad-route',
      cycle: 0,
      cores: Array.from({ length: 98 }, (_, i) => i + 1),
      colors: [8, 9, 11],
    });
    expect(error.message).toBe(
      'bad-route in cycle 0: the program uses colour 11 and the fabric has 8, 0 to 7 ' +
        '(first at core (1,0)); hardware.fabric.colors=12 would do, or a smaller program',
    );
  });

  test('a program that does not fit in SRAM, with the bytes asked for and there', () => {
    const wafer = { ...testWafer(), core: { ...testWafer().core, sramBytes: 1000 } };
    const large = (bytes: number) =>
      row(...['small', 'large', 'large'].map((name) => sized(name, name === 'small' ? 0 : bytes)));
    const error = failure(run, { program: large(1001), wafer });
    expect(facts(error)).toEqual({ code: 'does-not-fit', cycle: 0, cores: [1], colors: [] });
    expect(error.message).toContain('1001 bytes of SRAM and has 1000');
    expect(run({ program: large(1000), wafer }).cycles).toBe(0);
  });

  test('a read of memory never written, when the operation that reads begins', () => {
    const wafer = testWafer({}, { setup: { f16: 3, f32: 3 }, programStart: 4 });
    const reader = role('reader', {
      operations: [work(10), move(cell(20), cell(5), 10)],
      buffers: [{ ...loaded(10, 0, 'sums'), preloaded: false }, loaded(4, 10)],
    });
    const startAt = Int32Array.of(6, 0, 0);
    const error = failure(run, { program: row(reader, reader, reader), wafer, startAt });
    // Start-up, set-up, and ten cycles of work that writes cells 0 to 9, but not cell 14.
    expect(facts(error)).toEqual({ code: 'unwritten', cycle: 17, cores: [1, 2], colors: [] });
    expect(error.message).toContain('core (1,0) reads cell 14 outside its buffers');
  });

  test('wavelets that no core took, in a queue of a core', () => {
    const sent = sendEast(5, 1);
    sent.roles[2].operations = [move(cell(0), fabric(0), 3)];
    const error = failure(run, { program: sent });
    expect(facts(error)).toEqual({ code: 'left-over', cycle: 10, cores: [2], colors: [0] });
    expect(error.message).toContain('wavelets of colour 0 wait at core (2,0)');
  });

  test('wavelets that no core took, in routers and at a core that never receives them', () => {
    const sender = role('sender', {
      routes: [route(2, R, E), route(1, R, 0)],
      operations: [
        traffic({ color: 2, times: [0, 1, 2, 3, 4] }),
        traffic({ color: 1, times: [0] }),
      ],
    });
    const end = role('end', { routes: [route(2, W, R)] });
    const error = failure(run, { program: row(sender, end) });
    expect(facts(error)).toEqual({ code: 'left-over', cycle: 6, cores: [0, 1], colors: [1, 2] });
  });

  test('a deadlock of cores that wait for each other', () => {
    const waits = (color: number) => role('waits', { operations: [work(7), take(color)] });
    const error = failure(run, { program: row(role('done'), waits(2), waits(5)) });
    expect(facts(error)).toEqual({ code: 'deadlock', cycle: 7, cores: [1, 2], colors: [2, 5] });
    expect(error.message).toContain("core (1,0) waits for input on colour 2 in 'work'");
  });

  test('a deadlock from the cycle on in which the last wavelet moved', () => {
    const sent = sendEast(5, 0);
    sent.roles[1].operations = [move(cell(0), fabric(0), 6)];
    // The last of five words is taken in cycle 10.
    expect(facts(failure(run, { program: sent }))).toEqual({
      code: 'deadlock',
      cycle: 11,
      cores: [1],
      colors: [0],
    });
  });

  test('a deadlock from the cycle on in which the last router let a wavelet go', () => {
    const sent = sendEast(1, 2);
    sent.roles[2].operations = [take(5)];
    // In the ramp in cycle 1, at its router in 3, three links further in 6.
    expect(facts(failure(run, { program: sent }))).toEqual({
      code: 'deadlock',
      cycle: 7,
      cores: [3],
      colors: [5],
    });
  });

  test('a deadlock of a core that finds no room to send', () => {
    const sender = role('sender', {
      routes: [route(0, R, 0)],
      operations: [move(fabric(0), constant(1), 9)],
    });
    const error = failure(run, { program: row(sender) });
    // Four words enter the ramp, the last of them in cycle 4, as a fifth enters the pipeline.
    expect(facts(error)).toEqual({ code: 'deadlock', cycle: 5, cores: [0], colors: [0] });
    expect(error.message).toContain('waits for room to send on colour 0');
  });

  test('a deadlock of traffic on both sides of a core', () => {
    const times = [0, 1, 2, 3, 4, 5];
    const both = role('both', {
      routes: [route(0, R, 0)],
      operations: [traffic({ color: 0, times, receive: 1, expect: 1 })],
    });
    const error = failure(run, { program: row(both) });
    expect(facts(error)).toEqual({ code: 'deadlock', cycle: 4, cores: [0], colors: [0, 1] });
  });

  test('a deadlock of traffic that takes several colours, of which none comes', () => {
    const takes = role('takes', { operations: [traffic({ receives: [2, 5, 3], expect: 1 })] });
    const error = failure(run, { program: row(role('a'), takes) });
    expect(facts(error)).toEqual({ code: 'deadlock', cycle: 0, cores: [1], colors: [2, 3, 5] });
  });

  test('a deadlock in which nothing ever moved', () => {
    const error = failure(run, { program: row(role('waits', { operations: [take(0)] })) });
    expect(facts(error)).toEqual({ code: 'deadlock', cycle: 0, cores: [0], colors: [0] });
  });

  test('many waiting cores with some of them as examples', () => {
    const waits = role('waits', { operations: [take(0)] });
    const error = failure(run, {
      program: program(
        3,
        Array.from({ length: 9 }, () => waits),
      ),
    });
    expect(error.cores).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(error.message).toContain('core (0,1)');
    expect(error.message).not.toContain('core (1,1)');
    expect(error.message).toContain('and 5 more');
  });

  test('the earliest failure, and of several in one cycle the gravest', () => {
    const merge = role('merge', { operations: [work(10), changeRoute(3, W | N, R)] });
    const out = (cycles: number) =>
      role('out', { operations: [work(cycles), changeRoute(1, R, S)] });
    const reads = (cycles: number) =>
      role('reads', { operations: [work(cycles), move(fabric(0), cell(99), 1)] });
    const code = (...roles: Role[]) => failure(run, { program: row(...roles) }).code;
    expect(code(out(10), merge)).toBe('two-inputs');
    expect(code(out(9), merge)).toBe('bad-route');
    expect(code(reads(10), out(10), merge)).toBe('two-inputs');
    expect(code(reads(10), out(10))).toBe('bad-route');
    expect(code(reads(9), out(10))).toBe('unwritten');
    const raced = crossing({
      flows: [{ color: 0, from: 'west', to: 'east', at: [15] }],
      east: [0],
      middleFirst: [work(15), changeRoute(0, W, S)],
    });
    expect(failure(run, { program: raced }).code).toBe('route-change');
    raced.roles[raced.roleOf[8]].operations = reads(15).operations;
    expect(failure(run, { program: raced }).code).toBe('unwritten');
  });
});

function sized(name: string, bytes: number) {
  const buffers = bytes === 0 ? [] : [loaded(200)];
  return role(name, { buffers, codeBytes: Math.max(0, bytes - 800) });
}

function take(color: number) {
  return traffic({ receive: color, expect: 1 });
}
