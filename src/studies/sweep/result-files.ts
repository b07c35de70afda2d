/** The files of results in a store: the same table as CSV, NDJSON, Parquet, and a page. */
import { createHash } from 'node:crypto';
import { parquetWriteBuffer, type BasicType } from 'hyparquet-writer';
import Papa from 'papaparse';
import { jsonLine } from '../../report/json.js';
import { sweepPage } from '../../report/sweep-html.js';
import type { SweepStore } from '../../store/sweep-store.js';
import { columnsOf, type Column } from './columns.js';
import type { SweepDocument } from './document.js';
import { pageOf } from './page.js';

/** Writes them all. @throws HostError */
export function writeResults(document: SweepDocument, store: SweepStore): void {
  const columns = columnsOf(document);
  store.write('results.csv', csvOf(columns));
  store.write('results.ndjson', ndjsonOf(columns));
  store.write('results.parquet', parquetOf(columns));
  const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');
  store.write('sweep.html', sweepPage(pageOf(document, columns), sha256));
}

/** As RFC 4180 has it, with a line of names; an empty cell where there is nothing. */
export function csvOf(columns: readonly Column[]): string {
  const fields = columns.map(({ name }) => name);
  const data = rowsOf(columns).map((row) => Object.values(row));
  return `${Papa.unparse({ fields, data }, { newline: '\n' })}\n`;
}

/** An object for each point, null where there is nothing. */
export function ndjsonOf(columns: readonly Column[]): string {
  return rowsOf(columns).map(jsonLine).join('');
}

const PARQUET_TYPES: Record<Column['type'], BasicType> = {
  integer: 'INT64',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  text: 'STRING',
};

/** With types that do not depend on which points have a run; what is null where a column has nothing. */
export function parquetOf(columns: readonly Column[]): Uint8Array {
  const columnData = columns.map(({ name, type, cells }) => ({
    name,
    type: PARQUET_TYPES[type],
    nullable: true,
    data: cells.map((cell) => (type === 'integer' && cell !== null ? BigInt(Number(cell)) : cell)),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'wafersim' }));
}

function rowsOf(columns: readonly Column[]): Record<string, Column['cells'][number]>[] {
  const length = columns[0]?.cells.length ?? 0;
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(columns.map(({ name, cells }) => [name, cells[i]])),
  );
}
