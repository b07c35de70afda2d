/** Metrics of five requests, by hand: what each counts, and which requests it leaves out. */
import { describe, expect, it } from 'vitest';
import { metricsOf, percentilesOf, tpotMs, ttftMs, type Limits } from '../src/serving/metrics.js';
import type { Outcome, Served } from '../src/serving/request.js';
import { seriesOf } from '../src/serving/series.js';
import { request } from './serving-helpers.js';

const ns = (ms: number) => ms * 1e6;

/** Times in ms, from the first arrival's clock on; NaN for what has not happened. */
function one(
  id: number,
  outcome: Outcome,
  [arrival, first, last]: [number, number, number],
  [prompt, tokens]: [number, number],
  parts: [queue: number, transport: number, prefill: number, decode: number] = [0, 0, 0, 0],
): Served {
  const [queueNs, transportNs, prefillNs, decodeNs] = parts.map(ns);
  return {
    request: request(id, ns(arrival), prompt, 20),
    outcome,
    ...(outcome === 'rejected' && {
      reason: 'needs 1100 positions of KV cache, at most 1000 fit',
    }),
    arrivalNs: ns(arrival),
    queuedNs: ns(arrival),
    firstTokenNs: ns(first),
    lastTokenNs: ns(last),
    tokens,
    queueNs,
    transportNs,
    prefillNs,
    decodeNs,
  };
}

// TTFT 100, 200, 400 ms; TPOT 100, 50 ms and none; E2EL 300, 700, 400 ms.
const SERVED = [
  one(0, 'completed', [500, 600, 800], [10, 3], [10, 40, 70, 180]),
  one(1, 'completed', [1000, 1200, 1700], [20, 11], [50, 20, 130, 500]),
  one(2, 'completed', [2000, 2400, 2400], [30, 1], [300, 30, 70, 0]),
  one(3, 'rejected', [3000, NaN, NaN], [1000, 0]),
  one(4, 'unfinished', [4000, 4500, NaN], [50, 4]),
];
const RUN = { served: SERVED, gapsNs: Float64Array.of(ns(50), ns(10), ns(100)), endNs: ns(10_500) };

describe('metrics of five requests', () => {
  const metrics = metricsOf(RUN);

  it('count what became of each, and why', () => {
    expect(metrics.requests).toEqual({ arrived: 5, completed: 3, rejected: 1, unfinished: 1 });
    expect(metrics.rejections).toEqual({
      'needs more positions of KV cache than fit: at most 1000 fit': 1,
    });
    const another = { ...SERVED[3], reason: 'needs 1200 positions of KV cache, at most 1000 fit' };
    expect(metricsOf({ ...RUN, served: [...SERVED, another] }).rejections).toEqual({
      'needs more positions of KV cache than fit: at most 1000 fit': 2,
    });
  });

  it('last from the first arrival to the horizon, while a request is unfinished', () => {
    expect(metrics.durationSeconds).toBe(10);
    const ended = metricsOf({ ...RUN, served: SERVED.slice(0, 4) });
    // To the last token that a client saw: at 2.4 s.
    expect(ended.durationSeconds).toBe(1.9);
    expect(metricsOf({ ...RUN, served: [] }).durationSeconds).toBe(0);
  });

  it('have the tokens of all requests out, and those of completed prompts in, per second', () => {
    expect([metrics.outputTokens, metrics.promptTokens]).toEqual([19, 60]);
    expect(metrics.outputThroughput).toBe(1.9);
    expect(metrics.totalTokenThroughput).toBe(7.9);
    expect(metrics.requestThroughput).toBe(0.3);
  });

  it('have latencies of completed requests, to the microsecond and below', () => {
    const { ttftMs: ttft, tpotMs: tpot, itlMs: itl, e2elMs: e2el } = metrics;
    expect(ttft.mean).toBeCloseTo(700 / 3, 9);
    expect([ttft.p50, ttft.p90]).toEqual([200, 360]);
    expect(ttft.p99).toBeCloseTo(396, 9);
    expect([tpot.mean, tpot.p50, tpot.p90]).toEqual([75, 75, 95]);
    expect(tpot.p99).toBeCloseTo(99.5, 9);
    expect(itl.mean).toBeCloseTo(160 / 3, 9);
    expect([itl.p50, itl.p90]).toEqual([50, 90]);
    expect(itl.p99).toBeCloseTo(99, 9);
    expect(e2el.mean).toBeCloseTo(1400 / 3, 9);
    expect([e2el.p50, e2el.p90]).toEqual([400, 640]);
    expect(e2el.p99).toBeCloseTo(694, 9);
  });

  it('have output speeds of single users, 10 and 20 tokens/s, the slow end as p10', () => {
    expect(metrics.outputSpeed.p10).toBeCloseTo(11, 9);
    expect(metrics.outputSpeed.p50).toBeCloseTo(15, 9);
    expect(metrics.outputSpeed.p90).toBeCloseTo(19, 9);
  });

  it('have the mean parts of completed requests, which add up to their mean latency', () => {
    const { queue, transport, prefill, decode } = metrics.partsMs;
    expect([queue, transport, prefill].map((ms) => 3 * ms)).toEqual([360, 90, 270]);
    expect(decode).toBeCloseTo(680 / 3, 9);
    expect(queue + transport + prefill + decode).toBeCloseTo(metrics.e2elMs.mean, 9);
  });

  it.each<[Limits, number]>([
    [{}, 0.3],
    [{ ttftMs: 200 }, 0.2],
    [{ ttftMs: 199.999 }, 0.1],
    [{ tpotMs: 100 }, 0.3],
    // A request with one token has no time between tokens.
    [{ tpotMs: 99.999 }, 0.2],
    [{ tpotMs: 49.999 }, 0.1],
    [{ e2elMs: 700 }, 0.3],
    [{ e2elMs: 699.999 }, 0.2],
    [{ ttftMs: 200, tpotMs: 100, e2elMs: 700 }, 0.2],
    [{ ttftMs: 200, tpotMs: 99, e2elMs: 700 }, 0.1],
    [{ ttftMs: 1 }, 0],
  ])(
    'have as goodput those completed that meet all of %j, an equal value included',
    (limits, good) => {
      expect(metricsOf(RUN, limits).requestGoodput).toBe(good);
      expect(metricsOf(RUN, limits).limits).toBe(limits);
    },
  );

  it('of nothing are none, and no throughput', () => {
    const none = metricsOf({ served: [], gapsNs: new Float64Array(0), endNs: 0 });
    expect(none.ttftMs).toEqual({ mean: NaN, p50: NaN, p90: NaN, p99: NaN });
    expect([none.outputThroughput, none.requestGoodput, none.requestThroughput]).toEqual([0, 0, 0]);
  });

  it('are drawn by every fifth percentile of completed requests that have a value', () => {
    const ttft = percentilesOf(SERVED, ttftMs);
    expect(ttft).toHaveLength(21);
    expect([ttft[0], ttft[5], ttft[10], ttft[15], ttft[20]]).toEqual([100, 150, 200, 300, 400]);
    const tpot = percentilesOf(SERVED, tpotMs);
    expect([tpot[0], tpot[10], tpot[20]]).toEqual([50, 75, 100]);
    expect(percentilesOf(SERVED.slice(2), tpotMs)).toEqual([]);
  });
});

describe('the series of three requests over four intervals of a second', () => {
  const completed = one(0, 'completed', [500, 1000, 3000], [10, 8]);
  const rejected = one(1, 'rejected', [500, NaN, NaN], [10, 0]);
  const unfinished = one(2, 'unfinished', [3500, 3500, NaN], [10, 2]);
  const series = seriesOf([completed, rejected, unfinished], ns(4000), 4);
  it('has every arrival, and in the system only what was not turned away', () => {
    expect(series.intervalSeconds).toBe(1);
    expect(series.arrived).toEqual([2, 0, 0, 1]);
    expect(series.inSystem).toEqual([0.5, 1, 1, 0.5]);
  });
  it('spreads tokens from the first to the last, or to the end', () => {
    expect(series.outputTokensPerSecond).toEqual([0, 4, 4, 2]);
  });
  it('has what was completed within the limits when it was, which adds up to the goodput', () => {
    // At 3 s the fourth interval begins.
    expect(series.good).toEqual([0, 0, 0, 1]);
    const { firstTokenNs, arrivalNs } = completed;
    const limits = { ttftMs: (firstTokenNs - arrivalNs) / 1e6 - 0.1 };
    expect(seriesOf([completed], ns(4000), 4, limits).good).toEqual([0, 0, 0, 0]);
  });
  it('counts what happens at the very end in the last interval', () => {
    const late = one(0, 'unfinished', [4000, NaN, NaN], [10, 0]);
    expect(seriesOf([late], ns(4000), 4).arrived).toEqual([0, 0, 0, 1]);
  });
});
