/** The results of a sweep as one table, of which all files of results are made. */
import type { Cell, DataColumn } from '../../report/data-table.js';
import { metricType } from '../../report/metrics.js';
import type { SweepDocument } from './document.js';
import { METRIC_NAMES, metricOf, type PointResult } from './results.js';

export interface Column extends DataColumn {
  kind: 'point' | 'axis' | 'metric';
}

/** A column for each axis and each metric that some point has, after the point's own. */
export function sweepColumns({ points, axes }: Pick<SweepDocument, 'points' | 'axes'>): Column[] {
  const point = (
    name: 'index' | 'key' | 'status' | 'exitCode' | 'message',
    type: Column['type'],
  ): Column => ({ name, kind: 'point', type, cells: points.map((of) => of[name]) });
  const metrics = METRIC_NAMES.filter((name) =>
    points.some((of) => of.metrics[name] !== undefined),
  );
  return [
    point('index', 'integer'),
    point('key', 'text'),
    ...axes.map((path) => axisColumn(points, path)),
    point('status', 'text'),
    point('exitCode', 'integer'),
    point('message', 'text'),
    ...metrics.map((name): Column => ({
      name,
      kind: 'metric',
      type: metricType(metricOf(name)),
      cells: points.map((of) => of.metrics[name] ?? null),
    })),
  ];
}

/** Of what its values are if they are all of one kind; lists and mixtures are text. */
function axisColumn(points: readonly PointResult[], path: string): Column {
  const values = points.map(({ axes }) => axes[path]);
  const are = (kind: string) => values.every((value) => typeof value === kind);
  const column = (type: Column['type'], cells: Cell[]): Column => {
    return { name: path, kind: 'axis', type, cells };
  };
  if (are('number'))
    return column(values.every(Number.isSafeInteger) ? 'integer' : 'number', values as number[]);
  if (are('boolean')) return column('boolean', values as boolean[]);
  const text = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  return column('text', text);
}
