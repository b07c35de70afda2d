/**
 * What a result says of cores, without tables of all places. Boxes of programs have several times as many places as
 * cores that do something, and the results of all stages of a token are kept. Tables by place are made for who reads them.
 */
import type { RunResult } from './engine.js';

/** Wavelets over links, by core * 4 + port of the cores that stand at some places, which rise. */
export interface Sent {
  placeOf: Int32Array;
  wavelets: Float64Array | Uint32Array;
}

/** Compute and set-up cycles of cores of some kinds; by place which kind it is. */
export interface Spent {
  kindOf: ArrayLike<number>;
  compute: Float64Array;
  setup: Float64Array;
}

const sent = new WeakMap<RunResult, Sent>();
const spent = new WeakMap<RunResult, Spent>();

/** Notes what a result, which makes its tables by place only once they are read, was made of. */
export function noteByCore(result: RunResult, links: Sent, cycles: Spent): void {
  sent.set(result, links);
  spent.set(result, cycles);
}

/** What a result's cores sent. */
export function sentIn(result: RunResult): Sent {
  return sent.get(result) ?? { placeOf: allOf(result), wavelets: result.linkWavelets };
}

/** What a result's cores spent. */
export function spentIn(result: RunResult): Spent {
  const known = spent.get(result);
  if (known !== undefined) return known;
  const { compute, setup } = result;
  return { kindOf: allOf(result), compute, setup };
}

function allOf({ end }: RunResult): Int32Array {
  const places = new Int32Array(end.length);
  for (let place = 0; place < places.length; place++) places[place] = place;
  return places;
}
