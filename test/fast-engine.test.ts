/** What only the fast engine does: the wafer on a clock, and the quick look at what a role reads. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_END, TooLargeError, type RunInput } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import * as machine from '../src/engine/fast/machine-code.js';
import { createMachine } from '../src/engine/fast/machine.js';
import { runMachine } from '../src/engine/fast/run.js';
import { isSound } from '../src/engine/fast/sound.js';
import { layTables, startsOf } from '../src/engine/fast/tables.js';
import { resultOf } from '../src/engine/fast/tally.js';
import { reference } from '../src/engine/reference/reference.js';
import { firstUnwrittenRead } from '../src/program/memory-use.js';
import { readsOnlyWritten } from '../src/program/reads-written.js';
import { RAMP } from '../src/hardware/mesh.js';
import type { Operation } from '../src/program/program.js';
import { programs } from './helpers/generate.js';
import {
  E,
  R,
  S,
  W,
  N,
  add,
  changeRoute,
  cell,
  chainReduce,
  fabric,
  loaded,
  move,
} from './helpers/programs.js';
import { program, role, route, row, sendEast, testWafer } from './helpers/programs.js';

/** The machine on its own, without the reference. */
function machineAlone(input: RunInput) {
  const tables = layTables(input.program, input.wafer);
  const team = { machine: createMachine(), threads: 1, leastCores: 1, run: 0, bits: 32 as const };
  const ending = runMachine(tables.image, startsOf(input, tables), team);
  return ending.state === 'whole' ? resultOf(input, tables, ending.counts) : undefined;
}

describe('the machine and its host', () => {
  const distinct = (fields: Record<string, number>) => new Set(Object.values(fields)).size;

  it('mean the same by a port, an end and a label without operations', () => {
    expect(machine.RAMP).toBe(RAMP);
    expect([machine.FROM_CORE, machine.ENDS]).toEqual([RAMP + 1, RAMP + 2]);
    expect(machine.NO_END).toBe(NO_END);
  });

  it('have a place of its own for every field of a record', () => {
    expect(distinct(machine.HEADER)).toBe(Object.keys(machine.HEADER).length);
    expect(distinct(machine.OP)).toBe(Object.keys(machine.OP).length);
    // Two fields of 64 bits, and three words that are one field.
    expect(machine.OP_WORDS).toBe(Object.keys(machine.OP).length + 2 + 2);
    // Times of the header come first, in doubles.
    expect(Math.min(...Object.values(machine.HEADER))).toBe(2 * Object.keys(machine.TIME).length);
    expect(distinct(machine.STATE)).toBe(6);
  });

  it('keep the tiles clear of the static data, and ends of times apart', () => {
    expect(machine.NEVER[32]).toBe(2 ** 31 - 1);
    expect(1024 + machine.MOST_TILES * 128).toBeLessThanOrEqual(8192);
    expect(machine.LONG).not.toBe(machine.RECOLOR);
  });
});

/** Two streams of `words` on colours 0 and 1 that share the link from core 1 to core 2. */
function meeting(words: number, pause: number) {
  const sender = role('west', {
    routes: [route(0, R, E)],
    operations: [move(fabric(0), cell(0), words)],
    buffers: [loaded(words)],
  });
  const joining = role('joining', {
    routes: [route(0, W, E), route(1, R, E)],
    operations: [
      ...(pause > 0 ? [move(cell(0), cell(0), pause)] : []),
      move(fabric(1), cell(0), words),
    ],
    buffers: [loaded(Math.max(words, pause))],
  });
  const turn = role('turn', {
    routes: [route(0, W, R), route(1, W, S)],
    operations: [move(cell(0), fabric(0), words)],
    buffers: [loaded(words)],
  });
  const below = role('below', {
    routes: [route(1, N, R)],
    operations: [move(cell(0), fabric(1), words)],
    buffers: [loaded(words)],
  });
  const idle = role('idle');
  return program(3, [sender, joining, turn, idle, idle, below]);
}

describe('the fast engine', () => {
  it.each([
    [16, 500, 4, 590],
    [16, 500, 2, 1088],
    [16, 500, 1, 2087],
    [512, 64, 4, 3130],
  ])('times a chain of %i cores and %i words at depth %i', (cores, words, queueDepth, cycles) => {
    const input = { program: chainReduce(cores, words), wafer: testWafer({ queueDepth }) };
    expect(machineAlone(input)?.cycles).toBe(cycles);
  });

  it.each([0, 1, 7, 40])('agrees on two streams that meet on a link, one %i later', (pause) => {
    const input = { program: meeting(30, pause), wafer: testWafer() };
    expect(machineAlone(input)).toEqual(reference(input));
  });

  it('finds that streams which meet end later than either alone', () => {
    const wafer = testWafer();
    const { cycles } = fast({ program: meeting(30, 0), wafer });
    expect(cycles).toBeGreaterThan(60);
    expect(cycles).toBeLessThan(70);
  });

  it('follows a stream that waits for its receiver, whatever the depth and the delays', () => {
    const depths = fc.record({
      queueDepth: fc.integer({ min: 1, max: 9 }),
      hopCycles: fc.integer({ min: 1, max: 3 }),
      rampCycles: fc.integer({ min: 1, max: 3 }),
    });
    const starts = fc.array(fc.integer({ min: -9, max: 60 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(depths, starts, fc.integer({ min: 1, max: 5 }), (delays, times, latency) => {
        const wafer = testWafer(delays, { latency: { f16: latency, f32: latency } });
        for (const made of [sendEast(40, 3), chainReduce(5, 40)]) {
          const input = { program: made, wafer, startAt: Int32Array.from(times) };
          expect(machineAlone(input)).toEqual(reference(input));
        }
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  it('tells ahead for as long as any link and ramps take', () => {
    for (let rampCycles = 1; rampCycles <= 16; rampCycles++)
      for (const hopCycles of [1, 2, 5, 16, 40]) {
        const wafer = testWafer({ rampCycles, hopCycles });
        for (const made of [sendEast(20, 3), chainReduce(4, 20), meeting(20, 3)]) {
          const input = { program: made, wafer };
          expect(machineAlone(input)).toEqual(reference(input));
        }
      }
  });

  it('says so when a program takes more memory than it can address', () => {
    const input = { program: chainReduce(16, 5), wafer: testWafer({ queueDepth: 2 ** 27 }) };
    expect(() => machineAlone(input)).toThrow(TooLargeError);
  });

  it('runs generated programs as the reference does, and leaves those that fail to it', () => {
    let ended = 0;
    fc.assert(
      fc.property(programs(), ({ program: made, wafer, startAt }) => {
        const input = { program: made, wafer, startAt };
        if (!isSound(made, wafer)) return;
        const result = machineAlone(input);
        if (result === undefined) expect(() => reference(input)).toThrow();
        else expect(result).toEqual(reference(input));
        if (result !== undefined) ended++;
      }),
      { numRuns: 400, seed: 7 },
    );
    expect(ended).toBeGreaterThan(200);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'lets wavelets pass that were under way when a route changed after %i cycles',
    (pause) => {
      const sender = role('sender', {
        routes: [route(0, R, E)],
        operations: [move(fabric(0), cell(0), 4)],
        buffers: [loaded(4)],
      });
      const turning = role('turning', {
        routes: [route(0, R, E)],
        operations: [move(cell(0), cell(0), pause), changeRoute(0, W, E)],
        buffers: [loaded(9)],
      });
      const receiver = role('receiver', {
        routes: [route(0, W, R)],
        operations: [move(cell(0), fabric(0), 4)],
        buffers: [loaded(4)],
      });
      const input = {
        program: row(sender, turning, receiver),
        wafer: testWafer({ hopCycles: 3, queueDepth: 4 }),
      };
      expect(machineAlone(input)).toEqual(reference(input));
    },
  );

  it('lays a program out anew on another wafer', () => {
    const made = chainReduce(9, 30);
    for (const latency of [1, 4, 1]) {
      const wafer = testWafer({}, { latency: { f16: latency, f32: latency } });
      expect(fast({ program: made, wafer })).toEqual(reference({ program: made, wafer }));
    }
  });

  it('leaves a program that cannot end to the reference, which names what waits', () => {
    const waits = role('waits', {
      routes: [route(0, W, R)],
      operations: [move(cell(0), fabric(0), 3)],
      buffers: [loaded(3)],
    });
    const input = { program: row(role('idle'), waits), wafer: testWafer() };
    expect(machineAlone(input)).toBeUndefined();
    expect(() => fast(input)).toThrow(/deadlock|waits/);
  });
});

describe('the quick look at what a role reads', () => {
  it('passes only roles that the close look passes', () => {
    const at = fc.integer({ min: 0, max: 11 });
    const op = fc.record({ to: at, from: at, other: at, length: fc.integer({ min: 0, max: 4 }) });
    let passed = 0;
    fc.assert(
      fc.property(fc.array(op, { maxLength: 5 }), (list) => {
        const made = role('any', {
          operations: list.map((o) => add(cell(o.to), cell(o.from), cell(o.other), o.length)),
          buffers: [loaded(8), { ...loaded(8, 8), preloaded: false }],
        });
        if (!readsOnlyWritten(made)) return;
        passed++;
        expect(firstUnwrittenRead(made)).toBeUndefined();
      }),
      { numRuns: 300, seed: 5 },
    );
    expect(passed).toBeGreaterThan(50);
  });

  it('passes a table that is loaded to its last cell, and none that is a cell longer', () => {
    // Twelve cells that are loaded, and as many after them that are not.
    const buffers = [loaded(12), { ...loaded(12, 12), preloaded: false }];
    const reads = (operation: Operation) =>
      readsOnlyWritten(role('any', { buffers, operations: [operation] }));
    const lookup = (
      rows: number,
      rowStride: number,
      length: number,
      stride: number,
    ): Operation => ({
      ...{ kind: 'lookup', label: 0, type: 'f32', id: 0, first: 0, to: 12, table: 1 },
      ...{ rows, rowStride, length, stride },
    });
    // Cells 1 to 11, the last row from cell 9 or 10 on.
    expect(reads(lookup(3, 4, 3, 1))).toBe(true);
    expect(reads(lookup(3, 4, 4, 1))).toBe(false);
    expect(reads(lookup(2, 1, 4, 3))).toBe(true);
    expect(reads(lookup(3, 1, 4, 3))).toBe(false);
    const matvec = (rows: number, length: number): Operation => ({
      ...{ kind: 'matvec', label: 0, type: 'f32', form: 'dot', x: 0, out: 8, matrix: 4 },
      ...{ rows, length, rowStride: length, widen: false },
    });
    expect(reads(matvec(2, 4))).toBe(true);
    expect(reads(matvec(3, 3))).toBe(false);
  });
});
