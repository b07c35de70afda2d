/**
 * How long a decode step takes: interpolated between simulated steps over a grid of contexts and
 * users in flight. Layers stand one after the other on the wafer and pass tokens on in order, so no
 * user overtakes another: everyone gets one token per round. A round lasts as long as the longest
 * context's way through the layers, or as all tokens' passing through the busiest region one by one.
 */

/** Contexts of the tokens in flight: tokens already in the cache. */
export interface Contexts {
  mean: number;
  max: number;
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
  /** Users in flight, ascending from 1. */
  batches: number[];
  /** Nanoseconds between two tokens of each user, [context][batch]. */
  stepNs: number[][];
}

/**
 * Interpolates linearly in both directions. Beyond the last context its last slope goes on; beyond
 * the last number of users the pipeline is full and a step grows in proportion.
 * @throws RangeError unless the grid is ascending, starts at one user and is filled
 */
export function stepTimeOf(grid: StepGrid): StepTime {
  checkGrid(grid);
  const contexts = Float64Array.from(grid.contexts);
  const batches = Float64Array.from(grid.batches);
  const columns = batches.length;
  const times = Float64Array.from(grid.stepNs.flat());
  const last = batches[columns - 1]!;

  const at = (batch: number, context: number): number => {
    const beyond = batch > last ? batch / last : 1;
    const b = segment(batches, beyond > 1 ? last : batch);
    const c = segment(contexts, context);
    const u = columns > 1 ? (Math.min(batch, last) - batches[b]!) / (batches[b + 1]! - batches[b]!) : 0;
    const v = contexts.length > 1 ? (context - contexts[c]!) / (contexts[c + 1]! - contexts[c]!) : 0;
    const i = c * columns + b;
    const right = columns > 1 ? 1 : 0;
    const down = contexts.length > 1 ? columns : 0;
    const low = times[i]! + u * (times[i + right]! - times[i]!);
    const high = times[i + down]! + u * (times[i + down + right]! - times[i + down]!);
    return beyond * (low + v * (high - low));
  };
  return (batch, { mean, max }) =>
    Math.round(batch === 1 ? at(1, max) : Math.max(at(1, max), at(batch, mean)));
}

/** Index of the segment of ascending `points` that holds `x`; the first or last one if none does. */
function segment(points: Float64Array, x: number): number {
  let low = 0;
  let high = points.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle]! <= x) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}

function checkGrid({ contexts, batches, stepNs }: StepGrid): void {
  const ascending = (points: number[]) => points.every((x, i) => i === 0 || x > points[i - 1]!);
  if (contexts.length === 0 || !ascending(contexts))
    throw new RangeError(`contexts: expected ascending numbers, found ${contexts.join(', ')}`);
  if (batches[0] !== 1 || !ascending(batches))
    throw new RangeError(`batches: expected ascending numbers from 1, found ${batches.join(', ')}`);
  const full = stepNs.length === contexts.length && stepNs.every((row) => row.length === batches.length);
  if (!full || !stepNs.flat().every((ns) => ns > 0))
    throw new RangeError('stepNs: expected a time above 0 for every context and batch');
}
