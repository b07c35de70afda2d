/** Queues whose answers stand in textbooks, and accounts that add up to the nanosecond. */
import { describe, expect, it } from 'vitest';
import { agentSessions, closedLoop, openArrivals } from '../src/serving/arrivals.js';
import { e2elMs, metricsOf, tpotMs } from '../src/serving/metrics.js';
import type { PolicyName } from '../src/serving/policy.js';
import { stepTimeOf, type StepTime } from '../src/serving/step-time.js';
import { FREE, options, pipeline, request, serve } from './serving-helpers.js';

const ms = (value: number) => value * 1e6;
const always = (mean: number) => ({ mean, cv: 0 });
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe('an M/D/1 queue', () => {
  // A prompt of 1,000 tokens, one every 10 us, and one token out: 10 ms of service, always.
  const service = 10;
  const wait = (load: number) => {
    const lengths = { prompt: always(1000), output: always(1) };
    const arrivals = { process: 'poisson', rate: (1000 * load) / service, burstiness: 1 } as const;
    const requests = openArrivals(200_000, arrivals, lengths, `M/D/1 ${load}`);
    const { served } = serve(requests, options(pipeline(1, 10_000)));
    return mean(served.map(({ queueNs }) => queueNs)) / 1e6;
  };
  it.each([0.2, 0.5, 0.8])('waits rho / (2 (1 - rho)) services at load %f', (load) => {
    const expected = (load / (2 * (1 - load))) * service;
    expect(Math.abs(wait(load) / expected - 1)).toBeLessThan(0.03);
  });
});

describe('a closed loop with one user', () => {
  it('ends one request per prefill, decode and thinking time', () => {
    const step = pipeline(20, 10_000);
    const lengths = { prompt: always(101), output: always(51) };
    const { served } = serve(closedLoop(40, 1, 0.005, lengths, 'one'), options(step));
    // The last of 101 prompt tokens enters after 100 intervals and takes 20 more; then 50 rounds.
    const answer = ms(1) + 20 * 10_000 + 50 * 200_000;
    served.forEach((one, i) => {
      expect(one.lastTokenNs - one.arrivalNs).toBe(answer);
      expect(one.arrivalNs).toBe(i * (answer + ms(5)));
      expect(tpotMs(one)).toBe(0.2);
    });
  });
});

describe('a saturated pipeline', () => {
  it.each<[users: number, policy: PolicyName]>([
    [5, 'fcfs'],
    [20, 'fcfs'],
    [60, 'fcfs'],
    [60, 'batch-first'],
  ])('of 20 stages gives %i users min(users, 20) tokens per way through (%s)', (users, policy) => {
    const [slots, interval, tokens] = [20, 10_000, 2000];
    const requests = Array.from({ length: users }, (_, id) => request(id, 0, 1, tokens));
    const result = serve(requests, options(pipeline(slots, interval), policy));
    const metrics = metricsOf(result);
    const perSecond = (Math.min(users, slots) / slots / interval) * 1e9;
    expect(Math.abs(metrics.outputThroughput / perSecond - 1)).toBeLessThan(0.01);
    expect(metrics.outputSpeed.p50 * users).toBeCloseTo(perSecond, -3);
    expect(metrics.itlMs.p50).toBeCloseTo((Math.max(users, slots) * interval) / 1e6, 9);
  });
});

describe('the step time of a grid', () => {
  const step = stepTimeOf({ contexts: [0, 1000], aloneNs: [500, 700], intervalNs: [10, 30] });
  const at = (batch: number, mean: number, max: number) =>
    step(batch, { mean, max, total: batch * mean });
  it('is the longest context alone, until the tokens together need more', () => {
    expect(at(1, 500, 500)).toBe(600);
    expect(at(10, 500, 1000)).toBe(700);
    expect(at(35, 500, 1000)).toBe(700);
    expect(at(50, 500, 1000)).toBe(1000);
  });
  it('continues beyond the last context', () => {
    expect(at(1, 2000, 2000)).toBe(900);
  });
  it('is refused unless contexts ascend and have their times', () => {
    const grid = { contexts: [5, 5], aloneNs: [1, 1], intervalNs: [1, 1] };
    expect(() => stepTimeOf(grid)).toThrow(/ascending/);
    expect(() => stepTimeOf({ ...grid, contexts: [5] })).toThrow(RangeError);
    expect(() => stepTimeOf({ contexts: [5], aloneNs: [0], intervalNs: [1] })).toThrow(/above 0/);
  });
});

describe('contexts', () => {
  it('grow by a token per step, from the prompt on', () => {
    const step: StepTime = (_, { max }) => max * 1000;
    const [one] = serve([request(0, 0, 100, 11)], options(step)).served;
    // Ten steps with 100 to 109 tokens in the cache.
    expect(one.decodeNs).toBe(1045 * 1000);
  });

  it('leave with their user', () => {
    const step: StepTime = (batch, { mean, total }) => batch * mean * 1000 + total;
    const requests = [0, 1].map((id) => request(id, id * 1e9, 100, 11));
    const [first, second] = serve(requests, options(step)).served;
    expect(second.decodeNs).toBe(first.decodeNs);
    expect(second.prefillNs).toBe(first.prefillNs);
  });

  it('of the longest one set the pace of all, and their mean fills the pipeline', () => {
    const longest: StepTime = (_, { max }) => max * 1000;
    const mean: StepTime = (batch, contexts) => Math.round(batch * contexts.mean * 10);
    const two = [request(0, 0, 100, 200), request(1, 0, 1000, 200)];
    const tpot = (step: StepTime) => serve(two, options(step)).served.map(tpotMs);
    const [short, long] = tpot(longest);
    // But for the beginning, when the long prompt is still being read.
    expect(Math.abs(short / long - 1)).toBeLessThan(0.1);
    // Two users with 100 to 300 and 1,000 to 1,200 tokens: together 1,300 on average.
    const { itlMs } = metricsOf(serve(two, options(mean)));
    expect(Math.abs(itlMs.p50 / (1300 * 10e-6) - 1)).toBeLessThan(0.1);
  });
});

describe('the account of every request', () => {
  const sessions = agentSessions(
    400,
    {
      rate: 4,
      turns: 8,
      firstPrompt: { mean: 3000, cv: 0.5 },
      turnPrompt: { mean: 400, cv: 1 },
      output: { mean: 60, cv: 1 },
      toolSeconds: 0.5,
      maxContext: 16_384,
    },
    'account',
  );
  const transport = {
    ...FREE,
    roundTripMs: 30,
    requestWorkMs: 3,
    tokenMicros: 7.5,
    tlsRoundTrips: 1,
  };
  const run = (policy: PolicyName) =>
    serve(sessions, options(pipeline(34, 17_003), policy, { transport, kvTokens: 30_000 }));

  it.each<PolicyName>(['fcfs', 'latency-first', 'batch-first'])(
    'adds its parts up to its end-to-end latency exactly (%s)',
    (policy) => {
      const { served } = run(policy);
      for (const one of served) {
        const { queueNs, transportNs, prefillNs, decodeNs, arrivalNs, lastTokenNs } = one;
        expect(one.outcome).toBe('completed');
        expect(Math.min(queueNs, transportNs, prefillNs, decodeNs)).toBeGreaterThanOrEqual(0);
        expect(queueNs + transportNs + prefillNs + decodeNs).toBe(lastTokenNs - arrivalNs);
        expect(Number.isInteger(lastTokenNs)).toBe(true);
        expect(one.tokens).toBe(one.request.outputTokens);
      }
      const { partsMs, e2elMs: total } = metricsOf({ ...run(policy) });
      expect(Object.values(partsMs).reduce((a, b) => a + b, 0)).toBeCloseTo(total.mean, 6);
    },
  );

  it('knows the transport from its parameters: two round trips to open, two halves, work and framing', () => {
    const [one] = serve(
      [request(0, 0, 100, 1)],
      options(pipeline(1, 1000), 'fcfs', { transport }),
    ).served;
    expect(one.transportNs).toBe(ms(30) + ms(15) + ms(3) + 7500 + ms(15));
    expect(e2elMs(one)).toBe(30 + 15 + 3 + 0.0075 + 15 + 0.1);
  });

  it('is the same from run to run', () => {
    const text = () => JSON.stringify(metricsOf(run('latency-first')));
    expect(text()).toBe(text());
  });
});
