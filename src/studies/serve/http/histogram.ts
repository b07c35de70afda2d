/** Counts of values by upper bounds, as Prometheus keeps them; the last count is of what is above all bounds. */
export interface Histogram {
  readonly bounds: readonly number[];
  counts: Float64Array;
  sum: number;
  count: number;
}

export function histogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: new Float64Array(bounds.length + 1), sum: 0, count: 0 };
}

export function observe(into: Histogram, value: number): void {
  let at = 0;
  while (at < into.bounds.length && value > into.bounds[at]) at++;
  into.counts[at]++;
  into.sum += value;
  into.count++;
}
