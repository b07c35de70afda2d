/**
 * Synthetic traffic, to load the network alone: each sending core injects a wavelet with
 * probability `load` in every cycle (Bernoulli), as network simulators do. Everything flows east
 * along rows. neighbor: to the next core. shift: to the core `distance` to the east, one colour per
 * x modulo distance + 1, so that `distance` colours contend on every link. multicast: the first of
 * every distance + 1 cores of a row to the others of them.
 */
import { EAST, RAMP, WEST } from '../../hardware/mesh.js';
import type { Program, Role, Route, TrafficOp } from '../../program/program.js';
import { assemble } from './assemble.js';
import { role, route } from './line.js';

export const TRAFFIC_PATTERNS = ['neighbor', 'shift', 'multicast'] as const;

export interface TrafficOptions {
  pattern: (typeof TRAFFIC_PATTERNS)[number];
  /** How far to the east cores send; `neighbor` has no use for it. */
  distance: number;
  width: number;
  height: number;
  /** Wavelets per sending core and cycle, over 0 and up to 1. */
  load: number;
  /** Cycles during which wavelets are injected. */
  cycles: number;
}

/** Each core of a row has a role of its own; rows beyond what role numbers can count repeat. */
const MOST_ROLES = 65_536;

/**
 * The program; `random` gives numbers in [0, 1) and is drawn core by core, west to east, row by
 * row.
 */
export function traffic(o: TrafficOptions, random: () => number): Program {
  const { program, station } = assemble('traffic', o.width, o.height, ['traffic']);
  const distinctRows = Math.min(o.height, Math.floor(MOST_ROLES / o.width));
  for (let y = 0; y < o.height; y++) {
    const row = y % distinctRows;
    const roles = y < distinctRows ? rowOf(o, random) : [];
    for (let x = 0; x < o.width; x++) station(y * o.width + x, `${row} ${x}`, () => roles[x]);
  }
  return program;
}

function rowOf(o: TrafficOptions, random: () => number): Role[] {
  const distance = reachOf(o);
  const sends = (x: number) =>
    o.pattern === 'multicast' ? x === sourceOf(o, x) && x + 1 < o.width : x + distance < o.width;
  const times = Array.from({ length: o.width }, (_, x) =>
    sends(x) ? injections(o, random) : new Int32Array(),
  );
  return times.map((mine, x) => {
    const source = sourceOf(o, x);
    const hears = source >= 0 && source !== x;
    const op: TrafficOp = {
      kind: 'traffic',
      label: 0,
      color: mine.length > 0 ? colorOf(o, x) : -1,
      times: mine,
      receive: hears ? colorOf(o, source) : -1,
      expect: hears ? times[source].length : 0,
    };
    const routes = o.pattern === 'multicast' ? multicastRoutes(o, x) : shiftRoutes(o, x, distance);
    const operations = mine.length > 0 || op.expect > 0 ? [op] : [];
    return role(`core ${x}`, { routes, operations, buffers: [], codeBytes: 0 });
  });
}

function injections(o: TrafficOptions, random: () => number): Int32Array {
  const times: number[] = [];
  for (let cycle = 0; cycle < o.cycles; cycle++) if (random() < o.load) times.push(cycle);
  return Int32Array.from(times);
}

function reachOf(o: TrafficOptions): number {
  return o.pattern === 'neighbor' ? 1 : o.distance;
}

/** The core that core x of a row hears; itself or a negative number if there is none. */
function sourceOf(o: TrafficOptions, x: number): number {
  return o.pattern === 'multicast' ? x - (x % (o.distance + 1)) : x - reachOf(o);
}

/** The colour on which core x of a row sends. */
function colorOf(o: TrafficOptions, x: number): number {
  return o.pattern === 'multicast' ? 0 : x % (reachOf(o) + 1);
}

function shiftRoutes(o: TrafficOptions, x: number, distance: number): Route[] {
  const routes: Route[] = [];
  for (let source = Math.max(0, x - distance); source <= x; source++) {
    if (source + distance >= o.width) break;
    const from = source === x ? RAMP : WEST;
    const to = source + distance === x ? RAMP : EAST;
    routes.push(route(colorOf(o, source), from, to));
  }
  return routes;
}

function multicastRoutes(o: TrafficOptions, x: number): Route[] {
  const place = x % (o.distance + 1);
  const goesOn = place < o.distance && x < o.width - 1;
  if (place === 0) return goesOn ? [route(0, RAMP, EAST)] : [];
  return [route(0, WEST, ...(goesOn ? [EAST, RAMP] : [RAMP]))];
}
