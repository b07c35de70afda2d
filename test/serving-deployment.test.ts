/** A deployment of two wafers by hand, and what a capacity search calls a rate that is kept up. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { capacityOf, readSlo } from '../src/studies/capacity/capacity.js';
import { fleetRow, type FleetRow } from '../src/studies/fleet/fleet.js';
import { requestsOf } from '../src/studies/serve/requests.js';
import {
  prepare,
  serveScenario,
  type GridCache,
  type Prepared,
} from '../src/studies/serve/serve.js';
import { deploymentOf, simulateGrid, stepTimes } from '../src/studies/steps/step-times.js';
import { cacheBytesPerPosition, weightBytes } from '../src/model/operators.js';
import type { ServingResult } from '../src/report/serving-document.js';
import type { Request } from '../src/serving/request.js';
import { placementOf } from '../src/decode/place.js';
import type { SimulateOptions } from '../src/decode/options.js';
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
  'hardware.clock=1 GHz',
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
    // All of memory's users at once, one token of each in the time of one alone, or full pipelines.
    const most = row.tokensPerDayAtMost / (12_500 * 86_400);
    expect(most).toBeLessThanOrEqual(row.usersPerReplica * row.tokensPerSecondAlone * (1 + 1e-12));
    expect(most).toBeGreaterThanOrEqual(perReplica * (1 - 1e-12));
  });

  it('holds as many users as the memory of the same regions does, and not one more', () => {
    expect(row.boundBy).toBe('memory');
    const [, layer] = placementOf(two()).regions;
    const sizes = [`placement.rows=${layer.height}`, `placement.layerColumns=${layer.width}`];
    const holding = (users: number) => placementOf(two(...sizes, `workload.batch=${users}`));
    expect(holding(row.usersPerReplica).regions[1].width).toBe(layer.width);
    expect(() => holding(row.usersPerReplica + 1)).toThrow(/needs|fit/);
  });

  it('has room for the token that each user adds, in a row of its own where the others are full', async () => {
    const { kvBlock, kvTokens } = deploymentOf(two());
    const full = 5 * kvBlock;
    const { usersPerReplica } = await fleetRow('', two(`workload.context=${full}`), limits, work);
    expect(usersPerReplica).toBe(Math.floor(kvTokens / (6 * kvBlock)));
    expect(usersPerReplica).toBeLessThan(Math.floor(kvTokens / full));
  });

  it('is bound by memory only if that holds fewer users than the speed allows', async () => {
    const { spacing } = await stepTimes(deploymentOf(two()), CONTEXT, work);
    const held = row.usersPerReplica;
    // Half a token's time more than so many users take.
    const bound = async (users: number) => {
      const speed = 1e9 / ((users + 0.5) * spacing);
      return fleetRow('', two(), { ...limits, speed }, work);
    };
    expect(await bound(held + 1)).toMatchObject({ usersPerReplica: held, boundBy: 'memory' });
    expect(await bound(held)).toMatchObject({ usersPerReplica: held, boundBy: 'speed' });
    expect(await bound(held - 1)).toMatchObject({ usersPerReplica: held - 1, boundBy: 'speed' });
  });

  it('makes no more tokens than the users that fit can, or full pipelines', async () => {
    // 20,556 bytes a core at 65 positions: room for one user, and for many.
    const one = await fleetRow('', two('hardware.core.sram=20600'), limits, work);
    expect([one.usersPerReplica, one.boundBy]).toEqual([1, 'memory']);
    const each = 12_500 * 86_400;
    expect(one.tokensPerDayAtMost / each / one.tokensPerSecondAlone).toBeCloseTo(1, 12);
    const { spacing } = await stepTimes(deploymentOf(two()), CONTEXT, work);
    expect(row.tokensPerDayAtMost / each / (1e9 / spacing)).toBeCloseTo(1, 12);
  });

  it('gives each of its users the speed asked for, or has none', async () => {
    const fast = await fleetRow('', two(), { ...limits, speed: 20_000 }, work);
    expect(fast.boundBy).toBe('speed');
    expect(fast.tokensPerSecondPerUser).toBeGreaterThanOrEqual(20_000);
    const none = await fleetRow('', two(), { ...limits, speed: 1e9 }, work);
    expect(none).toMatchObject({ boundBy: 'nothing fits', users: 0, tokensPerDay: 0 });
    expect(none.tokensPerSecondPerUser).toBe(0);
    // Several tokens pass in the time, but none of them is fast enough.
    const above = row.tokensPerSecondAlone * 1.01;
    expect(await fleetRow('', two(), { ...limits, speed: above }, work)).toMatchObject({
      users: 0,
    });
    const just = row.tokensPerSecondAlone * 0.99;
    const some = await fleetRow('', two(), { ...limits, speed: just }, work);
    expect(some.usersPerReplica).toBeGreaterThanOrEqual(1);
    expect(some.tokensPerSecondPerUser).toBeGreaterThanOrEqual(just);
  });
});

describe('requests served on two wafers', () => {
  let prepared: Prepared;
  let result: ServingResult;
  const answering = (tokens: number) =>
    two(
      'workload.kind=serving',
      'workload.requests=4',
      'workload.arrivals.process=fixed',
      'workload.arrivals.rate=100',
      'workload.prompt.mean=40',
      `workload.output.mean=${tokens}`,
      'serving.minContext=30',
      'serving.tolerance=0.5',
    );
  beforeAll(async () => {
    const config = answering(23);
    prepared = await prepare('', config, work);
    ({ result } = serveScenario(prepared));
  });

  it('draw the power of both all the time', () => {
    expect(result.wafers).toBe(2);
    expect(result.energy.watts).toBe(40);
    expect(result.outputTokens).toBe(92);
    const joules = (40 * result.durationSeconds) / 92;
    expect(result.energy.joulesPerOutputToken).toBeCloseTo(joules, 15);
    // Three gaps of 10 ms and an answer's time.
    expect(result.durationSeconds).toBeGreaterThan(0.03);
    expect(result.durationSeconds).toBeLessThan(0.5);
  });

  it('need steps from the shortest context, 30, to a power of two more that the last token does not exceed', async () => {
    expect(prepared.grid.contexts[0]).toBe(30);
    // 40 + 23 positions: the last token sees 62, just 32 more.
    expect(prepared.grid.contexts.at(-1)).toBe(62);
    expect(result.stepTimes.contexts).toEqual(prepared.grid.contexts);
    // One more, and the next power of two is needed.
    expect((await prepare('', answering(24), work)).grid.contexts.at(-1)).toBe(94);
  });

  it('take steps as long as one simulated by itself, in nanoseconds', async () => {
    const { alone } = await stepTimes(prepared.deployment, 62, work);
    expect(prepared.grid.aloneCycles.at(-1)).toBe(alone);
    expect(prepared.serve.stepTime(1, { mean: 62, max: 62, total: 62 })).toBe(alone);
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

describe('what a configuration says of its requests', () => {
  const served = (...sets: string[]) =>
    two('workload.kind=serving', 'workload.prompt.mean=40', 'workload.output.mean=2', ...sets);

  it('holds for the server: horizon, think time, and no steps for what does not fit', async () => {
    const closed = served(
      'workload.requests=3',
      'workload.arrivals.process=closed',
      'workload.arrivals.users=2',
      'workload.arrivals.thinkSeconds=0.5',
      'workload.horizonSeconds=0.25',
      'serving.minContext=30',
      'serving.tolerance=0.5',
    );
    const prepared = await prepare('', closed, work);
    expect(prepared.serve.horizonNs).toBe(250_000_000);
    expect(prepared.source.requests[2]).toMatchObject({ after: 0, thinkNs: 500_000_000 });
    // The third is thought about beyond the horizon.
    expect(serveScenario(prepared).result.requests).toMatchObject({ arrived: 2, completed: 2 });
    // The model reads 512 tokens at most.
    const tooLong = await prepare(
      '',
      { ...closed, workload: { ...closed.workload, prompt: { mean: 600, cv: 0 } } },
      work,
    );
    expect(tooLong.grid.contexts).toEqual([30]);
    expect(serveScenario(tooLong).result.requests.rejected).toBe(2);
  });

  it('may ask for 200 million tokens in all, and not one more', () => {
    const ask = (requests: number, mean: number) =>
      requestsOf(
        loadConfig('configs/serving-tiny.yaml', [
          `workload.requests=${requests}`,
          ...[`workload.output.mean=${mean}`, 'workload.output.cv=0'],
        ]),
        512,
      ).requests.map(({ outputTokens }) => outputTokens);
    expect(ask(2, 1e8)).toEqual([1e8, 1e8]);
    expect(() => ask(3, 66_666_667)).toThrow(
      'at most 200000000 output tokens in all, found 200000001',
    );
  });

  it('names one source of them', () => {
    const requests =
      (...sets: string[]) =>
      () =>
        requestsOf(served(...sets), 512);
    expect(requests()).toThrow(/found none$/);
    expect(requests('workload.arrivals.rate=1', 'workload.trace=x')).toThrow(/trace and arrivals$/);
    const bare = two('workload.kind=serving', 'workload.arrivals.rate=1');
    expect(() => requestsOf(bare, 512)).toThrow(/^workload\.prompt: expected {mean, cv}/);
    const many = served('workload.arrivals.rate=1', 'workload.output.mean=1000000');
    expect(() => requestsOf(many, 512)).toThrow(
      /at most 200000000 output tokens in all, found 1000000000/,
    );
    expect(requestsOf(served('workload.arrivals.rate=1'), 512).requests).toHaveLength(1000);
  });
});

describe('GPUs next to it', () => {
  it('are as many as hold the model and its longest context, with the power of all', async () => {
    const config = two(
      'workload.kind=serving',
      'workload.requests=2',
      'workload.arrivals.process=fixed',
      'workload.prompt.mean=400',
      'workload.output.mean=11',
      'serving.minContext=400',
      'serving.tolerance=0.5',
    );
    const prepared = await prepare('', config, work);
    // Nine tenths of three GPUs' memory just hold the model and the longest context: it takes four.
    const { model } = config;
    const needed = weightBytes(model) + model.maxContext * cacheBytesPerPosition(model);
    const memoryGB = needed / 0.9 / 3 / 1e9;
    const path = join(mkdtempSync(join(tmpdir(), 'wafersim-')), 'gpu.yaml');
    const gpu = {
      ...parse(readFileSync('configs/gpu/a100.yaml', 'utf8')),
      memoryGB,
      name: 'G',
    };
    writeFileSync(path, stringify(gpu));
    const { result } = serveScenario({ ...prepared, config: { ...config, gpuFiles: [path] } });
    const [g] = result.gpus;
    expect([g.kind, g.gpu, g.completed]).toEqual(['analytic', 'G', 2]);
    expect(g.gpus).toBe(4);
    expect(g.energy.watts).toBe(4 * 813);
    // Requests arrive a second apart and take milliseconds: each has the GPUs to itself.
    const step = model.layers.length * (60 + 2 * 15) * 1e-3;
    expect(g.tpotMs.p50 / step).toBeGreaterThan(1);
    expect(g.tpotMs.p50 / step).toBeLessThan(1.01);
    expect(g.outputSpeed.p50).toBeCloseTo(1000 / g.tpotMs.p50, 6);
    // A prompt of 400 is read in one step of up to 2,048 tokens: no longer than two steps of one.
    const transport = 95 + 400 * (1e-3 + (4 * 8) / 50_000);
    expect(g.ttftMs.p50).toBeGreaterThan(transport);
    expect(g.ttftMs.p50).toBeLessThan(transport + 3 * step);
    // Two requests of 501 positions at once are more than the memory of the four: one waits.
    const crowd = [0, 1].map((id) => request(id, 0, 400, 101));
    const source = { ...prepared.source, requests: crowd };
    const own = { ...config, gpuFiles: [path] };
    const [both] = serveScenario({ ...prepared, source, config: own }).result.gpus;
    expect(both.ttftMs.p50).toBeGreaterThan(transport + (100 * step) / 2);
    expect(both.ttftMs.p50).toBeLessThan(transport + (100 * step) / 2 + 3 * step);
    rmSync(dirname(path), { recursive: true });
  });
});

describe('both transports', () => {
  const sets = [
    'workload.kind=serving',
    'workload.requests=4',
    'workload.arrivals.rate=100',
    'workload.prompt.mean=40',
    'workload.prompt.cv=1',
    'workload.output.mean=2',
    'serving.minContext=30',
    'serving.tolerance=0.5',
    'transport.compare=true',
  ];
  it.each(['http', 'websocket'] as const)(
    'are held by the median of their first tokens: %s',
    async (kind) => {
      const config = two(...sets, `transport.kind=${kind}`);
      const { result } = serveScenario(await prepare('', config, work));
      expect(result.transport.kind).toBe(kind);
      expect(result.transportEffect![kind].timeToFirstTokenMs).toBe(result.ttftMs.p50);
      expect(result.ttftMs.p50).not.toBeCloseTo(result.ttftMs.mean, 6);
      const without = two(...sets.slice(0, -1), `transport.kind=${kind}`);
      const alone = serveScenario(await prepare('', without, work)).result;
      expect(alone.transportEffect).toBeUndefined();
      expect(alone.ttftMs).toEqual(result.ttftMs);
    },
  );

  it('and grids of their own where contexts or tolerance differ, one where they do not', async () => {
    const cache: GridCache = new Map();
    const of = async (...more: string[]) => prepare('', two(...sets, ...more), work, cache);
    await Promise.all([of(), of('transport.kind=websocket'), of('serving.policy=batch-first')]);
    expect(cache.size).toBe(1);
    await of('serving.tolerance=0.4');
    expect(cache.size).toBe(2);
    await of('serving.minContext=31');
    expect(cache.size).toBe(3);
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
      config: { workload: {}, gpuFiles: [], wafer: { powerWatts: 1 } },
      deployment: { placement: { wafers: 1 } },
      source: { requests, notes: ['sorted'], skippedRows: 3 },
      serve: serverOptions(pipeline(1, 5000), 'fcfs', limits),
    }) as unknown as Prepared;

  it('is a rate at which requests do not pile up, whatever their latencies may be', () => {
    const slo = [readSlo('ttft.p99<=1000s')];
    const result = capacityOf([prepared(every(10, 100))], slo, 0.001);
    // Completed at 90 % of the rate: 100 requests in half a second at most.
    const { meets, breaks } = result.requestsPerSecond;
    expect(meets / (200 / 0.9)).toBeLessThanOrEqual(1);
    expect(breaks! / (200 / 0.9)).toBeGreaterThan(1);
    expect(breaks! / meets).toBeLessThan(1.002);
    expect([result.skippedRows, result.notes[0]]).toEqual([3, 'sorted']);
  });

  it('is the rate at which the limit just holds: 5 ms each, no wait up to 200 a second', () => {
    const at = (limit: string) => capacityOf([prepared(every(10, 100))], [readSlo(limit)], 1e-4);
    // The rate of 100 requests over 99 gaps.
    const alone = at('ttft.p99<=5ms').requestsPerSecond;
    expect(alone.meets).toBeLessThanOrEqual((200 * 100) / 99);
    expect(alone.breaks).toBeGreaterThan((200 * 100) / 99);
    expect(at('ttft.p99<=4ms')).toMatchObject({ requestsPerSecond: { meets: 0 }, metrics: null });
    expect(at('ttft.p99<=5ms').metrics!.ttftMs.p99).toBe(5);
  });

  it('needs more requests served than turned away', () => {
    // The four that are served are the first, and would keep up by themselves.
    const long = Array.from({ length: 10 }, (_, id) =>
      request(id, id * 1e7, id < 4 ? 10 : 9000, 1),
    );
    const slo = [readSlo('ttft.p99<=1000s')];
    const result = capacityOf([prepared(long, { maxContext: 5000 })], slo, 0.01);
    expect(result.requestsPerSecond.meets).toBe(0);
  });

  it('is refused for a closed loop and for one instant', () => {
    const slo = [readSlo('ttft.p99<=1s')];
    expect(() => capacityOf([prepared(every(0, 3))], slo, 0.01)).toThrow(/one instant/);
    const closed = {
      ...prepared(every(10, 3)),
      config: { workload: { arrivals: { process: 'closed' } } },
    };
    expect(() => capacityOf([closed as unknown as Prepared], slo, 0.01)).toThrow(/a closed loop/);
  });

  it('takes no notice of when a request that follows another would have come', () => {
    const slo = [readSlo('ttft.p99<=5ms')];
    const rateWith = (arrivalNs: number) => {
      const follower = { ...request(100, arrivalNs, 1, 1), after: 99, thinkNs: 0 };
      return capacityOf([prepared([...every(10, 100), follower])], slo, 0.01).requestsPerSecond;
    };
    expect(rateWith(1e12)).toEqual(rateWith(0));
  });
});
