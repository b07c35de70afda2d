/** A record of a driver (record.ts) read again, to be served again and compared. */
import { RECORD_SCHEMA, type Action, type RecordedTokens } from './record.js';
import type { Request } from './request.js';
import { TraceError } from './trace-error.js';

export interface RequestRecord {
  /** Requests have ids 0, 1, ... in the order of their submission. */
  actions: Action[];
  /** Of those whose end was recorded. */
  tokens: RecordedTokens[];
  /** Up to when it goes, if it was ended: what had not ended by then had no end. */
  endNs?: number;
}

/** Whether a file's beginning is that of a record. */
export function isRecord(text: string): boolean {
  const end = text.indexOf('\n');
  return end > 0 && end < 200 && text.slice(0, end).includes(RECORD_SCHEMA);
}

/**
 * @param file its name, for errors
 * @param limit how many requests of it, from its beginning
 * @throws TraceError on a line that is none; a last one that was not written to its end is left out
 */
export function readRecord(text: string, file: string, limit = Infinity): RequestRecord {
  const record: RequestRecord = { actions: [], tokens: [] };
  /** Ids as they were recorded -> as they are counted here. */
  const ids = new Map<number, number>();
  let time = 0;
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
  for (const [i, line] of lines.entries()) {
    if (i === 0 || line.trim() === '') continue;
    const values = valuesOf(line, `${file}:${i + 1}`);
    const { integer } = values;
    const requestOf = (key: string) => ids.get(integer(key));
    if (values.has('request')) {
      const request = requestOf('request');
      const tokensNs = values.integers('tokensNs');
      if (request !== undefined)
        record.tokens.push({ request, outcome: values.text('outcome'), tokensNs });
      continue;
    }
    const at = integer('at', time);
    time = at;
    if (values.has('end')) record.endNs = at;
    else if (values.has('close')) record.actions.push({ at, close: integer('close') });
    else if (values.has('cancel') || values.has('finish')) {
      const kind = values.has('cancel') ? 'cancel' : 'finish';
      const id = requestOf(kind);
      if (id !== undefined) record.actions.push({ at, [kind]: id } as Action);
    } else if (ids.size < limit) record.actions.push({ at, submit: submitted(values, at, ids) });
  }
  return record;
}

/** A request as it was submitted, with the next number here. */
function submitted(values: Values, at: number, ids: Map<number, number>): Request {
  const { integer, has } = values;
  const recorded = integer('submit');
  if (ids.has(recorded)) values.fail('submit', 'a number that no request before has');
  const id = ids.size;
  ids.set(recorded, id);
  return {
    id,
    arrivalNs: at,
    promptTokens: integer('promptTokens', 1),
    outputTokens: integer('outputTokens'),
    ...(has('session') && { session: integer('session') }),
    // What is not in the record is no request's.
    ...(has('parent') && { parent: ids.get(integer('parent')) ?? -1 }),
    ...(has('historyTokens') && { historyTokens: integer('historyTokens') }),
    ...(values.flag('keep') && { keep: true }),
  };
}

type Values = ReturnType<typeof valuesOf>;

/** The values of a line by their keys. */
function valuesOf(line: string, where: string) {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    json = undefined;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new TraceError(`${where}: expected a JSON object, found ${line.slice(0, 60)}`);
  const values = new Map<string, unknown>(Object.entries(json));
  const fail = (key: string, wanted: string): never => {
    const found = JSON.stringify(values.get(key))?.slice(0, 60) ?? 'nothing';
    throw new TraceError(`${where}: ${key}: expected ${wanted}, found ${found}`);
  };
  const isInteger = (value: unknown, least: number): value is number =>
    Number.isSafeInteger(value) && (value as number) >= least;
  const isList = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((one) => isInteger(one, 0));
  return {
    fail,
    has: (key: string) => values.has(key),
    integer: (key: string, least = 0): number => {
      const value = values.get(key);
      return isInteger(value, least) ? value : fail(key, `an integer from ${least} on`);
    },
    integers: (key: string): number[] => {
      const value = values.get(key);
      return isList(value) ? value : fail(key, 'a list of integers');
    },
    text: (key: string): string => {
      const value = values.get(key);
      return typeof value === 'string' ? value : fail(key, 'a text');
    },
    flag: (key: string): boolean => {
      const value = values.get(key) ?? false;
      return typeof value === 'boolean' ? value : fail(key, 'true or false');
    },
  };
}
