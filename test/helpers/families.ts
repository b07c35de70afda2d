/**
 * Generated programs of several families of colours, as lines are: columns, rows and whole boxes of a small
 * rectangle, whose cores turn from one to another, alone or all at once, soon or late. Colours of one family share
 * links, and those of several share routers and sometimes links too; some programs never end.
 */
import fc from 'fast-check';
import { EAST, NORTH, SOUTH, WEST, portMask } from '../../src/hardware/mesh.js';
import type { WaferSpec } from '../../src/hardware/wafer.js';
import type { Operation, Program, Role, Route } from '../../src/program/program.js';
import { add, cell, constant, fabric, loaded, move, role, testWafer, R } from './programs.js';
import { linkHops } from './links.js';

export interface FamilyProgram {
  program: Program;
  wafer: WaferSpec;
  startAt: Float64Array;
}

/** Colours of a family, by what their routes do on its line, whose ends are its head and its root. */
const COLORS = { spread: 0, pass: 1, even: 2, odd: 3, back: 4 };
const COLORS_EACH = 5;

const PATTERNS = [
  ...(['spread', 'pass', 'reduce', 'chain', 'passed chain', 'gather'] as const),
  ...(['rush', 'rush', 'rush'] as const),
];
const AXES = ['row', 'column', 'row', 'column', 'up', 'box'] as const;

const nat = (max: number) => fc.integer({ min: 0, max });

function seldom<T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: some });
}

const turn = fc.record({
  family: nat(2),
  pattern: fc.constantFrom(...PATTERNS),
  words: fc.integer({ min: 1, max: 9 }),
  label: nat(3),
  /** Cycles of computing before, and how much more by core; which lines take part, by remainders. */
  work: fc.oneof(nat(4), nat(60), fc.constant(400)),
  more: fc.oneof(fc.constant(0), nat(6), nat(40)),
  skips: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: nat(3) }),
});

const recipe = fc.record({
  width: fc.integer({ min: 2, max: 6 }),
  height: fc.integer({ min: 2, max: 6 }),
  axes: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(...AXES))),
  turns: fc.array(turn, { minLength: 2, maxLength: 6 }),
  spread: fc.oneof(fc.constant(0), nat(5), nat(60), nat(400)),
  seed: nat(1 << 20),
  fabric: fc.record({
    hopCycles: fc.integer({ min: 1, max: 3 }),
    rampCycles: fc.integer({ min: 1, max: 3 }),
    queueDepth: fc.integer({ min: 1, max: 5 }),
  }),
  costs: fc.record({
    setup: nat(3),
    latency: fc.integer({ min: 1, max: 4 }),
    programStart: nat(9),
  }),
  hops: seldom(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 })),
  fault: seldom(nat(1 << 20)),
});

type Recipe = typeof recipe extends fc.Arbitrary<infer T> ? T : never;

export function familyPrograms(): fc.Arbitrary<FamilyProgram> {
  return recipe.map(build);
}

/** A number from others that looks like chance. */
function chance(...of: number[]): number {
  let h = 1;
  for (const n of of) h = Math.imul(h ^ (n + 0x9e37), 0x85ebca6b) ^ (h >>> 13);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Where a core is on its line of a family: which line, which place, the line's length, the ports on and back. */
interface Station {
  line: number;
  at: number;
  length: number;
  on: number;
  back: number;
}

function stationAt(axis: (typeof AXES)[number], core: number, { width, height }: Recipe): Station {
  const [x, y] = [core % width, Math.floor(core / width)];
  if (axis === 'row') return { line: y, at: x, length: width, on: EAST, back: WEST };
  if (axis === 'column') return { line: x, at: y, length: height, on: SOUTH, back: NORTH };
  if (axis === 'up') return { line: x, at: height - 1 - y, length: height, on: NORTH, back: SOUTH };
  // A box is one line that goes to and fro.
  const turns = y % 2 === 0;
  const at = y * width + (turns ? x : width - 1 - x);
  const [ahead, behind] = turns ? [EAST, WEST] : [WEST, EAST];
  const isLast = turns ? x === width - 1 : x === 0;
  const isFirst = turns ? x === 0 : x === width - 1;
  const [on, back] = [isLast ? SOUTH : ahead, isFirst ? NORTH : behind];
  return { line: 0, at, length: width * height, on, back };
}

function routesOf({ at, length, on, back }: Station, base: number): Route[] {
  const [onward, before] = [portMask(on), portMask(back)];
  const [isHead, isRoot] = [at === 0, at === length - 1];
  const [own, other] = at % 2 === 0 ? [COLORS.even, COLORS.odd] : [COLORS.odd, COLORS.even];
  const route = (color: number, inputs: number, outputs: number): Route[] =>
    outputs === 0 ? [] : [{ color: base + color, inputs, outputs }];
  return [
    ...route(COLORS.spread, isHead ? R : before, (isRoot ? 0 : onward) | (isHead ? 0 : R)),
    ...route(COLORS.pass, isHead ? R : before, isRoot ? R : onward),
    ...route(own, R, isRoot ? 0 : onward),
    ...route(other, before, isHead ? 0 : R),
    ...route(COLORS.back, isRoot ? R : onward, (isHead ? 0 : before) | (isRoot ? 0 : R)),
  ];
}

/** What a core does in a turn. */
function operationsOf(
  { at, length }: Station,
  base: number,
  { pattern, words }: Recipe['turns'][number],
): Operation[] {
  const [isHead, isRoot] = [at === 0, at === length - 1];
  const color = (name: keyof typeof COLORS) => fabric(base + COLORS[name]);
  const own = color(at % 2 === 0 ? 'even' : 'odd');
  const other = color(at % 2 === 0 ? 'odd' : 'even');
  const send = (name: keyof typeof COLORS) => move(color(name), cell(0), words);
  const take = (name: keyof typeof COLORS) => move(cell(20), color(name), words);
  const chain = () => {
    if (isHead) return [move(own, cell(0), words)];
    return [add(isRoot ? cell(40) : own, other, cell(0), words)];
  };
  const pass = () => (isHead ? [send('pass')] : isRoot ? [take('pass')] : []);
  if (length === 1) return [];
  switch (pattern) {
    case 'spread':
      return [isHead ? send('spread') : take('spread')];
    case 'pass':
      return pass();
    case 'chain':
      return chain();
    case 'reduce':
      return [...chain(), isRoot ? send('back') : take('back')];
    // All send at once: the head past all others, each to its neighbour.
    case 'rush':
      return [
        ...(isHead ? [send('pass')] : []),
        ...(isRoot ? [] : [move(own, cell(0), words)]),
        ...(isHead ? [] : [move(cell(30), other, words)]),
        ...(isRoot ? [take('pass')] : []),
      ];
    case 'passed chain':
      return isRoot ? [...chain(), ...pass()] : [...pass(), ...chain()];
    default:
      return [isRoot ? send('back') : take('back'), isHead ? send('spread') : take('spread')];
  }
}

/** The same with its cores in three bunches, so many cycles apart (an order of their own for each seed). */
export function inBunches(
  given: FamilyProgram,
  seed: number,
  [second, third]: readonly [number, number],
): FamilyProgram {
  const later = [0, second, second + third];
  const startAt = given.startAt.map((cycle, core) => cycle + later[chance(seed, core, 3) % 3]);
  return { ...given, startAt };
}

function build(given: Recipe): FamilyProgram {
  const { width, height, axes, turns, spread, seed, fabric: of, costs, hops, fault } = given;
  const cores = width * height;
  const roles: Role[] = Array.from({ length: cores }, (_, core) => {
    const stations = axes.map((axis) => stationAt(axis, core, given));
    const operations = turns.flatMap((one, t) => {
      const station = stations[one.family];
      const skips = one.skips > 0 && chance(seed, t, station.line) % 4 < one.skips;
      const own = skips ? [] : operationsOf(station, one.family * COLORS_EACH, one);
      const before = one.work + (one.more > 0 ? chance(seed, t, core) % one.more : 0);
      const work = before > 0 ? [move(cell(50, 0), constant(1), before)] : [];
      return [...work, ...own].map((op) => ({ ...op, label: one.label }));
    });
    const routes = stations.flatMap((station, family) => routesOf(station, family * COLORS_EACH));
    return role(`core ${core}`, { routes, operations, buffers: [loaded(64)] });
  });
  if (fault !== null) {
    const { operations } = roles[fault % cores];
    operations.splice(fault % Math.max(1, operations.length), 1);
  }
  const program: Program = {
    ...{ name: 'families', width, height, roles },
    roleOf: Uint16Array.from({ length: cores }, (_, core) => core),
    labels: ['first', 'second', 'third', 'fourth'],
    families: Array.from({ length: 3 * COLORS_EACH }, (_, color) =>
      Math.floor(color / COLORS_EACH),
    ),
    ...(hops && { linkHops: linkHops(width, height, hops) }),
  };
  const each = (cycles: number) => ({ f16: cycles, f32: cycles });
  const { setup, latency, programStart } = costs;
  const wafer = testWafer(
    { ...of, colors: 24 },
    { setup: each(setup), latency: each(latency), programStart },
  );
  const startAt = Float64Array.from({ length: cores }, (_, core) =>
    spread === 0 ? 0 : (chance(seed, core) % spread) - 20,
  );
  return { program, wafer, startAt };
}
