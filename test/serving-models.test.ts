/** The analytic parts of serving against what is published or follows from their parameters. */
import { describe, expect, it } from 'vitest';
import { readSlo } from '../src/studies/capacity/capacity.js';
import { readGpu } from '../src/config/gpu-file.js';
import { agentSessions, openArrivals } from '../src/serving/arrivals.js';
import { highestLoad } from '../src/serving/capacity-search.js';
import { metricsOf } from '../src/serving/metrics.js';
import {
  gpusNeeded,
  rooflineCache,
  rooflineStepTime,
  type ModelSize,
  rooflineChecks,
} from '../src/serving/roofline.js';
import { seriesOf } from '../src/serving/series.js';
import { transportEffect } from '../src/serving/transport-effect.js';
import { transportOf, transportSources } from '../src/serving/transport-presets.js';
import type { Transport } from '../src/serving/transport.js';
import { options, pipeline, request, serve } from './serving-helpers.js';

const bytes = (parameters: number, layers: number, kvWidth: number): ModelSize => ({
  weightBytes: 2 * parameters,
  cacheBytesPerPosition: layers * 2 * kvWidth * 2,
  parameters,
  layers,
});

describe('the A100 roofline', () => {
  const llama = bytes(8.03e9, 32, 1024);
  const qwen = bytes(72.7e9, 80, 1024);
  const { gpu } = readGpu('configs/gpu/a100.yaml');
  const context = { mean: 4096, max: 4096, total: 4096 };
  const checks = rooflineChecks(gpu);
  it('stands next to the published decode rates of WaferLLM (OSDI 2025)', () => {
    const published = checks.map((check) => [check.model, check.gpus, check.published]);
    expect(published).toEqual([
      ['Llama3-8B', 1, 78.9],
      ['Llama3-8B', 8, 260.4],
      ['QWen2-72B', 1, 10.6],
      ['QWen2-72B', 8, 51.2],
    ]);
    expect(rooflineChecks(readGpu('configs/gpu/h100.yaml').gpu)).toEqual([]);
  });
  it.each(checks)('is within 10 %% of $model on $gpus GPUs', ({ predicted, published, error }) => {
    expect(Math.abs(predicted / published - 1)).toBeLessThan(0.1);
    expect(error).toBe(predicted / published - 1);
  });

  it('is bound by bandwidth for one token and by arithmetic for a long prompt', () => {
    const step = rooflineStepTime(gpu, llama, 1);
    const at = (batch: number) => step(batch, context);
    expect(at(8)).toBe(at(1));
    expect(at(8192) / at(4096)).toBeGreaterThan(1.9);
  });

  it('takes a fixed time, what it reads at the rate it reaches, and the rest of the memory', () => {
    const size = { weightBytes: 4e9, cacheBytesPerPosition: 1e5, parameters: 2e9, layers: 10 };
    const spec = {
      name: 'G',
      memoryBytes: 10e9,
      memoryBandwidth: 2e12,
      bandwidthShare: 0.5,
      flops: 100e12,
      flopsShare: 0.4,
      layerMicros: 50,
      allReduceMicros: 20,
      systemWatts: 1,
    };
    const of = (gpus: number) => rooflineStepTime(spec, size, gpus);
    const contexts = { mean: 0, max: 0, total: 3000 };
    // 10 layers of 50 us; 4 GB and 0.3 GB at 1 TB/s.
    expect(of(1)(2, contexts)).toBe(500_000 + 4_300_000);
    // Two all-reduces a layer; half as long to read.
    expect(of(2)(2, contexts)).toBe(900_000 + 2_150_000);
    // 1,000 tokens of 4 GFLOP at 40 TFLOPS.
    expect(of(1)(1000, contexts)).toBe(500_000 + 100_000_000);
    // Nine tenths of the memory, less the weights.
    expect([1, 2].map((gpus) => rooflineCache(spec, size, gpus))).toEqual([50_000, 140_000]);
    expect([50_000, 50_001, 140_001].map((positions) => gpusNeeded(spec, size, positions))).toEqual(
      [1, 2, 4],
    );
  });

  it('takes as many GPUs as hold the weights', () => {
    expect(gpusNeeded(gpu, llama, 8192)).toBe(1);
    expect(gpusNeeded(gpu, qwen, 8192)).toBe(4);
    expect(gpusNeeded(gpu, bytes(1e13, 1, 1), 1)).toBe(undefined);
  });
});

describe('synthetic arrivals', () => {
  const lengths = { prompt: { mean: 800, cv: 1.5 }, output: { mean: 50, cv: 0 } };
  const gapsOf = (process: 'poisson' | 'gamma' | 'fixed', burstiness: number) => {
    const requests = openArrivals(50_000, { process, rate: 20, burstiness }, lengths, 'gaps');
    const gaps = requests.slice(1).map((r, i) => (r.arrivalNs - requests[i].arrivalNs) / 1e9);
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
    const variance = gaps.reduce((a, b) => a + (b - mean) ** 2, 0) / gaps.length;
    return { mean, cv: Math.sqrt(variance) / mean };
  };
  it.each([
    ['poisson', 1, 1],
    ['fixed', 1, 0],
    ['gamma', 0.25, 2],
    ['gamma', 4, 0.5],
  ] as const)('%s with burstiness %f come 20 a second with variation %f', (process, shape, cv) => {
    const gaps = gapsOf(process, shape);
    expect(Math.abs(gaps.mean * 20 - 1)).toBeLessThan(0.02);
    expect(Math.abs(gaps.cv - cv)).toBeLessThan(0.05);
  });

  it.each(['poisson', 'gamma', 'fixed'] as const)('%s begin at 0, in order', (process) => {
    const requests = openArrivals(100, { process, rate: 4, burstiness: 2 }, lengths, 'start');
    const times = requests.map(({ arrivalNs }) => arrivalNs);
    expect(times[0]).toBe(0);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[99]).toBeGreaterThan(0);
    if (process === 'fixed') expect(times).toEqual(times.map((_, id) => id * 0.25e9));
  });

  it('have the lengths asked for, from their seed', () => {
    const arrivals = { process: 'poisson', rate: 1, burstiness: 1 } as const;
    const make = (seed: string) => openArrivals(50_000, arrivals, lengths, seed);
    const prompts = make('a').map(({ promptTokens }) => promptTokens);
    expect(Math.abs(prompts.reduce((a, b) => a + b, 0) / prompts.length / 800 - 1)).toBeLessThan(
      0.05,
    );
    expect(make('a')).toEqual(make('a'));
    expect(make('a')).not.toEqual(make('b'));
  });
});

describe('agent sessions', () => {
  const sessions = agentSessions(
    300,
    {
      rate: 1,
      turns: 20,
      firstPrompt: { mean: 5000, cv: 0.3 },
      turnPrompt: { mean: 500, cv: 0.5 },
      output: { mean: 100, cv: 0.5 },
      toolSeconds: 2,
      maxContext: 12_000,
    },
    'agents',
  );
  it('grow by what the turn before said and what is added, and end before the longest context', () => {
    for (const turn of sessions) {
      expect(turn.promptTokens + turn.outputTokens).toBeLessThanOrEqual(12_000);
      if (turn.after === undefined) continue;
      const before = sessions[turn.after];
      expect(before.session).toBe(turn.session);
      expect(turn.historyTokens).toBe(before.promptTokens + before.outputTokens);
      expect(turn.promptTokens).toBeGreaterThan(turn.historyTokens!);
    }
    expect(sessions[0].arrivalNs).toBe(0);
    const starts = sessions.filter(({ after }) => after === undefined);
    const gaps = starts.slice(1).map(({ arrivalNs }, i) => arrivalNs - starts[i].arrivalNs);
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    const turns = sessions.filter(({ session }) => session === 0).length;
    expect(turns).toBeGreaterThan(5);
    expect(turns).toBeLessThan(20);
  });
});

describe('the transports', () => {
  it('differ in what is kept: connection, history and cache, or none of them', () => {
    const [http, websocket] = (['http', 'websocket'] as const).map((kind) => transportOf(kind));
    expect(http).toMatchObject({ connection: 'request', sendsHistory: true, keepsCache: false });
    expect(websocket).toMatchObject({
      connection: 'session',
      sendsHistory: false,
      keepsCache: true,
    });
    // TCP, TLS 1.3 and the upgrade: a round trip each.
    for (const { tcpRoundTrips, tlsRoundTrips, upgradeRoundTrips } of [http, websocket])
      expect([tcpRoundTrips, tlsRoundTrips, upgradeRoundTrips]).toEqual([1, 1, 1]);
  });
  it('take what is given in place of their own, and say that it was', () => {
    const given = { roundTripMs: 7, keepsCache: true };
    expect(transportOf('http', given)).toEqual({ ...transportOf('http'), ...given });
    const sources = transportSources('http', given);
    expect([sources['roundTripMs'], sources['keepsCache']]).toEqual([
      'the configuration',
      'the configuration',
    ]);
    expect(sources['tlsRoundTrips']).toMatch(/^RFC 8446/);
  });
  it('may be none, which costs nothing, whatever a network would', () => {
    const given = { roundTripMs: 7, requestWorkMs: 3, tokenMicros: 9, bytesPerToken: 4 };
    const none = transportOf('none', { ...given, keepsCache: true });
    expect(none).toMatchObject({ kind: 'none', keepsCache: true });
    const times = (transport: Transport) => {
      const turns = [
        { ...request(0, 5, 4000, 3), session: 0 },
        { ...request(1, 0, 4500, 3), session: 0, historyTokens: 4003, after: 0, thinkNs: 7 },
      ];
      const { served } = serve(turns, options(pipeline(30, 10_000), 'fcfs', { transport }));
      return served.map(({ queuedNs, arrivalNs, transportNs }) => [
        queuedNs - arrivalNs,
        transportNs,
      ]);
    };
    const nothing = [
      [0, 0],
      [0, 0],
    ];
    expect(times(none)).toEqual(nothing);
    expect(times(transportOf('none', given))).toEqual(nothing);
    expect(times(transportOf('websocket', given))).not.toEqual(nothing);
    expect(transportOf('none', given).keepsCache).toBe(false);
    const sources = transportSources('none', { ...given, keepsCache: true });
    expect([sources['roundTripMs'], sources['keepsCache']]).toEqual([
      'kind none: nothing between the client and the server',
      'the configuration',
    ]);
  });
});

describe('the effect of a WebSocket', () => {
  const turns = [
    { ...request(0, 0, 4000, 20), session: 0, historyTokens: 0 },
    { ...request(1, 0, 4500, 20), session: 0, historyTokens: 4020, after: 0, thinkNs: 1e9 },
    { ...request(2, 0, 5000, 20), session: 0, historyTokens: 4520, after: 1, thinkNs: 1e9 },
  ];
  const ttft = (transport: Transport) =>
    metricsOf(serve(turns, options(pipeline(30, 10_000), 'fcfs', { transport }))).ttftMs.p50;
  const effect = transportEffect(turns, transportOf('http'), transportOf('websocket'), ttft);

  it('is explained by its parameters without a rest', () => {
    for (const of of ['perRoundTrip', 'perToken', 'timeToFirstToken'] as const) {
      const sum = effect.explainedBy.reduce((total, one) => total + one[of], 0);
      expect(sum).toBeCloseTo(effect.saved[of], 12);
    }
    // Nothing is known of what a frame costs, so nothing is assumed to be saved.
    expect(effect.saved.perToken).toBe(0);
    expect(effect.needed.perToken['websocket.tokenMicros']).toBeCloseTo(14, 12);
    expect(effect.saved.perRoundTrip).toBeGreaterThan(0.3);
  });

  it('is of what each turn sends and waits for, on average', () => {
    // To open 2 or 3 round trips of 30 ms, half a one up and half a one down; work; what is sent.
    const sent = (tokens: number) => tokens * (1e-3 + (4 * 8) / 50_000);
    const http = 3 * (90 + 5) + sent(4000) + sent(4500) + sent(5000);
    expect(effect.http.perRoundTripMs).toBeCloseTo(http / 3, 5);
    // Opened once; later turns send what was added: 480 tokens each.
    const websocket = 120 + 30 + 30 + 3 * 3 + sent(4000) + sent(480) + sent(480);
    expect(effect.websocket.perRoundTripMs).toBeCloseTo(websocket / 3, 5);
    expect([effect.http.perTokenMicros, effect.websocket.perTokenMicros]).toEqual([20, 20]);
    expect(effect.http.timeToFirstTokenMs).toBeCloseTo(ttft(transportOf('http')), 12);
  });

  it('names the work per request with which the published share would be saved', () => {
    const near = {
      roundTripMs: 5,
      connection: 'session',
      keepsCache: true,
      uplinkMbps: 1e6,
      promptTokenMicros: 0,
    } as const;
    const websocket = transportOf('websocket', near);
    const of = (requestWorkMs: number) =>
      transportEffect(turns, transportOf('http', { ...near, requestWorkMs }), websocket, ttft);
    const { saved, needed } = of(5);
    expect(saved.timeToFirstToken).toBeLessThan(0.5);
    const forFirstToken = needed.timeToFirstToken['http.requestWorkMs']!;
    expect(of(forFirstToken).saved.timeToFirstToken).toBeCloseTo(0.5, 4);
    const forRoundTrip = needed.perRoundTrip['http.requestWorkMs']!;
    expect(of(forRoundTrip).saved.perRoundTrip).toBeCloseTo(0.8, 4);
  });

  it('names the round trip time with which the published share would be saved, if there is one', () => {
    const near = { keepsCache: true, uplinkMbps: 1e6, promptTokenMicros: 0 } as const;
    const of = (roundTripMs: number) => {
      const [http, websocket] = (['http', 'websocket'] as const).map((kind) =>
        transportOf(kind, { ...near, roundTripMs }),
      );
      return transportEffect(turns, http, websocket, ttft);
    };
    const { saved, needed } = of(30);
    expect(saved.timeToFirstToken).toBeGreaterThan(0.5);
    const forFirstToken = needed.timeToFirstToken.roundTripMs!;
    expect(forFirstToken).toBeLessThan(30);
    expect(of(forFirstToken).saved.timeToFirstToken).toBeCloseTo(0.5, 4);
    // Of three round trips at most two are saved, and of the work two fifths.
    expect(needed.perRoundTrip.roundTripMs).toBeNull();
  });
});

describe('the capacity search', () => {
  it.each([0.003, 0.4, 1, 37.5, 5000])('brackets a limit at %f times the load', (limit) => {
    const { low, high } = highestLoad((factor) => factor <= limit, 0.01);
    expect(low).toBeLessThanOrEqual(limit);
    expect(high).toBeGreaterThan(limit);
    expect(high - low).toBeLessThanOrEqual(0.01 * high);
  });
  it('ends as soon as the bracket is as narrow as asked for, as a share of its upper end', () => {
    // 1 holds and 2 does not: a half of 2 is known already, less takes 1.5, and then 1.25.
    const upTo = (tolerance: number) => highestLoad((factor) => factor <= 1.3, tolerance);
    expect(upTo(0.5)).toEqual({ low: 1, high: 2, tried: 2 });
    expect(upTo(0.49)).toEqual({ low: 1, high: 1.5, tried: 3 });
    expect(upTo(1 / 3)).toEqual({ low: 1, high: 1.5, tried: 3 });
    expect(upTo(0.3)).toEqual({ low: 1.25, high: 1.5, tried: 4 });
  });
  it('says when nothing meets the limits, and when nothing breaks them', () => {
    expect(highestLoad(() => false, 0.01).low).toBe(0);
    expect(highestLoad(() => true, 0.01).high).toBe(Infinity);
  });
  it.each([
    ['ttft.p99<=500ms', 500],
    ['tpot.mean <= 30us', 0.03],
    ['e2el.p90<=1.5s', 1500],
  ])('reads %s', (text, limitMs) => {
    expect(readSlo(text).limitMs).toBeCloseTo(limitMs, 12);
  });
  it.each(['ttft<=5ms', 'ttft.p99<5ms', 'ttft.p99<=5', 'speed.p50<=1ms', ''])(
    'refuses the limit %j',
    (text) => {
      expect(() => readSlo(text)).toThrow(/^--slo: expected .* found/);
    },
  );
});

describe('the series over time', () => {
  it('has all arrivals and all tokens, and as many requests at a time as Little says', () => {
    const requests = Array.from({ length: 50 }, (_, id) => request(id, id * 3e6, 100, 40));
    const { served, endNs } = serve(requests, options(pipeline(10, 10_000)));
    const { arrived, inSystem, outputTokensPerSecond, intervalSeconds } = seriesOf(
      served,
      endNs,
      7,
    );
    const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
    expect(total(arrived)).toBe(50);
    expect(total(outputTokensPerSecond) * intervalSeconds).toBeCloseTo(2000, 6);
    const timeInSystem = served.reduce((sum, one) => sum + one.lastTokenNs - one.arrivalNs, 0);
    expect(total(inSystem) / 7).toBeCloseTo(timeInSystem / endNs, 6);
  });
});
