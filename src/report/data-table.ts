/** Results as columns of raw numbers, for files and for other programs; their units stand in the names. Pure. */
import Papa from 'papaparse';
import { markdownTable } from './format.js';
import { jsonLine } from './json.js';

/** Null where there is nothing, or no number. */
export type Cell = string | number | boolean | null;

export interface DataColumn {
  name: string;
  /** What its cells are, whatever of it there is; places are whole numbers of 32 bits. */
  type: 'integer' | 'place' | 'number' | 'boolean' | 'text';
  cells: readonly Cell[];
}

/** Columns of one length. */
export type DataTable = readonly DataColumn[];

/** A column's name, what its cells are, and a row's cell. */
export type ColumnOf<Row> = [
  name: string,
  type: DataColumn['type'],
  of: (row: Row) => Cell | undefined,
];

/** A table with a row for each of `rows`; columns that no row has anything in stay, so that files of one kind are alike. */
export function dataTable<Row>(rows: readonly Row[], columns: readonly ColumnOf<Row>[]): DataTable {
  return columns.map(([name, type, of]) => ({
    name,
    type,
    cells: rows.map((row) => cellOf(of(row))),
  }));
}

function cellOf(value: Cell | undefined): Cell {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return null;
  return value;
}

/**
 * A table of records: a column for each plain value that some of them have, `a.b` for what is in another record; lists are
 * JSON. Names of fields have their units.
 */
export function flatTable(records: readonly object[]): DataTable {
  const rows = records.map((record) => new Map(leavesOf(record)));
  const names = new Set(rows.flatMap((row) => [...row.keys()]));
  return [...names].map((name) => {
    const cells = rows.map((row) => cellOf(row.get(name)));
    return { name, type: typeOf(cells), cells };
  });
}

function leavesOf(value: object, path = ''): [string, Cell][] {
  return Object.entries(value).flatMap(([key, of]: [string, unknown]) => {
    const name = path === '' ? key : `${path}.${key}`;
    if (Array.isArray(of)) return [[name, JSON.stringify(of)]];
    return typeof of === 'object' && of !== null ? leavesOf(of, name) : [[name, of as Cell]];
  });
}

function typeOf(cells: readonly Cell[]): DataColumn['type'] {
  const there = cells.filter((cell) => cell !== null);
  const are = (kind: string) => there.length > 0 && there.every((cell) => typeof cell === kind);
  if (are('boolean')) return 'boolean';
  if (!are('number')) return 'text';
  return there.every((cell) => Number.isSafeInteger(cell)) ? 'integer' : 'number';
}

/** The cells of each row. */
function linesOf(table: DataTable): Cell[][] {
  const length = table[0]?.cells.length ?? 0;
  return Array.from({ length }, (_, i) => table.map(({ cells }) => cells[i]));
}

/** An object for each row, null where there is nothing. */
export function rowsOf(table: DataTable): Record<string, Cell>[] {
  return linesOf(table).map((cells) =>
    Object.fromEntries(table.map(({ name }, column) => [name, cells[column]])),
  );
}

/** As RFC 4180 has it, with a line of names; an empty cell where there is nothing. */
export function csvOf(table: DataTable, { header = true } = {}): string {
  const fields = table.map(({ name }) => name);
  const data = linesOf(table);
  if (data.length === 0 && !header) return '';
  return `${Papa.unparse({ fields, data }, { newline: '\n', header })}\n`;
}

/** A line of JSON for each row. */
export function ndjsonOf(table: DataTable): string {
  return rowsOf(table).map(jsonLine).join('');
}

/** Text to the left, numbers to the right. */
export function markdownOf(table: DataTable): string {
  const head = table.map(({ name }) => name);
  const rows = linesOf(table).map((cells) =>
    cells.map((cell) => (cell === null ? '' : String(cell).replaceAll('\n', ' '))),
  );
  const rule = table.map(({ type }) => (type === 'text' ? ':--' : '--:'));
  return `${markdownTable(head, rows, rule)}\n`;
}
