/** What happened when: arrivals, requests in the system and output tokens by interval of time. */
import { meets, type Limits } from './metrics.js';
import type { Served } from './request.js';

export interface Series {
  intervalSeconds: number;
  arrived: number[];
  /** Requests between arrival and last token, on average over the interval. */
  inSystem: number[];
  /** A request's tokens spread evenly from its first to its last. */
  outputTokensPerSecond: number[];
  /** Requests that were completed within all limits, by the interval of their last token. */
  good?: number[];
}

/** Cuts the time from 0 to the last event into `intervals` equal ones. */
export function seriesOf(
  served: readonly Served[],
  endNs: number,
  intervals: number,
  limits: Limits = {},
): Series {
  const width = Math.max(endNs, 1) / intervals;
  const zeros = () => Array.from({ length: intervals }, () => 0);
  const series = { arrived: zeros(), inSystem: zeros(), tokens: zeros(), good: zeros() };
  const intervalOf = (ns: number) => Math.min(intervals - 1, Math.floor(ns / width));
  for (const one of served) {
    const { arrivalNs, firstTokenNs, lastTokenNs, tokens, outcome } = one;
    series.arrived[intervalOf(arrivalNs)]++;
    if (outcome === 'completed' && meets(one, limits)) series.good[intervalOf(lastTokenNs)]++;
    if (outcome === 'rejected') continue;
    const left = outcome === 'cancelled' ? arrivalNs + lengthNs(one) : endNs;
    const end = Number.isNaN(lastTokenNs) ? left : lastTokenNs;
    spread(series.inSystem, arrivalNs / width, end / width, end / width - arrivalNs / width);
    if (tokens > 0) spread(series.tokens, firstTokenNs / width, end / width, tokens);
  }
  const intervalSeconds = width / 1e9;
  const outputTokensPerSecond = series.tokens.map((tokens) => tokens / intervalSeconds);
  return {
    intervalSeconds,
    arrived: series.arrived,
    inSystem: series.inSystem,
    outputTokensPerSecond,
    good: series.good,
  };
}

/** From its arrival to its end, or to the end of the run. */
function lengthNs({ queueNs, transportNs, prefillNs, decodeNs }: Served): number {
  return queueNs + transportNs + prefillNs + decodeNs;
}

/** Adds `amount` to the intervals between two instants, by their share of the time. */
function spread(into: number[], from: number, to: number, amount: number): void {
  const last = into.length - 1;
  const begin = Math.min(last, Math.floor(from));
  const end = Math.min(last, Math.floor(to));
  for (let i = begin; i <= end; i++) {
    const part = Math.min(to, i === last ? Infinity : i + 1) - Math.max(from, i);
    into[i] += to > from ? (amount * part) / (to - from) : amount / (end - begin + 1);
  }
}
