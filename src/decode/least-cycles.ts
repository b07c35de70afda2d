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

/**
 * On a line of two cores or more: never above the simulated cycles of the tree, and mostly little below.
 * @param middles of the line in so many groups, the same for all vectors and forms
 */
export function leastCycles(
  length: number,
  { groups, form }: Tree,
  { words, type }: Vector,
  { fabric, costs }: WaferSpec,
  middles = middlesOf(length, groups),
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
  const at = Math.floor(groups / 2);
  const root = takingChains(middles[at], steps);
  takeBoth(root, along(middles, 0, at, steps), along(middles, groups - 1, at, steps), steps);
  const passesOn = form === 'echoed' && isEchoed(fabric, type, words) && root.last >= 0;
  const first = passesOn ? root.last + steps.latency : root.free + steps.setup;
  const { middle } = middles[at];
  const farthest = Math.max(middle, length - 1 - middle);
  return first + steps.wavelets + farthest * steps.hop + steps.ramps;
}

export function middlesOf(length: number, groups: number): Members[] {
  return Array.from({ length: groups }, (_, group) => membersOf(length, groups, group));
}

/** A core that takes streams: when the last begins to be taken, -1 if none does, and when it is free again. */
interface Taking {
  last: number;
  free: number;
}

/** A middle that has taken its own two chains. */
function takingChains({ before, after }: Members, steps: Steps): Taking {
  const core = { last: -1, free: steps.start };
  takeBoth(core, chain(before, steps), chain(after, steps), steps);
  return core;
}

/** Takes the streams of both sides in the order in which a middle does. */
function takeBoth(core: Taking, back: number, ahead: number, steps: Steps): void {
  take(core, steps.streams ? ahead : back, steps);
  take(core, steps.streams ? back : ahead, steps);
}

/** Takes a stream whose first wavelet arrives in this cycle; Infinity if there is none. */
function take(core: Taking, arrives: number, { setup, wavelets }: Steps): void {
  if (arrives === Infinity) return;
  core.last = Math.max(arrives, core.free + setup);
  core.free = core.last + wavelets;
}

/** When the stream of a chain of so many cores arrives beyond its last. */
function chain(cores: number, { start, setup, latency, ramps, hop }: Steps): number {
  if (cores === 0) return Infinity;
  return start + setup + cores * (ramps + hop) + (cores - 1) * latency;
}

/** When the stream of the middles from the outermost one, `from`, on arrives at the root, middle `to`. */
function along(middles: readonly Members[], from: number, to: number, steps: Steps): number {
  const { setup, latency, ramps, hop, streams } = steps;
  const step = Math.sign(to - from);
  let arrives = Infinity;
  for (let i = from; i !== to; i += step) {
    const core = takingChains(middles[i], steps);
    take(core, arrives, steps);
    const passesOn = core.last >= 0 && (streams || i !== from);
    const first = passesOn ? core.last + latency : core.free + setup;
    arrives = first + ramps + Math.abs(middles[i + step].middle - middles[i].middle) * hop;
  }
  return arrives;
}
