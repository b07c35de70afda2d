/**
 * Parts of a program: stretches of cores that no link connects with the others, rows of a network under synthetic
 * traffic for example. Each can be simulated to its end alone. The state of a small one fits a cache, which that of a
 * whole wafer does not, and threads that have a part each need not wait for one another.
 */
import { EAST, NORTH, SOUTH, WEST } from '../../hardware/mesh.js';
import type { Program } from '../../program/program.js';
import { sendsTo } from './sound.js';
import type { Numbered } from './tables.js';

/** The fewest cores of a part: with fewer, cycles take longer than what happens in them. */
const LEAST_CORES = 256;

/** Are none of the parts so large that the other threads would be idle while one is at it? */
export function areForThreads(parts: Int32Array, threads: number): boolean {
  const share = parts[parts.length - 1] / threads;
  return threads === 1 || parts.every((first, i) => i === 0 || first - parts[i - 1] <= share);
}

/**
 * The first core of each part, by the numbers of those that do something, and one past the last; undefined if there
 * is one part only.
 */
export function partsOf(
  { width, height, roles, roleOf }: Program,
  { placeOf, coreAt }: Numbered,
  leastCores = LEAST_CORES,
): Int32Array | undefined {
  const cores = placeOf.length;
  if (cores < 2 * leastCores) return undefined;
  const sends = sendsTo(roles);
  const ports = (place: number) => sends[roleOf[place]];
  const firsts = [0];
  /** The last core that one before the next part is connected with, over links from part to part. */
  let reach = 0;
  for (let core = 0; core < cores; core++) {
    if (core > reach && core - firsts.at(-1)! >= leastCores) firsts.push(core);
    reach = Math.max(reach, core);
    const place = placeOf[core];
    const own = ports(place);
    const below = place + width;
    if (below < width * height && coreAt[below] >= 0) {
      if ((((own >> SOUTH) | (ports(below) >> NORTH)) & 1) === 1)
        reach = Math.max(reach, coreAt[below]);
    }
    if (place % width === width - 1 || coreAt[place + 1] < 0) continue;
    if ((((own >> EAST) | (ports(place + 1) >> WEST)) & 1) === 1)
      reach = Math.max(reach, coreAt[place + 1]);
  }
  if (firsts.length === 1) return undefined;
  return Int32Array.from([...firsts, cores]);
}
