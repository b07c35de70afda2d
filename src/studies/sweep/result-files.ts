/** The files of results in a store: the same table as CSV, NDJSON, Parquet, and a page. */
import { createHash } from 'node:crypto';
import { csvOf, ndjsonOf } from '../../report/data-table.js';
import { sweepPage } from '../../report/sweep-html.js';
import { parquetOf } from '../../store/parquet.js';
import type { SweepStore } from '../../store/sweep-store.js';
import { sweepColumns } from './columns.js';
import type { SweepDocument } from './document.js';
import { pageOf } from './page.js';

/** Writes them all. @throws HostError */
export function writeResults(document: SweepDocument, store: SweepStore): void {
  const columns = sweepColumns(document);
  store.write('results.csv', csvOf(columns));
  store.write('results.ndjson', ndjsonOf(columns));
  store.write('results.parquet', parquetOf(columns));
  const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');
  store.write('sweep.html', sweepPage(pageOf(document, columns), sha256));
}
