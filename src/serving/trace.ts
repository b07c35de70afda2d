/**
 * Published request traces, read as they are: Azure LLM inference traces (CSV: TIMESTAMP,
 * ContextTokens, GeneratedTokens) and Mooncake traces (JSON lines: timestamp in ms, input_length,
 * output_length).
 */
import type { Request } from './request.js';

/** A trace that cannot be used; one line, `file:line: what was expected, what was found`. */
export class TraceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TraceError';
  }
}

export interface Trace {
  format: 'azure' | 'mooncake';
  /** In the order of their arrival, the first one at 0. */
  requests: Request[];
  /** Whether the file's order was another one. */
  sorted: boolean;
}

/** No published trace comes near; what is beyond is a damaged file. */
const MAX_TOKENS = 1e8;
const MAX_REQUESTS = 1e6;

type Row = [arrivalNs: number, promptTokens: number, outputTokens: number];

/**
 * Reads a trace.
 * @param text the file's content
 * @param file its name, for errors
 * @param limit how many requests of it, from its beginning
 * @throws TraceError on a damaged, empty or gigantic file
 */
export function readTrace(text: string, file: string, limit = Infinity): Trace {
  const begin = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const format = text
    .slice(begin, begin + 200)
    .trimStart()
    .startsWith('{')
    ? 'mooncake'
    : 'azure';
  const readLine = format === 'mooncake' ? mooncakeRow : azureReader();
  const rows: Row[] = [];
  let number = 0;
  for (let at = begin; at < text.length && rows.length < limit;) {
    const next = text.indexOf('\n', at);
    const stop = next < 0 ? text.length : next;
    const line = text.slice(at, stop).trim();
    at = stop + 1;
    number++;
    if (line === '') continue;
    const row = readLine(line, `${file}:${number}`);
    if (row) rows.push(row);
    if (rows.length > MAX_REQUESTS)
      throw new TraceError(
        `${file}: expected at most ${MAX_REQUESTS} requests, found more; take fewer with workload.requests`,
      );
  }
  if (rows.length === 0) throw new TraceError(`${file}: expected requests, found none`);
  return { format, ...inOrder(rows) };
}

function inOrder(rows: Row[]): Pick<Trace, 'requests' | 'sorted'> {
  const sorted = rows.some(([time], i) => i > 0 && time < rows[i - 1][0]);
  if (sorted) rows.sort((a, b) => a[0] - b[0]);
  const begin = rows[0][0];
  const requests = rows.map(([time, promptTokens, outputTokens], id) => {
    return { id, arrivalNs: time - begin, promptTokens, outputTokens };
  });
  return { requests, sorted };
}

const AZURE = ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'];

/** Reads the header first, then one row per line; columns may stand in any order, beside others. */
function azureReader(): (line: string, where: string) => Row | undefined {
  let columns: number[] | undefined;
  let beginMs: number | undefined;
  return (line, where) => {
    const cells = line.split(',').map((cell) => cell.trim());
    if (columns === undefined) {
      columns = AZURE.map((name) =>
        cells.findIndex((cell) => cell.toLowerCase() === name.toLowerCase()),
      );
      const missing = AZURE.find((_, i) => columns![i] === -1);
      if (missing === undefined) return undefined;
      throw new TraceError(
        `${where}: expected a header with ${AZURE.join(', ')} or JSON lines, found ${shown(line)}`,
      );
    }
    const [stamp, prompt, output] = columns.map((column) => cells[column]);
    const { ms, ns } = timestamp(stamp, where);
    beginMs ??= ms;
    return [
      (ms - beginMs) * 1e6 + ns,
      tokens(prompt, 'ContextTokens', where),
      tokens(output, 'GeneratedTokens', where),
    ];
  };
}

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)?$/;

/** Whole seconds in ms, and the fraction in ns: together they are beyond what a double holds. */
function timestamp(text: string | undefined, where: string): { ms: number; ns: number } {
  const match = TIMESTAMP.exec(text ?? '');
  const [year, month, day, hour, minute, second] = (match ?? []).slice(1, 7).map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  if (match === null || Number.isNaN(ms))
    throw new TraceError(
      `${where}: TIMESTAMP: expected a time such as 2023-11-16 18:15:46.6805900, found ${shown(text)}`,
    );
  return { ms, ns: Number((match[7] ?? '').padEnd(9, '0')) };
}

function mooncakeRow(line: string, where: string): Row {
  let row: Record<string, unknown> | null;
  try {
    row = JSON.parse(line) as Record<string, unknown> | null;
  } catch {
    throw new TraceError(`${where}: expected a JSON object, found ${shown(line)}`);
  }
  const ms = row?.['timestamp'];
  if (typeof ms !== 'number' || !(ms >= 0) || ms > 1e12)
    throw new TraceError(`${where}: timestamp: expected milliseconds, found ${shown(ms)}`);
  return [
    Math.round(ms * 1e6),
    tokens(row!['input_length'], 'input_length', where),
    tokens(row!['output_length'], 'output_length', where),
  ];
}

function tokens(cell: unknown, name: string, where: string): number {
  const value = typeof cell === 'string' && /^\d+$/.test(cell) ? Number(cell) : cell;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_TOKENS)
    return value;
  throw new TraceError(
    `${where}: ${name}: expected a number of tokens from 1 to ${MAX_TOKENS}, found ${shown(cell)}`,
  );
}

function shown(value: unknown): string {
  // Nested thousands deep, it would exhaust the stack of whoever writes it out.
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object';
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
