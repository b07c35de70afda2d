/**
 * Serving metrics, each one difference of two instants, as vLLM defines them: TTFT, TPOT, ITL and
 * E2EL as the client sees them; throughput of all users; output speed of one.
 */
import type { ServeResult } from './server.js';
import type { Served } from './request.js';

export interface Distribution {
  mean: number;
  p50: number;
  p90: number;
  p99: number;
}

/** A limit that a request has to meet for goodput, in ms. */
export type Limits = Partial<Record<'ttftMs' | 'tpotMs' | 'e2elMs', number>>;

export interface ServingMetrics {
  requests: {
    arrived: number;
    completed: number;
    rejected: number;
    /** Given up by their clients; where none was it is left out. */
    cancelled?: number;
    unfinished: number;
  };
  /** How many requests were rejected for each kind of reason (without what it needed). */
  rejections: Record<string, number>;
  durationSeconds: number;
  promptTokens: number;
  outputTokens: number;
  ttftMs: Distribution;
  /** Of completed requests with two tokens or more: one value per request. */
  tpotMs: Distribution;
  itlMs: Distribution;
  e2elMs: Distribution;
  /** Mean parts of completed requests; they add up to the mean of `e2elMs`. */
  partsMs: { queue: number; transport: number; prefill: number; decode: number };
  /** Completed requests, and output tokens of all users together, per second. */
  requestThroughput: number;
  outputThroughput: number;
  totalTokenThroughput: number;
  /** Tokens per second of one user: 1/TPOT of one request. Nine in ten are at least as fast as p10. */
  outputSpeed: { p10: number; p50: number; p90: number };
  /** Completed requests per second that meet all limits; all of them if there is none. */
  requestGoodput: number;
  limits: Limits;
}

/** Metrics of a run; distributions of nothing are NaN. */
export function metricsOf(
  { served, gapsNs, endNs }: Omit<ServeResult, 'evictions'>,
  limits: Limits = {},
): ServingMetrics {
  const completed = served.filter(({ outcome }) => outcome === 'completed');
  const rejected = served.filter(({ outcome }) => outcome === 'rejected');
  const cancelled = served.filter(({ outcome }) => outcome === 'cancelled').length;
  const durationSeconds = durationOf(served, endNs);
  const perSecond = (amount: number) => (durationSeconds > 0 ? amount / durationSeconds : 0);
  const tpot = completed.map(tpotMs).filter((ms) => !Number.isNaN(ms));
  const speeds = tpot.map((ms) => 1000 / ms).sort((a, b) => a - b);
  const speed = (q: number) => percentile(speeds, q);
  const outputTokens = sum(served, ({ tokens }) => tokens);
  const promptTokens = sum(completed, ({ request }) => request.promptTokens);
  const good = completed.filter((one) => meets(one, limits)).length;
  const meanMs = (part: (one: Served) => number) => sum(completed, part) / completed.length / 1e6;
  return {
    requests: {
      arrived: served.length,
      completed: completed.length,
      rejected: rejected.length,
      ...(cancelled > 0 && { cancelled }),
      unfinished: served.length - completed.length - rejected.length - cancelled,
    },
    rejections: countBy(
      rejected.map(({ reason }) =>
        reason!.replace(/needs \d+ (.*), at most/, 'needs more $1 than fit: at most'),
      ),
    ),
    durationSeconds,
    promptTokens,
    outputTokens,
    ttftMs: distribution(completed.map(ttftMs).filter((ms) => !Number.isNaN(ms))),
    tpotMs: distribution(tpot),
    itlMs: distribution(gapsNs, 1e-6),
    e2elMs: distribution(completed.map(e2elMs)),
    partsMs: {
      queue: meanMs(({ queueNs }) => queueNs),
      transport: meanMs(({ transportNs }) => transportNs),
      prefill: meanMs(({ prefillNs }) => prefillNs),
      decode: meanMs(({ decodeNs }) => decodeNs),
    },
    requestThroughput: perSecond(completed.length),
    outputThroughput: perSecond(outputTokens),
    totalTokenThroughput: perSecond(outputTokens + promptTokens),
    outputSpeed: { p10: speed(10), p50: speed(50), p90: speed(90) },
    requestGoodput: perSecond(good),
    limits,
  };
}

export function ttftMs({ firstTokenNs, arrivalNs }: Served): number {
  return (firstTokenNs - arrivalNs) / 1e6;
}

/** NaN for a request with one token only. */
export function tpotMs({ lastTokenNs, firstTokenNs, tokens }: Served): number {
  return tokens > 1 ? (lastTokenNs - firstTokenNs) / (tokens - 1) / 1e6 : NaN;
}

export function e2elMs({ lastTokenNs, arrivalNs }: Served): number {
  return (lastTokenNs - arrivalNs) / 1e6;
}

/** A request with one token has no TPOT to break. */
export function meets(one: Served, limits: Limits): boolean {
  const { ttftMs: ttft = Infinity, tpotMs: tpot = Infinity, e2elMs: e2el = Infinity } = limits;
  return ttftMs(one) <= ttft && !(tpotMs(one) > tpot) && e2elMs(one) <= e2el;
}

/** Every fifth percentile, 0 to 100, of the values of completed requests; empty of none. */
export function percentilesOf(served: readonly Served[], of: (one: Served) => number): number[] {
  const values = served
    .filter(({ outcome }) => outcome === 'completed')
    .map(of)
    .filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  if (values.length === 0) return [];
  return Array.from({ length: 21 }, (_, i) => percentile(values, 5 * i));
}

function distribution(unordered: ArrayLike<number>, scale = 1): Distribution {
  const values = Float64Array.from(unordered).sort();
  const at = (q: number) => percentile(values, q) * scale;
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return { mean: (total / values.length) * scale, p50: at(50), p90: at(90), p99: at(99) };
}

/** Percentile `q` (0 to 100) of ascending values, by linear interpolation; NaN of none. */
export function percentile(ascending: ArrayLike<number>, q: number): number {
  if (ascending.length === 0) return NaN;
  const at = ((ascending.length - 1) * q) / 100;
  const low = Math.floor(at);
  const high = Math.min(low + 1, ascending.length - 1);
  return ascending[low] + (at - low) * (ascending[high] - ascending[low]);
}

/** From the first arrival to the last token that a client saw, or to the horizon. */
function durationOf(served: Served[], endNs: number): number {
  let first = Infinity;
  let last = -Infinity;
  for (const { arrivalNs, lastTokenNs, outcome } of served) {
    if (arrivalNs < first) first = arrivalNs;
    const end = outcome === 'unfinished' ? endNs : lastTokenNs;
    if (end > last) last = end;
  }
  return last > first ? (last - first) / 1e9 : 0;
}

function sum(served: Served[], of: (one: Served) => number): number {
  let total = 0;
  for (const one of served) total += of(one);
  return total;
}

function countBy(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
