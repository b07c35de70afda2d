/** How numbers of cores become places on a scale of colours, 0 to 1. */

export const SCALES = ['linear', 'log', 'percentile'] as const;
export type ScaleName = (typeof SCALES)[number];

export interface Scale {
  least: number;
  /** The number in the middle of the colours. */
  middle: number;
  most: number;
  /** Where a number stands, 0 to 1; numbers beyond the ends stand at them. */
  shareOf: (value: number) => number;
}

/**
 * A scale from the least to the largest of `values`, which it may sort. `linear` goes with the numbers, `log` with their
 * logarithms (0 and below stand at the low end), `percentile` with how many cores have less.
 */
export function scaleOf(name: ScaleName, values: Float64Array): Scale {
  if (values.length === 0) return { least: 0, middle: 0, most: 0, shareOf: () => 0 };
  return name === 'percentile' ? byRank(values) : name === 'log' ? byLog(values) : linear(values);
}

/** From `-most` to `most`, 0 in the middle: of differences. */
export function differenceScale(values: Float64Array): Scale {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  const { shareOf, ...ends } = between(-most, most);
  return { ...ends, shareOf: (value) => (most === 0 ? 0.5 : shareOf(value)) };
}

function linear(values: Float64Array): Scale {
  const [least, most] = endsOf(values);
  return between(least, most);
}

function between(least: number, most: number): Scale {
  const width = most - least;
  const shareOf = (value: number) => (width === 0 ? 0 : bounded((value - least) / width));
  return { least, middle: (least + most) / 2, most, shareOf };
}

function byLog(values: Float64Array): Scale {
  const [lowest, most] = endsOf(values);
  if (most <= 0) return between(lowest, most);
  let least = most;
  for (const value of values) if (value > 0 && value < least) least = value;
  const width = Math.log(most / least);
  // One number only, and nothing: these are the two ends.
  const only = values.some((value) => value <= 0) ? 1 : 0;
  const shareOf = (value: number) => {
    if (value <= 0) return 0;
    return width === 0 ? only : bounded(Math.log(value / least) / width);
  };
  return { least: lowest, middle: Math.sqrt(least * most), most, shareOf };
}

function byRank(values: Float64Array): Scale {
  const sorted = values.sort();
  const { length } = sorted;
  const most = sorted[length - 1];
  // Equal numbers have one place: in the middle of their ranks.
  const lowest = midrank(sorted, sorted[0]);
  const width = midrank(sorted, most) - lowest;
  const shareOf = (value: number) =>
    width === 0 ? 0 : bounded((midrank(sorted, value) - lowest) / width);
  return { least: sorted[0], middle: sorted[length >> 1], most, shareOf };
}

/** How many numbers are less, and half of those that are equal. */
function midrank(sorted: Float64Array, value: number): number {
  return (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2;
}

/** How many of ascending numbers are less than a value, or with `orEqual` not more. */
function countBelow(sorted: Float64Array, value: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value || (orEqual && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function endsOf(values: Float64Array): [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

const bounded = (share: number) => Math.min(1, Math.max(0, share));
