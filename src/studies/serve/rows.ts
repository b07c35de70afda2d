/** Requests as rows of NDJSON and CSV; times in integer nanoseconds, so that parts add up exactly. */
import { csvOf, dataTable, type ColumnOf } from '../../report/data-table.js';
import type { Served } from '../../serving/request.js';

/** Rows of a piece: many requests would be more text than one string holds. */
const PIECE = 10_000;

/** One row per request that arrived, with the times of its tokens where they are given, each ending with a line break, in pieces. */
export function* servingRows(
  scenario: string,
  served: readonly Served[],
  tokensNs?: readonly (readonly number[])[],
): Generator<string> {
  for (const piece of piecesOf(served))
    yield piece
      .map((one) => {
        const tokens = tokensNs?.[one.request.id];
        const row = { ...rowOf(scenario, one), ...(tokensNs && { tokensNs: tokens }) };
        return `${JSON.stringify(row)}\n`;
      })
      .join('');
}

/** The same without the times of tokens, of all scenarios under one line of names. */
export function* servingCsv(
  scenarios: readonly { scenario: string; served: readonly Served[] }[],
): Generator<string> {
  yield csvOf(dataTable([], COLUMNS));
  for (const { scenario, served } of scenarios)
    for (const piece of piecesOf(served)) {
      const rows = piece.map((one) => rowOf(scenario, one));
      yield csvOf(dataTable(rows, COLUMNS), { header: false });
    }
}

function* piecesOf(served: readonly Served[]): Generator<readonly Served[]> {
  for (let i = 0; i < served.length; i += PIECE) yield served.slice(i, i + PIECE);
}

type Row = ReturnType<typeof rowOf>;

function rowOf(scenario: string, one: Served) {
  const { request, outcome, reason, tokens, arrivalNs, firstTokenNs, lastTokenNs } = one;
  const { queueNs, transportNs, prefillNs, decodeNs } = one;
  return {
    ...(scenario !== '' && { scenario }),
    id: request.id,
    ...(request.session !== undefined && { session: request.session }),
    outcome,
    ...(reason !== undefined && { reason }),
    promptTokens: request.promptTokens,
    outputTokens: request.outputTokens,
    tokens,
    arrivalNs,
    ttftNs: firstTokenNs - arrivalNs,
    e2elNs: lastTokenNs - arrivalNs,
    queueNs,
    transportNs,
    prefillNs,
    decodeNs,
  };
}

const text = (name: 'scenario' | 'outcome' | 'reason'): ColumnOf<Row> => [
  name,
  'text',
  (row) => row[name],
];
const integer = (name: Exclude<keyof Row, 'scenario' | 'outcome' | 'reason'>): ColumnOf<Row> => [
  name,
  'integer',
  (row) => row[name],
];

const COLUMNS: readonly ColumnOf<Row>[] = [
  text('scenario'),
  integer('id'),
  integer('session'),
  text('outcome'),
  text('reason'),
  ...(['promptTokens', 'outputTokens', 'tokens'] as const).map(integer),
  ...(['arrivalNs', 'ttftNs', 'e2elNs'] as const).map(integer),
  ...(['queueNs', 'transportNs', 'prefillNs', 'decodeNs'] as const).map(integer),
];
