/**
 * Generated streams that cross: each core of a small rectangle has a part in one chain of them at most, so that chains
 * have an effect on each other only where they share an output of a router. Their colours are one family; a row of two
 * cores more is another, so that a program has several lines.
 */
import fc from 'fast-check';
import type { RunInput } from '../../src/engine/engine.js';
import type { Role } from '../../src/program/program.js';
import { Phase } from './phase.js';
import { E, R, W, add, cell, fabric, loaded, move, program, role, route } from './programs.js';
import { testWafer } from './programs.js';

const CELLS = 64;
const nat = (max: number) => fc.integer({ min: 0, max });

const recipe = fc.record({
  width: fc.integer({ min: 2, max: 6 }),
  height: fc.integer({ min: 2, max: 6 }),
  fabric: fc.record({
    colors: fc.integer({ min: 3, max: 8 }),
    hopCycles: fc.integer({ min: 1, max: 2 }),
    rampCycles: fc.integer({ min: 1, max: 3 }),
    queueDepth: fc.integer({ min: 1, max: 4 }),
  }),
  chains: fc.array(
    fc.record({
      cores: fc.array(nat(1000), { minLength: 2, maxLength: 4 }),
      color: nat(7),
      length: fc.integer({ min: 1, max: 30 }),
      many: fc.boolean(),
    }),
    { minLength: 4, maxLength: 14 },
  ),
  starts: fc.array(nat(10), { minLength: 1, maxLength: 7 }),
});

/** Programs of such streams, with the wafer and starts to run them with; and how many cores have a part in them. */
export const crossingStreams: fc.Arbitrary<
  RunInput & { startAt: Float64Array; streaming: number }
> = recipe.map(({ width, height, fabric: { colors, ...rest }, chains, starts }) => {
  const streaming = width * height;
  const phase = new Phase(width, height, colors, () => undefined);
  const isIdle = (core: number) => phase.operations[core].length === 0;
  for (const { cores, color, length, many } of chains) {
    const own = [...new Set(cores.map((core) => core % streaming))].filter(isIdle);
    if (many) spread(phase, own, color, length);
    else chain(phase, own, color, length);
  }
  const buffers = [loaded(CELLS)];
  const roles: Role[] = phase.operations.map((operations, core) =>
    role(`core ${core}`, { routes: [...phase.routes[core].values()], operations, buffers }),
  );
  const sends = [move(fabric(colors), cell(0), 2)];
  const takes = [move(cell(0), fabric(colors), 2)];
  roles.push(role('sender', { routes: [route(colors, R, E)], operations: sends, buffers }));
  roles.push(role('taker', { routes: [route(colors, W, R)], operations: takes, buffers }));
  while (roles.length % width !== 0) roles.push(role('none'));
  const families = [...Array<number>(colors).fill(0), 1];
  const startAt = Float64Array.from(roles, (_, core) => starts[core % starts.length]);
  const wafer = testWafer({ ...rest, colors: colors + 1 });
  return { program: { ...program(width, roles), families }, wafer, startAt, streaming };
});

/** One core sends to all others. */
function spread(
  phase: Phase,
  [source, ...targets]: number[],
  wanted: number,
  length: number,
): void {
  const color = targets.length > 0 ? phase.connect(source, targets, wanted) : -1;
  if (color < 0) return;
  phase.operations[source].push(move(fabric(color), cell(0), length));
  for (const core of targets) phase.operations[core].push(move(cell(0), fabric(color), length));
}

/** Each core adds to what comes from the one before, and sends it on. */
function chain(phase: Phase, cores: number[], wanted: number, length: number): void {
  let into = -1;
  for (const [k, core] of cores.entries()) {
    const next = cores.at(k + 1);
    const out = next === undefined ? -1 : phase.connect(core, [next], wanted + k);
    if (into < 0 && out < 0) return;
    if (into < 0) phase.operations[core].push(move(fabric(out), cell(0), length));
    else if (out < 0) phase.operations[core].push(move(cell(0), fabric(into), length));
    else phase.operations[core].push(add(fabric(out), fabric(into), cell(0), length));
    if (out < 0) return;
    into = out;
  }
}
