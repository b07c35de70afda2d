/** Benchmarks as rows: a metric of a case in each, next to its baseline where it differs. */
import { flatTable, type DataTable } from '../../report/data-table.js';
import type { BenchDifference, BenchDocument, BenchMetric } from './document.js';

/** A metric of a case; `failed` is why a case has none, `before` what the baseline has, if it differs. */
type Row = { id: string; metric?: string; failed?: string } & Partial<BenchMetric> &
  Partial<Pick<BenchDifference, 'before' | 'change' | 'verdict'>>;

export function benchRows({ cases, comparison }: BenchDocument): DataTable {
  const differences = comparison?.differences ?? [];
  const measured = cases.flatMap(({ id, metrics, failed }): Row[] => {
    if (failed !== undefined) return [{ id, failed }];
    return Object.entries(metrics).map(([metric, measured]) => {
      const {
        operators: _,
        after: __,
        ...found
      } = differences.find((one) => one.id === id && one.metric === metric) ?? {};
      return { id, metric, ...measured, ...found };
    });
  });
  const known = new Set(measured.map(({ id, metric }) => `${id} ${metric}`));
  const gone = differences
    .filter(({ id, metric }) => metric !== undefined && !known.has(`${id} ${metric}`))
    .map(({ operators: _, after: __, ...row }) => row);
  return flatTable([...measured, ...gone]);
}
