/**
 * Fewest cycles that an all-reduce by a two-level tree can take: what cannot win is not simulated. It follows the first
 * wavelet of every stream to the root and back: each core on the way takes what comes once it has taken what its program
 * has before, has set up, and the stream is there.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { isEchoed } from '../kernels/collectives.js';
import { membersOf, type Members, type TreeForm } from '../kernels/line.js';
import type { Vector } from '../mapping/mapping.js';
import { waveletsOf } from '../program/exchange.js';

/** A two-level tree on a line. */
export interface Tree {
  groups: number;
  form: TreeForm;
}

/** Cycles of an operation and of a stream between neighbours, on one wafer and for one vector. */
interface Steps {
  start: number;
  setup: number;
  latency: number;
  wavelets: number;
  /** From a core to its neighbour: out by one ramp, in by the other. */
  ramps: number;
  hop: number;
  /** What comes last streams on at the middles. */
  streams: boolean;
}

/** A stream arrives with its first wavelet in this cycle; Infinity if there is none. */
type Arrivals = number[];

/** On a line of two cores or more: never above the simulated cycles of the tree, and mostly little below. */
export function leastCycles(
  length: number,
  { groups, form }: Tree,
  { words, type }: Vector,
  { fabric, costs }: WaferSpec,
): number {
  const steps: Steps = {
    start: costs.programStart,
    setup: costs.setup[type],
    latency: costs.latency[type],
    wavelets: waveletsOf(type, { length: words }),
    ramps: 2 * fabric.rampCycles,
    hop: fabric.hopCycles,
    streams: form !== 'stored',
  };
  const middles = Array.from({ length: groups }, (_, group) => membersOf(length, groups, group));
  const root = Math.floor(groups / 2);
  const own = chains(middles[root], steps);
  const [back, ahead] = [
    along(middles.slice(0, root + 1), steps),
    along(middles.slice(root).toReversed(), steps),
  ];
  const taken = take([...own, ...inOrder(back, ahead, steps)], steps);
  const passesOn = form === 'echoed' && isEchoed(fabric, type, words) && taken.last !== undefined;
  const first = passesOn ? taken.last! + steps.latency : taken.free + steps.setup;
  const { middle } = middles[root];
  const farthest = Math.max(middle, length - 1 - middle);
  return first + steps.wavelets + farthest * steps.hop + steps.ramps;
}

/** When the streams of a middle's own two chains arrive. */
function chains({ before, after }: Members, steps: Steps): Arrivals {
  return inOrder(chain(before, steps), chain(after, steps), steps);
}

/** In the order in which a middle takes them. */
function inOrder(back: number, ahead: number, { streams }: Steps): Arrivals {
  return streams ? [ahead, back] : [back, ahead];
}

/** When the stream of a chain of so many cores arrives beyond its last. */
function chain(cores: number, { start, setup, latency, ramps, hop }: Steps): number {
  if (cores === 0) return Infinity;
  return start + setup + cores * (ramps + hop) + (cores - 1) * latency;
}

/** When the stream of the middles on one side of the root, the outermost first, arrives at the last of these. */
function along(middles: Members[], steps: Steps): number {
  const { setup, latency, ramps, hop, streams } = steps;
  let arrives = Infinity;
  for (let i = 0; i < middles.length - 1; i++) {
    const { free, last } = take([...chains(middles[i], steps), arrives], steps);
    const passesOn = last !== undefined && (streams || i > 0);
    const first = passesOn ? last + latency : free + setup;
    arrives = first + ramps + Math.abs(middles[i + 1].middle - middles[i].middle) * hop;
  }
  return arrives;
}

/** Takes streams one after the other: when the last begins to be taken, and when the core is free again. */
function take(
  arrivals: Arrivals,
  { start, setup, wavelets }: Steps,
): { free: number; last?: number } {
  let free = start;
  let last: number | undefined;
  for (const arrives of arrivals) {
    if (arrives === Infinity) continue;
    last = Math.max(arrives, free + setup);
    free = last + wavelets;
  }
  return { free, ...(last !== undefined && { last }) };
}
