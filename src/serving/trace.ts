/**
 * Request traces, read as they are published: CSV with a header (Azure's LLM inference traces unless
 * other columns are named) or JSON lines (Mooncake's). Traces of other makers are read by naming the columns
 * that hold a request's arrival, its prompt tokens and its output tokens.
 */
import Papa from 'papaparse';
import { isRecord, readRecord, type RequestRecord } from './recorded.js';
import type { Request } from './request.js';
import { TraceError } from './trace-error.js';
import { instantNs, WANTED, type TimeUnit } from './trace-time.js';

export { TraceError } from './trace-error.js';

/** Columns of a CSV file, or keys of JSON lines. */
export interface TraceColumns {
  arrival: string;
  input: string;
  output: string;
  /** What `arrival` counts. */
  unit: TimeUnit;
  /** Which of several models a request is for; none unless given. */
  model?: string;
}

export interface TraceOptions {
  /** Where they are not those of the published traces. */
  columns?: Partial<TraceColumns>;
  /** Models that a row may name. */
  models?: readonly string[];
  /** How many requests of it, from its beginning. */
  limit?: number;
  /** Whether rows that cannot be used are left out and counted, rather than refused. */
  skipInvalid?: boolean;
}

export interface Trace {
  format: 'azure' | 'mooncake' | 'csv' | 'JSON lines' | 'recorded';
  /** In the order of their arrival, the first one at 0. */
  requests: Request[];
  /** Whether the file's order was another one. */
  sorted: boolean;
  /** Rows left out, and what is wrong with the first of them. */
  skipped: { rows: number; first?: string };
  /** What else was asked for at which instant, and what came of it, in a trace that an endpoint recorded. */
  record?: RequestRecord;
}

/** No published trace comes near; what is beyond is a damaged file. */
const MAX_TOKENS = 1e8;
const MAX_REQUESTS = 1e6;
/** On either side of the first: nanoseconds of twice as many days are still exact in a double. */
const MOST_DAYS = 50;
const DAY_NS = 86_400_000_000_000n;

const PUBLISHED = {
  csv: { arrival: 'TIMESTAMP', input: 'ContextTokens', output: 'GeneratedTokens', unit: 'iso' },
  lines: { arrival: 'timestamp', input: 'input_length', output: 'output_length', unit: 'ms' },
} as const satisfies Record<string, TraceColumns>;

/** A row's values as they stand there. */
type Cells = [arrival: unknown, input: unknown, output: unknown, model?: unknown];
/** What a request is made of. */
interface Row {
  at: number;
  promptTokens: number;
  outputTokens: number;
  model?: string;
}
/** Takes a row; false: no more. What `cells` throws is a row that cannot be used. */
type Take = (line: number, cells: () => Cells) => boolean;

/**
 * Reads a trace.
 * @param text the file's content
 * @param file its name, for errors
 * @throws TraceError on a damaged, empty or gigantic file
 */
export function readTrace(text: string, file: string, options: TraceOptions = {}): Trace {
  const { columns: given = {}, models = [], limit = Infinity, skipInvalid = false } = options;
  const content = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (isRecord(content)) return recordedTrace(readRecord(content, file, limit), file);
  const kind = content.slice(0, 200).trimStart().startsWith('{') ? 'lines' : 'csv';
  const columns: TraceColumns = { ...PUBLISHED[kind], ...given };
  const rows: Row[] = [];
  const skipped: Trace['skipped'] = { rows: 0 };
  let first: bigint | undefined;
  const take: Take = (line, cells) => {
    const where = `${file}:${line}`;
    try {
      const [arrival, input, output, model] = cells();
      const at = instantOf(arrival, columns, where);
      const tokens = {
        promptTokens: tokensOf(input, columns.input, where),
        outputTokens: tokensOf(output, columns.output, where),
        ...(columns.model !== undefined && { model: modelOf(model, columns.model, models, where) }),
      };
      first ??= at;
      rows.push({ at: sinceFirst(at - first, columns.arrival, where), ...tokens });
    } catch (error) {
      if (!skipInvalid || !(error instanceof TraceError)) throw error;
      if (skipped.rows++ === 0) skipped.first = error.message;
    }
    if (rows.length > MAX_REQUESTS)
      throw new TraceError(
        `${file}: expected at most ${MAX_REQUESTS} requests, found more; take fewer with workload.requests`,
      );
    return rows.length < limit;
  };
  if (kind === 'lines') readLines(content, file, columns, take);
  else readCsv(content, file, columns, take);
  if (rows.length === 0)
    throw new TraceError(`${file}: expected requests, found none${why(skipped)}`);
  return { format: formatOf(kind, given), ...inOrder(rows), skipped };
}

function recordedTrace(record: RequestRecord, file: string): Trace {
  const requests = record.actions.flatMap((action) => ('submit' in action ? action.submit : []));
  if (requests.length === 0)
    throw new TraceError(`${file}: expected requests that were recorded, found none`);
  return { format: 'recorded', requests, sorted: false, skipped: { rows: 0 }, record };
}

function why({ rows, first }: Trace['skipped']): string {
  if (first === undefined) return '';
  return ` that can be used (${rows === 1 ? '1 row is' : `${rows} rows are`} invalid; ${first})`;
}

function formatOf(kind: keyof typeof PUBLISHED, given: object): Trace['format'] {
  if (Object.keys(given).length > 0) return kind === 'csv' ? 'csv' : 'JSON lines';
  return kind === 'csv' ? 'azure' : 'mooncake';
}

function inOrder(rows: Row[]): Pick<Trace, 'requests' | 'sorted'> {
  const sorted = rows.some(({ at }, i) => i > 0 && at < rows[i - 1].at);
  if (sorted) rows.sort((a, b) => a.at - b.at);
  const begin = rows[0].at;
  const requests = rows.map(({ at, ...tokens }, id) => ({ id, arrivalNs: at - begin, ...tokens }));
  return { requests, sorted };
}

/** Reads the header first; columns may stand in any order, with others between them. */
function readCsv(text: string, file: string, columns: TraceColumns, take: Take): void {
  let at: number[] | undefined;
  let line = 1;
  let read = 0;
  Papa.parse<string[]>(text, {
    step({ data, errors, meta: { cursor } }, parser) {
      const where = `${file}:${line}`;
      const unbalanced = errors.find(({ type }) => type === 'Quotes');
      if (unbalanced)
        throw new TraceError(`${where}: expected every quote to be closed, found one that is not`);
      const row = line;
      line += text.slice(read, cursor).match(/\r\n|\r|\n/g)?.length ?? 0;
      const source = text.slice(read, cursor).trim();
      read = cursor;
      if (source === '') return;
      const cells = data.map((cell) => cell.trim());
      if (at === undefined) at = columnsOf(cells, columns, where, source);
      else if (!take(row, () => at!.map((column) => cells[column]) as Cells)) parser.abort();
    },
  });
}

/** Where the columns stand: by their exact name or, without one, by one in other letters. */
function columnsOf(header: string[], columns: TraceColumns, where: string, source: string) {
  const { arrival, input, output, model } = columns;
  const names = [arrival, input, output, ...(model === undefined ? [] : [model])];
  const same = (name: string) => (cell: string) => cell.toLowerCase() === name.toLowerCase();
  const at = names.map((name) =>
    header.includes(name) ? header.indexOf(name) : header.findIndex(same(name)),
  );
  if (!at.includes(-1)) return at;
  throw new TraceError(
    `${where}: expected a header with ${names.join(', ')} or JSON lines, found ${shown(source)}; ` +
      'workload.trace.arrival, input, output and model name other columns',
  );
}

function readLines(text: string, file: string, columns: TraceColumns, take: Take): void {
  let number = 0;
  for (let at = 0; at < text.length;) {
    const next = text.indexOf('\n', at);
    const stop = next < 0 ? text.length : next;
    const line = text.slice(at, stop).trim();
    at = stop + 1;
    number++;
    if (line !== '' && !take(number, () => cellsOf(line, `${file}:${number}`, columns))) return;
  }
}

function cellsOf(line: string, where: string, columns: TraceColumns): Cells {
  const { arrival, input, output, model } = columns;
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    row = undefined;
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new TraceError(`${where}: expected a JSON object, found ${shown(line)}`);
  const values = new Map<string, unknown>(Object.entries(row));
  const named = model === undefined ? [] : [values.get(model)];
  return [values.get(arrival), values.get(input), values.get(output), ...named] as Cells;
}

function instantOf(value: unknown, { arrival, unit }: TraceColumns, where: string): bigint {
  const ns = instantNs(value, unit);
  if (ns !== undefined) return ns;
  const number = unit === 'iso' && instantNs(value, 's') !== undefined;
  throw new TraceError(
    `${where}: ${arrival}: expected ${WANTED[unit]}, found ${shown(value)}` +
      (number ? '; workload.trace.unit says what numbers count' : ''),
  );
}

function sinceFirst(ns: bigint, name: string, where: string): number {
  const most = BigInt(MOST_DAYS) * DAY_NS;
  if (ns <= most && ns >= -most) return Number(ns);
  throw new TraceError(
    `${where}: ${name}: expected a time within ${MOST_DAYS} days of the first, found one ` +
      `${ns / DAY_NS} days from it; take fewer with workload.requests, or set workload.trace.unit`,
  );
}

function modelOf(cell: unknown, name: string, models: readonly string[], where: string): string {
  const model = models.find((one) => one === cell);
  if (model !== undefined) return model;
  throw new TraceError(
    `${where}: ${name}: expected the name of a deployment that serves requests (${models.join(', ')}), found ${shown(cell)}`,
  );
}

/** Spreadsheets write whole numbers as `12.0`. */
function tokensOf(cell: unknown, name: string, where: string): number {
  const value = typeof cell === 'string' && /^\d+(\.0*)?$/.test(cell) ? Number(cell) : cell;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_TOKENS)
    return value;
  throw new TraceError(
    `${where}: ${name}: expected a number of tokens from 1 to ${MAX_TOKENS}, found ${shown(cell)}`,
  );
}

function shown(value: unknown): string {
  // Nested thousands deep, it would exhaust the stack of the function that writes it out.
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object';
  const text = value === undefined || value === '' ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
