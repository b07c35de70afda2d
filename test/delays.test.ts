/**
 * The machine of lines: all that they know of a run is as without delay lines (assembly/delays.ts), and as if each were
 * the first one.
 */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Laid, LineWants } from '../src/engine/fast/load.js';
import { createMachine } from '../src/engine/fast/machine.js';
import { EAST } from '../src/hardware/mesh.js';
import { layTables, startsOf, type Tables } from '../src/engine/fast/tables.js';
import { corridorPrograms, type CorridorProgram } from './helpers/corridors.js';
import { count } from './helpers/full.js';
import { runLine } from './helpers/line-machine.js';
import {
  R,
  W,
  cell,
  fabric,
  move,
  role,
  route,
  sendEast,
  testWafer,
  work,
} from './helpers/programs.js';

const machine = createMachine();

/** Runs a program as a line is run, with delay lines or without. */
function run({ program, wafer, startAt, noted }: CorridorProgram, delays: boolean) {
  const tables = layTables(program, wafer);
  const line: LineWants = { ...wantsOf(tables, noted), moveWords: 200 };
  return runLine(
    machine,
    tables.image,
    startsOf({ program, wafer, startAt }, tables),
    line,
    delays,
  );
}

/** Routers whose cycles are noted, by their places in the program, of those that do something. */
function wantsOf({ placeOf, coreAt }: Tables, noted: Int32Array): Omit<LineWants, 'moveWords'> {
  return {
    pointers: new Int32Array(placeOf.length),
    nudges: new Int32Array(0),
    noted: noted.map((place) => coreAt[place]).filter((core) => core >= 0),
  };
}

describe('delay lines', () => {
  test('change nothing that lines know of generated programs', () => {
    let [some, whole] = [0, 0];
    const numRuns = count(200, 4000);
    const holds = fc.property(corridorPrograms(), (given) => {
      const [own, other] = [run(given, true), run(given, false)];
      expect(own.state).toBe(other.state);
      expect(own.of).toEqual(other.of);
      some += Number(own.delayed > 0);
      whole += Number(own.delayed > 0 && own.state === 'whole');
    });
    fc.assert(holds, { numRuns, seed: 20261130 });
    expect(some).toBeGreaterThan(numRuns / 4);
    expect(whole).toBeGreaterThan(numRuns / 8);
  });

  const NONE = new Int32Array(0);

  it.each([
    ['but for the first router of a row', {}, NONE, 29],
    ['in two parts where a router is noted', {}, Int32Array.of(12), 28],
    ['where a link streams at full rate', { hopCycles: 2 }, NONE, 29],
    ['nowhere if it does not', { hopCycles: 3 }, NONE, 0],
    ['nowhere if it does not', { queueDepth: 1 }, NONE, 0],
  ])('there are %s', (_, parts, noted, delayed) => {
    const program = sendEast(50, 30);
    const given = { program, wafer: testWafer(parts), startAt: new Float64Array(32), noted };
    const [own, other] = [run(given, true), run(given, false)];
    expect(own.delayed).toBe(delayed);
    expect(own.of).toEqual(other.of);
    expect(own.of!.linkWavelets[20 * 4 + EAST]).toBe(50);
  });

  it('gives back its places as late as routers in a row do, however long it is', () => {
    const turns = Array.from({ length: 12 }, () => [work(90), move(cell(0), fabric(0), 25)]);
    const receiver = role('receiver', { routes: [route(0, W, R)], operations: turns.flat() });
    for (let between = 3; between < 80; between++) {
      const { roles, ...of } = sendEast(300, between);
      const program = { ...of, roles: [...roles.slice(0, -1), receiver] };
      const startAt = new Float64Array(between + 2);
      const given = { program, wafer: testWafer(), startAt, noted: NONE };
      const [own, other] = [run(given, true), run(given, false)];
      expect(own.delayed).toBe(between - 1);
      expect(own.of).toEqual(other.of);
    }
  });
});

describe('a line that follows another one of its shape', () => {
  const seldom = <T>(some: fc.Arbitrary<T>, mostly: T) =>
    fc.oneof({ weight: 5, arbitrary: fc.constant(mostly) }, { weight: 1, arbitrary: some });

  it('is run as if it were the first', () => {
    const numRuns = count(100, 1500);
    const turn = fc.record({
      starts: fc.array(fc.nat(300), { minLength: 1, maxLength: 9 }),
      noted: fc.constantFrom([], [], [7], [10]),
      moveWords: seldom(fc.constant(240), 200),
      pointers: fc.array(fc.nat(5), { minLength: 1, maxLength: 5 }),
      nudges: seldom(fc.constant(true), false),
    });
    const turns = fc.array(turn, { minLength: 3, maxLength: 9 });
    let again = 0;
    const holds = fc.property(corridorPrograms(), turns, ({ program, wafer }, all) => {
      const tables = layTables(program, wafer);
      const { image } = tables;
      const { cores } = image;
      let before: Laid | undefined;
      for (const { starts, noted, moveWords, pointers, nudges } of all) {
        const at = Float64Array.from({ length: cores }, (_, core) => starts[core % starts.length]);
        const earliest = Math.min(...at, Infinity);
        const places = Int32Array.from(new Set(noted.map((n) => n % program.roleOf.length))).sort();
        const line: LineWants = {
          ...wantsOf(tables, places),
          ...{
            moveWords,
            pointers: Int32Array.from(at, (_, core) => pointers[core % pointers.length]),
          },
          nudges: nudges && cores > 0 ? Int32Array.of(cores >> 1, 90, 1) : new Int32Array(0),
        };
        const begins = earliest === Infinity ? at : at.map((start) => start - earliest);
        const own = runLine(machine, image, begins, line);
        const { laid } = machine;
        again += Number(laid !== undefined && laid === before);
        before = laid;
        expect(own).toEqual(runLine(createMachine(), image, begins, line));
      }
    });
    fc.assert(holds, { numRuns, seed: 20261201 });
    expect(again).toBeGreaterThan(numRuns / 3);
  });

  it('has delay lines of its own where cycles of other routers are noted', () => {
    const tables = layTables(sendEast(50, 30), testWafer());
    const starts = new Float64Array(tables.image.cores);
    const delayed = [7, 7, 7, 12, 30].map((noted) => {
      const line = { ...wantsOf(tables, Int32Array.of(noted)), moveWords: 200 };
      const own = runLine(machine, tables.image, starts, line);
      expect(own).toEqual(runLine(createMachine(), tables.image, starts, line));
      return own.delayed;
    });
    expect(delayed).toEqual([28, 28, 28, 28, 28]);
  });
});
