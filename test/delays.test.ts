/** Delay lines of the machine (assembly/delays.ts): all that lines know of a run is as without them. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Counts, LineWants } from '../src/engine/fast/load.js';
import { createMachine } from '../src/engine/fast/machine.js';
import { EAST } from '../src/hardware/mesh.js';
import { startMachine } from '../src/engine/fast/run.js';
import { layTables, startsOf } from '../src/engine/fast/tables.js';
import { corridorPrograms, type CorridorProgram } from './helpers/corridors.js';
import { count } from './helpers/full.js';
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

/** Runs a program as a line is run; without delay lines where each router's events may be noted. */
function run({ program, wafer, startAt, noted }: CorridorProgram, delays: boolean) {
  const input = { program, wafer, startAt };
  const tables = layTables(program, wafer);
  const { image, placeOf } = tables;
  const at = (place: number) => tables.coreAt[place];
  const line: LineWants = {
    pointers: new Int32Array(placeOf.length),
    nudges: new Int32Array(0),
    noted: noted.map(at).filter((core) => core >= 0),
    moveWords: 200,
  };
  const team = { machine, threads: 1, leastCores: 1, run: 0, bits: 32, line } as const;
  const events = { most: 0, colors: new Int32Array(placeOf.length) };
  const running = startMachine(image, startsOf(input, tables), {
    ...team,
    ...(!delays && { events }),
  });
  for (;;) {
    const ending = running.advance();
    if (ending === undefined) continue;
    const counts = ending.state === 'whole' ? ending.counts : undefined;
    const delayed = delays ? machine.code('lines').delayed() : 0;
    return { state: ending.state, of: counts && known(counts), delayed };
  }
}

/** What lines know, but for what hangs on the order in which a router's colours were looked at. */
function known(counts: Counts) {
  const { end, waitOutput, linkWavelets, labelEnd, labelCore, labelWait, labelWaitOutput } = counts;
  const { sent, delivered, hazards, moves } = counts;
  return {
    ...{ end, waitOutput, linkWavelets, labelEnd, labelCore, labelWait, labelWaitOutput },
    ...{ sent, delivered, hazards, ...moves! },
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
