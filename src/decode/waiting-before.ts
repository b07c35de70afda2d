/** What cores of a region do between their last token and their starts for the next one. */
import type { StageTiming } from './timeline.js';
import { within, type Interval } from './waits.js';

/** End of a core that has had no token yet, and has long been waiting for its first one: since when, nothing says. */
export const LONG_AGO = -(2 ** 52);

/** From when a core waits for a token: once it is done with the one before and this one has been chosen. */
export function waitsSince(done: number, chosen: number, begun: number): number {
  return Math.max(done, Math.min(chosen, begun));
}

/** How long a core is idle before it waits: none that is known, if it has had no token yet. */
export function idleBefore(done: number, since: number): number {
  return done === LONG_AGO ? 0 : since - done;
}

/** Tables of ends of cores none of which has had a token yet: they are not looked at core by core. */
const untouched = new WeakSet<Float64Array>();

/** Ends of so many cores that have had no token yet. */
export function endsLongAgo(count: number): Float64Array {
  const ends = new Float64Array(count).fill(LONG_AGO);
  untouched.add(ends);
  return ends;
}

/** Has no core with these ends had a token yet? */
export function areLongAgo(ends: Float64Array): boolean {
  return untouched.has(ends);
}

/** Other ends are written into a table from now on. */
export function touch(ends: Float64Array): Float64Array {
  untouched.delete(ends);
  return ends;
}

interface Spread {
  count: number;
  sum: number;
  earliest: number;
  latest: number;
}

/** Of when cores are done. */
export function spreadOf(cycles: Float64Array): Spread {
  const count = cycles.length;
  if (areLongAgo(cycles) && count > 0)
    return { count, sum: count * LONG_AGO, earliest: LONG_AGO, latest: LONG_AGO };
  let [sum, earliest, latest] = [0, Infinity, -Infinity];
  for (let i = 0; i < cycles.length; i++) {
    const cycle = cycles[i];
    sum += cycle;
    if (cycle < earliest) earliest = cycle;
    if (cycle > latest) latest = cycle;
  }
  return { count, sum, earliest, latest };
}

/** By starts of a region's cores: the start of all of them, NaN if they differ. Nobody changes such a table. */
const commonStarts = new WeakMap<Float64Array, number>();

/** @returns NaN if they differ */
export function startOfAll(own: Float64Array): number {
  let start = commonStarts.get(own);
  if (start === undefined) {
    start = own.length > 0 ? own[0] : NaN;
    for (let of = 1; of < own.length; of++) if (own[of] !== start) start = NaN;
    commonStarts.set(own, start);
  }
  return start;
}

/**
 * The same as `waitingBefore` without a look at each core, where all start together and wait from one cycle on, and sums
 * are exact; undefined elsewhere.
 */
export function waitingTogether(
  { count, sum, earliest, latest }: Spread,
  { isPort, programStart }: StageTiming,
  own: Float64Array,
  chosen: number,
  first: number,
): { idle: number; waiting: number } | undefined {
  if (isPort) return undefined;
  const begun = first + startOfAll(own) + programStart;
  const since = Math.min(chosen, begun);
  const isFirst = latest === LONG_AGO;
  const farthest = Math.max(isFirst ? 0 : Math.abs(earliest), Math.abs(begun), Math.abs(since));
  if (!(latest <= since && count * farthest < 2 ** 52)) return undefined;
  return { idle: isFirst ? 0 : count * since - sum, waiting: count * (begun - since) };
}

/**
 * What the region's cores do from their last end to their starts: they wait for the token, and are idle as long as it
 * has not been chosen. A sender that is one of them starts when it sends.
 * @param turns when the token waited for its turn
 */
export function waitingBefore(
  done: Float64Array,
  { isPort, programStart }: StageTiming,
  own: Float64Array,
  chosen: number,
  first: number,
  turns: readonly Interval[] = [],
): { idle: number; waiting: number; otherToken: number } {
  let [idle, waiting, otherToken] = [0, 0, 0];
  if (isPort) return { idle, waiting, otherToken };
  for (let of = 0; of < own.length; of++) {
    const begun = first + own[of] + programStart;
    const since = waitsSince(done[of], chosen, begun);
    idle += idleBefore(done[of], since);
    waiting += begun - since;
    if (turns.length > 0) otherToken += within(since, begun, turns);
  }
  return { idle, waiting, otherToken };
}
