/** The Pareto front of a sweep. */
import { frontOf } from '../../report/page/pareto.js';
import { metricOf, type MetricName, type PointResult } from './results.js';

/** Indices of the points on the front of two metrics; those that lack one of them are not on it. */
export function paretoFront(
  points: readonly PointResult[],
  x: MetricName,
  y: MetricName,
): number[] {
  const all = points.flatMap(({ index, metrics }) => {
    const [a, b] = [metrics[x], metrics[y]];
    return typeof a === 'number' && typeof b === 'number' ? [{ index, x: a, y: b }] : [];
  });
  return frontOf(all, metricOf(x).better, metricOf(y).better).map((at) => all[at].index);
}
