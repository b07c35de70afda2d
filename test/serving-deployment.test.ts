/** A deployment of two wafers by hand, and what a capacity search calls a rate that is kept up. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { capacityOf, readSlo } from '../src/deployment/capacity.js';
import { fleetRow, type FleetRow } from '../src/deployment/fleet.js';
import { prepare, serveScenario, type Prepared } from '../src/deployment/serve.js';
import { deploymentOf, simulateGrid, stepTimes } from '../src/deployment/step-times.js';
import type { ServingResult } from '../src/report/serving-document.js';
import type { Request } from '../src/serving/request.js';
import { placementOf, type SimulateOptions } from '../src/simulate.js';
import { options as serverOptions, pipeline, request } from './serving-helpers.js';

const work: SimulateOptions = {
  engine: 'fast',
  shards: 1,
  memo: true,
  now: () => 0,
  rss: () => 0,
};

// Wafers of 20 W and 1 GHz, on each of which one of the two layers stands.
const CONTEXT = 64;
const TWO_WAFERS = [
  'hardware.width=16',
  'hardware.height=12',
  'hardware.wafers=2',
  'workload.data=false',
  `workload.context=${CONTEXT}`,
  'workload.tokens=1',
];
const two = (...sets: string[]) => loadConfig('configs/tiny.yaml', [...TWO_WAFERS, ...sets]);

describe('a fleet of replicas on two wafers each', () => {
  const limits = { megawatts: 1, pue: 2, speed: 1 };
  let row: FleetRow;
  let alone: number;
  beforeAll(async () => {
    row = await fleetRow('two', two(), limits, work);
    alone = (await stepTimes(deploymentOf(two()), CONTEXT, work)).alone;
  });

  it('has half a megawatt for wafers of 20 W, two of them for a replica', () => {
    expect([row.wafersPerReplica, row.wafers, row.replicas]).toEqual([2, 25_000, 12_500]);
    const odd = 3 * 20 * 2;
    return expect(
      fleetRow('', two(), { ...limits, megawatts: odd / 1e6 }, work),
    ).resolves.toMatchObject({ wafers: 3, replicas: 1 });
  });

  it('spends the watts of both wafers on a token, and twice as much at the site', () => {
    const perReplica = row.usersPerReplica * row.tokensPerSecondPerUser;
    expect(row.joulesPerToken).toBeCloseTo(40 / perReplica, 15);
    expect(row.joulesPerTokenAtSite).toBeCloseTo(80 / perReplica, 15);
    expect(row.tokensPerDay / (12_500 * perReplica * 86_400)).toBeCloseTo(1, 12);
    expect(row.tokensPerSecondAlone).toBeCloseTo(1e9 / alone, 9);
    expect(row.users).toBe(12_500 * row.usersPerReplica);
  });

  it('holds as many users as the memory of the same regions does, and not one more', () => {
    expect(row.boundBy).toBe('memory');
    const [, layer] = placementOf(two()).regions;
    const sizes = [`placement.rows=${layer.height}`, `placement.layerColumns=${layer.width}`];
    const holding = (users: number) => placementOf(two(...sizes, `workload.batch=${users}`));
    expect(holding(row.usersPerReplica).regions[1].width).toBe(layer.width);
    expect(() => holding(row.usersPerReplica + 1)).toThrow(/needs|fit/);
  });

  it('gives each of its users the speed asked for, or has none', async () => {
    const fast = await fleetRow('', two(), { ...limits, speed: 20_000 }, work);
    expect(fast.boundBy).toBe('speed');
    expect(fast.tokensPerSecondPerUser).toBeGreaterThanOrEqual(20_000);
    const none = await fleetRow('', two(), { ...limits, speed: 1e9 }, work);
    expect(none).toMatchObject({ boundBy: 'nothing fits', users: 0, tokensPerDay: 0 });
    expect(none.tokensPerSecondPerUser).toBe(0);
  });
});

describe('requests served on two wafers', () => {
  let prepared: Prepared;
  let result: ServingResult;
  beforeAll(async () => {
    const config = two(
      'workload.kind=serving',
      'workload.requests=4',
      'workload.arrivals.process=fixed',
      'workload.arrivals.rate=100',
      'workload.prompt.mean=40',
      'workload.output.mean=21',
      'serving.minContext=30',
      'serving.tolerance=0.5',
    );
    prepared = await prepare('', config, work);
    ({ result } = serveScenario(prepared));
  });

  it('draw the power of both all the time', () => {
    expect(result.wafers).toBe(2);
    expect(result.energy.watts).toBe(40);
    expect(result.outputTokens).toBe(84);
    const joules = (40 * result.durationSeconds) / 84;
    expect(result.energy.joulesPerOutputToken).toBeCloseTo(joules, 15);
    // Three gaps of 10 ms and an answer's time.
    expect(result.durationSeconds).toBeGreaterThan(0.03);
    expect(result.durationSeconds).toBeLessThan(0.5);
  });

  it('need steps from the shortest context to that of the last token, which sees 60', () => {
    expect(prepared.grid.contexts[0]).toBe(30);
    expect(prepared.grid.contexts.at(-1)).toBe(60);
    expect(result.stepTimes.contexts).toEqual(prepared.grid.contexts);
  });

  it('take steps as long as one simulated by itself, in nanoseconds', async () => {
    const { alone } = await stepTimes(prepared.deployment, 60, work);
    expect(prepared.grid.aloneCycles.at(-1)).toBe(alone);
    expect(prepared.serve.stepTime(1, { mean: 60, max: 60, total: 60 })).toBe(alone);
    expect(result.stepTimes.aloneTokensPerSecond.at(-1)).toBeCloseTo(1e9 / alone, 9);
    const { fullCycles, fullUsers, fullTokensPerSecond } = result.stepTimes;
    expect(fullTokensPerSecond[0]).toBeCloseTo((1e9 * fullUsers) / fullCycles[0], 9);
  });

  it('end at the context that is set, whatever they need', async () => {
    const config = { ...prepared.config };
    config.serving = { ...config.serving!, maxContext: 100 };
    const { grid, serve } = await prepare('', config, work);
    expect([grid.contexts.at(-1), serve.maxContext]).toEqual([99, 100]);
  });
});

describe('the error of interpolation', () => {
  it('is how far the steps that were simulated between two lie from their line', async () => {
    const deployment = deploymentOf(two());
    const [low, middle, high] = [16, 120, 225];
    const { contexts, middleError } = await simulateGrid(deployment, low, high, 0.5, work);
    expect(contexts).toEqual([low, middle, high]);
    const [a, b, c] = await Promise.all(contexts.map(async (x) => stepTimes(deployment, x, work)));
    const share = (middle - low) / (high - low);
    const off = (of: 'alone' | 'spacing') =>
      Math.abs((a[of] + share * (c[of] - a[of])) / b[of] - 1);
    expect(middleError).toBeCloseTo(Math.max(off('alone'), off('spacing')), 15);
    expect(middleError).toBeGreaterThan(1e-6);
  });
});

describe('capacity', () => {
  // Prompts of 1,000 tokens, 5 us each: 200 requests a second can be served.
  const every = (gapMs: number, count: number) =>
    Array.from({ length: count }, (_, id) => request(id, id * gapMs * 1e6, 1000, 1));
  const prepared = (requests: Request[], limits = {}) =>
    ({
      config: { workload: {} },
      source: { requests, notes: ['sorted'], skippedRows: 3 },
      serve: serverOptions(pipeline(1, 5000), 'fcfs', limits),
    }) as unknown as Prepared;

  it('is a rate at which requests do not pile up, whatever their latencies may be', () => {
    const slo = [readSlo('ttft.p99<=1000s')];
    const result = capacityOf(prepared(every(10, 100)), slo, 0.001);
    // Completed at 90 % of the rate: 100 requests in half a second at most.
    const { meets, breaks } = result.requestsPerSecond;
    expect(meets / (200 / 0.9)).toBeLessThanOrEqual(1);
    expect(breaks! / (200 / 0.9)).toBeGreaterThan(1);
    expect(breaks! / meets).toBeLessThan(1.002);
    expect([result.skippedRows, result.notes[0]]).toEqual([3, 'sorted']);
  });

  it('is the rate at which the limit just holds: 5 ms each, no wait up to 200 a second', () => {
    const at = (limit: string) => capacityOf(prepared(every(10, 100)), [readSlo(limit)], 1e-4);
    // The rate of 100 requests over 99 gaps.
    const alone = at('ttft.p99<=5ms').requestsPerSecond;
    expect(alone.meets).toBeLessThanOrEqual((200 * 100) / 99);
    expect(alone.breaks).toBeGreaterThan((200 * 100) / 99);
    expect(at('ttft.p99<=4ms')).toMatchObject({ requestsPerSecond: { meets: 0 }, metrics: null });
    expect(at('ttft.p99<=5ms').metrics!.ttftMs.p99).toBe(5);
  });

  it('needs more requests served than turned away', () => {
    const long = Array.from({ length: 10 }, (_, id) =>
      request(id, id * 1e7, id < 6 ? 9000 : 10, 1),
    );
    const slo = [readSlo('ttft.p99<=1000s')];
    const result = capacityOf(prepared(long, { maxContext: 5000 }), slo, 0.01);
    expect(result.requestsPerSecond.meets).toBe(0);
  });

  it('is refused for a closed loop and for one instant', () => {
    const slo = [readSlo('ttft.p99<=1s')];
    expect(() => capacityOf(prepared(every(0, 3)), slo, 0.01)).toThrow(/one instant/);
  });
});
