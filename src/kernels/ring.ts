/**
 * A ring of cores on a line, for cyclic shifts: each core sends to the one before it in the ring (forward), or
 * to the one after it (reverse). In the interleaved ring (MeshGEMM; WaferLLM, OSDI 2025) neighbours are at most
 * two cores apart: 0, then the odd cores outwards, then the even ones back. In the plain one (Cannon's
 * algorithm) they lie next to each other, and the ends are joined over the whole line.
 */
import type { Side } from './line.js';

export type RingForm = 'interleaved' | 'plain';

export interface RingRoute {
  /** A channel of the ring's direction: 0 to `CHANNELS_OF_RING` - 1. */
  channel: number;
  from: Side;
  to: Side;
}

/** What one core of a ring does in one direction. */
export interface RingStation {
  routes: RingRoute[];
  sendsOn: number;
  takesFrom: number;
}

export interface Ring {
  /** The core at each position of the ring, and the position of each core. */
  order: number[];
  position: number[];
  forward: RingStation[];
  reverse: RingStation[];
}

/** At most three transfers of one direction pass a core, its own two included. */
export const CHANNELS_OF_RING = 3;

/** The ring over a line of `length` cores. */
export function ringOf(length: number, form: RingForm): Ring {
  const order = orderOf(length, form);
  const position: number[] = [];
  order.forEach((core, at) => (position[core] = at));
  const core = (at: number) => order[(at + length) % length];
  const before = position.map((at) => core(at - 1));
  const after = position.map((at) => core(at + 1));
  return {
    order,
    position,
    forward: stationsOf(before, after),
    reverse: stationsOf(after, before),
  };
}

function orderOf(length: number, form: RingForm): number[] {
  const cores = Array.from({ length }, (_, core) => core);
  if (form === 'plain') return cores;
  const odd = cores.filter((core) => core % 2 === 1);
  const even = cores.filter((core) => core % 2 === 0 && core > 0);
  return [...cores.slice(0, 1), ...odd, ...even.reverse()];
}

/** Every core sends to `to[core]` and takes from `from[core]`; transfers that pass one core differ in channel. */
function stationsOf(to: number[], from: number[]): RingStation[] {
  const channel = channelsOf(to);
  return to.map((_, core) => {
    const routes: RingRoute[] = [];
    if (to.length > 1)
      to.forEach((target, source) => {
        const [first, last] = source < target ? [source, target] : [target, source];
        if (core < first || core > last) return;
        const [back, ahead]: Side[] = source < target ? ['back', 'ahead'] : ['ahead', 'back'];
        const [enters, leaves]: Side[] = [
          core === source ? 'core' : back,
          core === target ? 'core' : ahead,
        ];
        routes.push({ channel: channel[source], from: enters, to: leaves });
      });
    return { routes, sendsOn: channel[core], takesFrom: channel[from[core]] };
  });
}

/** A channel for the transfer of each core: the lowest that no other on any of its cores has. */
function channelsOf(to: number[]): number[] {
  const spans = to.map((target, source) => [Math.min(source, target), Math.max(source, target)]);
  const channel = to.map(() => -1);
  const byStart = spans.map((_, core) => core).sort((a, b) => spans[a][0] - spans[b][0] || a - b);
  /** By channel: the last core that it is taken at. */
  const taken: number[] = [];
  for (const core of byStart) {
    const [first, last] = spans[core];
    let free = taken.findIndex((end) => end < first);
    if (free < 0) free = taken.length;
    taken[free] = last;
    channel[core] = free;
  }
  return channel;
}
