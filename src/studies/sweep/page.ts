/** What the page of a sweep shows. */
import { COMPARED } from '../../report/metrics.js';
import type { SweepPageData } from '../../report/page/sweep-data.js';
import type { Column } from './columns.js';
import type { SweepDocument } from './document.js';
import { metricOf, type MetricName } from './results.js';

export function pageOf(
  { base, set, counts, pareto, points }: SweepDocument,
  columns: readonly Column[],
): SweepPageData {
  const { x, y, front } = pareto;
  const rowOf = new Map(points.map(({ index }, row) => [index, row]));
  return {
    title: base,
    set,
    counts,
    columns: columns.map(({ name, kind, type, cells }) => ({
      ...{ name, kind, cells, isNumber: type === 'integer' || type === 'number' },
      ...(kind === 'metric' ? metricTitle(name as MetricName) : { title: name }),
    })),
    pareto: { x, y, front: front.map((index) => rowOf.get(index)!) },
    shown: [...COMPARED],
    operators: points.map(({ operators }) => operators ?? null),
  };
}

function metricTitle(name: MetricName) {
  const { title, unit, better } = metricOf(name);
  return { title, unit, better };
}
