/**
 * What a result says of cores, without tables of all places. Boxes of programs have several times as many places as
 * cores that do something, and the results of all stages of a token are kept. Tables by place are made for who reads them.
 */
import { latestOf, type RunResult } from './engine.js';
import { placeIn } from '../numeric/sorted.js';

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

/** When cores that stand at some places, which rise, are done; all others are when they start: in cycle 0, but for some. */
export interface Ended {
  placeOf: Int32Array;
  end: Int32Array | Float64Array;
  others: ReadonlyMap<number, number>;
}

const sent = new WeakMap<RunResult, Sent>();
const spent = new WeakMap<RunResult, Spent>();
const ended = new WeakMap<RunResult, Ended>();

/** Notes what a result, which makes its tables by place only once they are read, was made of. */
export function noteByCore(result: RunResult, links: Sent, cycles: Spent, times: Ended): void {
  sent.set(result, links);
  spent.set(result, cycles);
  ended.set(result, times);
}

/** When a result's cores are done. */
export function endedIn(result: RunResult): Ended {
  return ended.get(result) ?? { placeOf: allOf(result), end: result.end, others: NO_OTHERS };
}

const NO_OTHERS = new Map<number, number>();

/** When the core at a place is done. */
export function endAt(result: RunResult, place: number): number {
  const known = ended.get(result);
  return known === undefined ? result.end[place] : endIn(known, place);
}

export function endIn({ placeOf, end, others }: Ended, place: number): number {
  const core = placeIn(placeOf, place);
  return placeOf[core] === place ? end[core] : (others.get(place) ?? 0);
}

/** When the cores from a place on are done, as many as there is room for. */
export function readEnds(result: RunResult, from: number, into: Float64Array): void {
  const known = ended.get(result);
  const last = from + into.length - 1;
  if (known === undefined) return into.set(result.end.subarray(from, last + 1));
  const { placeOf, end } = known;
  const core = placeIn(placeOf, from);
  // In a region mostly all of a row do something.
  if (placeOf[core] === from && placeOf[core + into.length - 1] === last)
    into.set(end.subarray(core, core + into.length));
  else for (let i = 0; i < into.length; i++) into[i] = endIn(known, from + i);
}

/** When the last core is done. */
export function lastEnd({ end, others }: Ended): number {
  return Math.max(latestOf(end), latestOf([...others.values()]));
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
