/**
 * Generated programs of long ways: colours that go straight on past many cores, some of them around a corner, with senders
 * and receivers that pause, links that several colours want and links of several lengths.
 */
import fc from 'fast-check';
import { EAST, SOUTH, WEST, portMask } from '../../src/hardware/mesh.js';
import type { WaferSpec } from '../../src/hardware/wafer.js';
import type { Operation, Program, Route } from '../../src/program/program.js';
import { linkHops } from './links.js';
import { R, cell, fabric, move, program, role, testWafer, work } from './programs.js';

export interface CorridorProgram {
  program: Program;
  wafer: WaferSpec;
  startAt: Float64Array;
  /** Places of routers whose cycles are noted. */
  noted: Int32Array;
}

const nat = (max: number) => fc.integer({ min: 0, max });

function seldom<T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: some });
}

const way = fc.record({
  row: nat(5),
  from: nat(40),
  to: nat(40),
  /** Rows that it goes down at its end; cores on it that take what passes, by remainders. */
  down: nat(3),
  taps: seldom(fc.integer({ min: 4, max: 30 })),
  words: nat(40),
  /** So many words at once, with cycles of other work between them. */
  sends: fc.integer({ min: 1, max: 12 }),
  sendPause: fc.oneof(fc.constant(0), nat(30)),
  takes: fc.integer({ min: 1, max: 12 }),
  takePause: fc.oneof(fc.constant(0), nat(12), nat(90)),
});

type Way = typeof way extends fc.Arbitrary<infer T> ? T : never;

const recipe = fc.record({
  width: fc.integer({ min: 6, max: 41 }),
  height: fc.integer({ min: 1, max: 6 }),
  ways: fc.array(way, { minLength: 1, maxLength: 5 }),
  starts: fc.array(nat(50), { minLength: 1, maxLength: 7 }),
  noted: fc.array(nat(200), { maxLength: 3 }),
  fabric: fc.record({
    hopCycles: fc.constantFrom(1, 1, 2, 3),
    rampCycles: fc.integer({ min: 1, max: 3 }),
    queueDepth: fc.constantFrom(1, 2, 3, 4, 5, 6, 7),
  }),
  hops: seldom(fc.array(fc.constantFrom(1, 1, 1, 1, 1, 2, 3), { minLength: 1, maxLength: 30 })),
});

export function corridorPrograms(): fc.Arbitrary<CorridorProgram> {
  return recipe.map(({ width, height, ways, starts, noted, fabric: given, hops }) => {
    const size = width * height;
    const routes: Route[][] = Array.from({ length: size }, () => []);
    const operations: Operation[][] = Array.from({ length: size }, () => []);
    ways.forEach((of, color) => lay(of, color, width, height, routes, operations));
    const roles = routes.map((own, core) =>
      role(`core ${core}`, { routes: own, operations: operations[core] }),
    );
    return {
      program: program(width, roles, hops ? { linkHops: linkHops(width, height, hops) } : {}),
      wafer: testWafer(given, { setup: { f16: 1, f32: 1 } }),
      startAt: Float64Array.from({ length: size }, (_, core) => starts[core % starts.length]),
      noted: Int32Array.from(new Set(noted.map((n) => n % size))).sort(),
    };
  });
}

/** Lays a way: routes of its colour, and what the cores at its ends and at its taps do. */
function lay(
  of: Way,
  color: number,
  width: number,
  height: number,
  routes: Route[][],
  operations: Operation[][],
): void {
  const y = of.row % height;
  const [from, to] = [of.from % width, of.to % width];
  if (from === to) return;
  const [step, port] = from < to ? [1, EAST] : [-1, WEST];
  const down = Math.min(of.down, height - 1 - y);
  const [onward, back, south] = [portMask(port), portMask(port ^ 2), portMask(SOUTH)];
  const isTap = (x: number) =>
    of.taps !== null && x !== from && x !== to && (x * 7) % of.taps === 0;
  const taking = (core: number, pause: number) =>
    operations[core].push(
      ...inTurns(of.words, of.takes, pause, (n) => move(cell(20), fabric(color), n)),
    );
  for (let x = from; x !== to; x += step) {
    const core = y * width + x;
    const outputs = onward | (isTap(x) ? R : 0);
    routes[core].push({ color, inputs: x === from ? R : back, outputs });
    if (x === from)
      operations[core].push(
        ...inTurns(of.words, of.sends, of.sendPause, (n) => move(fabric(color), cell(0), n)),
      );
    else if (isTap(x)) taking(core, 0);
  }
  for (let row = y; row <= y + down; row++) {
    const core = row * width + to;
    const outputs = row === y + down ? R : south;
    routes[core].push({ color, inputs: row === y ? back : portMask(SOUTH ^ 2), outputs });
    if (row === y + down) taking(core, of.takePause);
  }
}

/** So many words, a few at a time, with other work between. */
function inTurns(
  words: number,
  each: number,
  pause: number,
  op: (words: number) => Operation,
): Operation[] {
  const operations: Operation[] = [];
  for (let left = words; left > 0; left -= each) {
    if (pause > 0) operations.push(work(pause));
    operations.push(op(Math.min(each, left)));
  }
  return operations;
}
