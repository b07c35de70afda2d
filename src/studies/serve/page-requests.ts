/** Requests as a page lists them: a column for each number, in ms, the first of very many only. */
import type { ServedRequests } from '../../report/page/serving-data.js';
import { e2elMs, meets, tpotMs, ttftMs, type Limits } from '../../serving/metrics.js';
import type { Served } from '../../serving/request.js';

/** Of all scenarios together: more make the page slow, and larger than it should be. */
const MOST_REQUESTS = 4_000;

type Cell = string | number | boolean | null;

/** @param scenarios how many share the page */
export function pageRequests(
  served: readonly Served[],
  limits: Limits,
  scenarios: number,
): ServedRequests {
  const first = served.slice(0, Math.floor(MOST_REQUESTS / scenarios));
  const column = (
    name: string,
    title: string,
    of: (one: Served) => Cell | undefined,
    unit?: string,
  ) => {
    const cells = first.map((one) => shown(of(one)));
    const isNumber = cells.every((cell) => cell === null || typeof cell === 'number');
    return { name, title, isNumber, cells, ...(unit !== undefined && { unit }) };
  };
  const ms = (name: string, title: string, of: (one: Served) => number) =>
    column(name, title, of, 'ms');
  const columns = [
    column('id', 'request', ({ request }) => request.id),
    column('session', 'session', ({ request }) => request.session),
    column('outcome', 'outcome', ({ outcome }) => outcome),
    column('good', 'within the limits', (one) => one.outcome === 'completed' && meets(one, limits)),
    column('reason', 'reason', ({ reason }) => reason),
    column('promptTokens', 'prompt tokens', ({ request }) => request.promptTokens),
    column('tokens', 'output tokens', ({ tokens }) => tokens),
    column('arrivalSeconds', 'arrival, s', ({ arrivalNs }) => arrivalNs / 1e9, 's'),
    ms('ttftMs', 'TTFT, ms', ttftMs),
    ms('tpotMs', 'TPOT, ms', tpotMs),
    ms('e2elMs', 'E2EL, ms', e2elMs),
    ms('queueMs', 'queue, ms', ({ queueNs }) => queueNs / 1e6),
    ms('prefillMs', 'prefill, ms', ({ prefillNs }) => prefillNs / 1e6),
    ms('decodeMs', 'decode, ms', ({ decodeNs }) => decodeNs / 1e6),
    ms('transportMs', 'transport, ms', ({ transportNs }) => transportNs / 1e6),
  ].filter(({ cells }) => cells.some((cell) => cell !== null));
  return { total: served.length, columns };
}

/** To a millionth; nothing for what did not happen. */
function shown(value: Cell | undefined): Cell {
  if (value === undefined) return null;
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) ? Math.round(value * 1e6) / 1e6 : null;
}
