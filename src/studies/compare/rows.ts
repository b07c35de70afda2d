/** Runs side by side as rows: a run in each, or a scenario of it. */
import type { DataTable } from '../../report/data-table.js';
import { summaryTable } from '../../report/run-tables.js';
import type { CompareDocument } from './document.js';

export function compareRows({ runs, rows }: CompareDocument): DataTable {
  return summaryTable(runs, [
    ['name', 'text', (_, i) => rows[i].name],
    ['differenceCycles', 'integer', (_, i) => rows[i].differenceCycles],
  ]);
}
