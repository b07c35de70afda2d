/**
 * How long a decode step takes, between simulated steps over a grid of contexts. Layers stand one
 * after the other on the wafer and pass tokens on in order, so no user overtakes another: each user
 * gets one token per round. A round lasts as long as the longest context's path through the layers, or
 * as long as all tokens take to pass the busiest region one by one.
 */

/** Contexts of the tokens in flight: tokens already in the cache. */
export interface Contexts {
  mean: number;
  max: number;
  /** Positions of all caches in use together; the tokens of one prompt share one. */
  total: number;
}

/**
 * Nanoseconds, an integer, between two tokens of a user when `batch` tokens (at least 1) are in
 * flight. Grows with batch and contexts.
 */
export type StepTime = (batch: number, contexts: Contexts) => number;

/** Simulated steps. */
export interface StepGrid {
  /** Tokens in the cache, ascending. */
  contexts: number[];
  /** Nanoseconds of a token's path through the layers, one user in flight, by context. */
  aloneNs: number[];
  /** Nanoseconds between two tokens of any users, with the layers full, by context. */
  intervalNs: number[];
}

/** @throws RangeError unless contexts ascend and each has its two times */
export function checkGrid({ contexts, aloneNs, intervalNs }: StepGrid): void {
  const ascending = contexts.every((x, i) => i === 0 || x > contexts[i - 1]);
  const times = [...aloneNs, ...intervalNs];
  if (contexts.length === 0 || !ascending || times.length !== 2 * contexts.length)
    throw new RangeError(`contexts: expected ascending numbers, found ${contexts.join(', ')}`);
  if (!times.every((ns) => ns > 0)) throw new RangeError('expected times above 0');
}

/**
 * Interpolates linearly between contexts; beyond the last one its last slope continues.
 * @throws RangeError unless contexts ascend and each has its two times
 */
export function stepTimeOf(grid: StepGrid): StepTime {
  checkGrid(grid);
  const { contexts, aloneNs, intervalNs } = grid;
  const points = Float64Array.from(contexts);
  const alone = Float64Array.from(aloneNs);
  const interval = Float64Array.from(intervalNs);
  return (batch, { mean, max }) =>
    Math.round(
      Math.max(interpolate(points, alone, max), batch * interpolate(points, interval, mean)),
    );
}

/** Of `values` at ascending `points`; a single point stands for all. */
export function interpolate(points: Float64Array, values: Float64Array, x: number): number {
  if (points.length === 1) return values[0];
  let low = 0;
  let high = points.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle] <= x) low = middle;
    else high = middle - 1;
  }
  const share = (x - points[low]) / (points[low + 1] - points[low]);
  return values[low] + share * (values[low + 1] - values[low]);
}
