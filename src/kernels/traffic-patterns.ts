/**
 * Which cores send to which in synthetic traffic, on which colours, and by which routes. A colour has one
 * input per router, so two paths of one colour may not meet anywhere: that bounds every pattern.
 */
import { EAST, NORTH, RAMP, SOUTH, WEST, neighbour, opposite, route } from '../program/builder.js';
import type { Route } from '../program/program.js';

/** Wavelets that a core sends on one colour arrive at each of `targets`. */
export interface Stream {
  color: number;
  targets: number[];
}

export interface Pattern {
  /** What a core sends; for each wavelet one of these is chosen. */
  streams: (core: number) => Stream[];
  routes: (core: number) => Route[];
}

/**
 * To the cores at certain distances to the east. A distance of d takes d + 1 colours: a router is on the
 * paths of that many cores.
 */
export function shifts(distances: readonly number[], width: number): Pattern {
  let next = 0;
  const each = distances.map((distance) => {
    const first = next;
    next += distance + 1;
    return { distance, first };
  });
  const colorOf = ({ distance, first }: (typeof each)[number], x: number) =>
    first + (x % (distance + 1));
  const routesAt = Array.from({ length: width }, (_, x) =>
    each.flatMap((shift) => {
      const routes: Route[] = [];
      for (let source = Math.max(0, x - shift.distance); source <= x; source++) {
        const target = source + shift.distance;
        if (target >= width) break;
        const to = target === x ? RAMP : EAST;
        routes.push(route(colorOf(shift, source), source === x ? RAMP : WEST, to));
      }
      return routes;
    }),
  );
  return {
    streams(core) {
      const x = core % width;
      return each
        .filter(({ distance }) => x + distance < width)
        .map((shift) => ({ color: colorOf(shift, x), targets: [core + shift.distance] }));
    },
    routes: (core) => routesAt[core % width],
  };
}

/** The distances 1, 2, 3 ... to which all cores of a row can send at once with so many colours. */
export function uniformDistances(colors: number): number[] {
  const distances: number[] = [];
  for (let distance = 1, left = colors; distance + 1 <= left; left -= ++distance)
    distances.push(distance);
  return distances;
}

/** The first of every `distance` + 1 cores of a row to the others of them. */
export function multicast(distance: number, width: number): Pattern {
  const placeOf = (x: number) => x % (distance + 1);
  const routesAt = Array.from({ length: width }, (_, x): Route[] => {
    const passesOn = placeOf(x) < distance && x < width - 1;
    if (placeOf(x) === 0) return passesOn ? [route(0, RAMP, EAST)] : [];
    return [route(0, WEST, ...(passesOn ? [EAST, RAMP] : [RAMP]))];
  });
  return {
    streams(core) {
      const x = core % width;
      const receivers = Math.min(distance, width - 1 - x);
      if (placeOf(x) > 0 || receivers === 0) return [];
      return [{ color: 0, targets: Array.from({ length: receivers }, (_, i) => core + 1 + i) }];
    },
    routes: (core) => routesAt[core % width],
  };
}

/**
 * From (x, y) to (y, x), along x first. Every path from row y turns at (y, y), and each has the colour of its
 * source's column: at (x, y) these are 0 to x of one row and y and up of the other, or the reverse. So a square
 * of n x n cores takes n colours; these paths need as many.
 */
export function transpose(side: number): Pattern {
  const flows = Array.from({ length: side * side }, (_, source) => {
    const [x, y] = [source % side, Math.floor(source / side)];
    return { source, target: x * side + y, color: x };
  });
  return alongPaths(
    flows.filter(({ source, target }) => source !== target),
    side,
    side,
  );
}

/**
 * Cores spread evenly over the rectangle to the one in its middle, each on a colour of its own: all
 * these paths meet there.
 */
export function hotSpot(sources: number, width: number, height: number): Pattern {
  const target = Math.floor(height / 2) * width + Math.floor(width / 2);
  const others = width * height - 1;
  const flows = Array.from({ length: sources }, (_, color) => {
    const other = Math.floor((color * others) / sources);
    return { source: other < target ? other : other + 1, target, color };
  });
  return alongPaths(flows, width, height);
}

interface Flow {
  source: number;
  target: number;
  color: number;
}

/** One flow per source; all go along x, then along y. */
function alongPaths(flows: Flow[], width: number, height: number): Pattern {
  const routes = new Map<number, Route[]>();
  const add = (core: number, one: Route) => {
    const before = routes.get(core);
    if (before) before.push(one);
    else routes.set(core, [one]);
  };
  for (const { source, target, color } of flows) {
    let from = RAMP;
    for (let core = source; core !== target;) {
      const port = towards(core, target, width);
      add(core, route(color, from, port));
      from = opposite(port);
      core = neighbour(core, port, width, height);
    }
    add(target, route(color, from, RAMP));
  }
  const streams = new Map(
    flows.map(({ source, target, color }) => [source, [{ color, targets: [target] }]]),
  );
  return {
    streams: (core) => streams.get(core) ?? [],
    routes: (core) => routes.get(core) ?? [],
  };
}

function towards(core: number, target: number, width: number): number {
  const dx = (target % width) - (core % width);
  if (dx !== 0) return dx > 0 ? EAST : WEST;
  return target > core ? SOUTH : NORTH;
}
