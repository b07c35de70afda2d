/** What tokens cost: by hand, read from a configuration, and in the documents of what makes tokens. */
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { capacity, fleet, serveAll, simulate } from '../src/index.js';
import { costSection, costsOf } from '../src/report/cost-text.js';
import { runTable } from '../src/report/table.js';
import { costAt } from '../src/studies/steps/run-cost.js';
import { costOfGpus, costOfWafers } from '../src/serving/cost.js';
import { compareAll } from '../src/studies/compare/compare.js';
import { comparePage } from '../src/studies/compare/page.js';
import { compareMarkdown, compareTable } from '../src/studies/compare/table.js';
import { capacityTable } from '../src/studies/capacity/table.js';
import { explain } from '../src/studies/explain/explain.js';
import { explainTable } from '../src/studies/explain/table.js';
import { fleetTable } from '../src/studies/fleet/table.js';
import { servingTable } from '../src/studies/serve/table.js';
import { complaint, complaintAbout, temporaryFolder } from './config-files.js';
import { OPTIONS } from './helpers/options.js';

const PLAIN = { color: false };

// Two systems of 1 kW that make 1,000 tokens/s: 3.6 million in an hour.
const LOAD = { systems: 2, watts: 1000, tokensPerSecond: 1000 };
const OWNED = { systemPrice: 720_000, lifetime: 10_000 * 3600, energyPrice: 0.09 };

describe('the cost of tokens', () => {
  it('is what an hour of the systems and their energy cost over the tokens of an hour', () => {
    const cost = costOfWafers({ ...OWNED, hourPrice: 90 }, LOAD)!;
    expect(cost.usdToBuy).toBe(1_440_000);
    expect(cost.usdPerHour).toEqual({ systems: 144, energy: 0.18, owned: 144.18, rented: 180 });
    const { systems, energy, owned, rented } = cost.usdPerMillionOutputTokens;
    expect([systems, rented]).toEqual([40, 50]);
    expect(energy).toBeCloseTo(0.05, 12);
    expect(owned).toBeCloseTo(40.05, 12);
    expect(cost.missing).toEqual([]);
  });

  it('pays for every hour, and for the power of the site', () => {
    const half = costOfWafers({ ...OWNED, utilization: 0.5, pue: 1.5 }, LOAD)!;
    expect(half.usdPerHour.systems).toBe(144);
    expect(half.usdPerHour.energy).toBeCloseTo(0.27, 12);
    expect(half.usdPerMillionOutputTokens.systems).toBe(80);
    expect(half.usdPerMillionOutputTokens.energy).toBeCloseTo(0.15, 12);
    expect(half.assumed).toMatchObject({ utilization: 0.5, pue: 1.5, energyPrice: 0.09 });
    // A year of 31,556,926 s.
    expect(half.assumed.lifetimeYears).toBeCloseTo(1.1408, 4);
  });

  it('is none without prices, and only of what is given; what completes it is named', () => {
    expect(costOfWafers(undefined, LOAD)).toBeUndefined();
    expect(costOfWafers({ lifetime: 1, utilization: 0.5 }, LOAD)).toBeUndefined();
    const partsOf = (economics: Parameters<typeof costOfWafers>[0]) => {
      const { usdPerHour, missing } = costOfWafers(economics, LOAD)!;
      return [Object.keys(usdPerHour), missing];
    };
    expect(partsOf({ hourPrice: 1 })).toEqual([['rented'], []]);
    expect(partsOf({ energyPrice: 1 })).toEqual([
      ['energy'],
      ['economics.systemPrice', 'economics.lifetime'],
    ]);
    expect(partsOf({ systemPrice: 1 })).toEqual([
      [],
      ['economics.lifetime', 'economics.energyPrice'],
    ]);
    expect(partsOf({ systemPrice: 1, lifetime: 1 })).toEqual([
      ['systems'],
      ['economics.energyPrice'],
    ]);
  });

  it('of GPUs has their own prices, and the same energy and lifetime', () => {
    const prices = { ...OWNED, hourPrice: 90, gpus: { H100: { price: 36_000, hourPrice: 2 } } };
    const cost = costOfGpus(prices, 'H100', LOAD)!;
    expect(cost.usdPerHour).toEqual({ systems: 7.2, energy: 0.18, owned: 7.38, rented: 4 });
    const other = costOfGpus(prices, 'B200', LOAD)!;
    expect([other.usdPerHour, other.missing]).toEqual([
      { energy: 0.18 },
      ['economics.gpus.B200.price'],
    ]);
  });

  it('of no tokens is not a number that a table would show', () => {
    const cost = costOfWafers(OWNED, { ...LOAD, tokensPerSecond: 0 })!;
    expect(costSection([{ name: 'idle', cost }], PLAIN)).toMatch(/idle +0\.0 +- +- +- +- +1\.44/);
    expect(costSection([{ name: 'none' }], PLAIN)).toBe('');
  });
});

const folder = temporaryFolder();
afterAll(folder.remove);

const SETS = [
  'economics.systemPrice=2 MUSD',
  'economics.lifetime=4 years',
  'economics.energyPrice=0.08 USD/kWh',
  'economics.hourPrice=100 USD/h',
];

describe('prices of a configuration', () => {
  const load = (...sets: string[]) => loadConfig('configs/tiny.yaml', sets);

  it('are read with their units, and a result runs again as it is', () => {
    const { economics, resolved } = load(...SETS, 'economics.utilization=0.6');
    const plain = {
      systemPrice: 2e6,
      lifetime: 4 * 31_556_926,
      energyPrice: 0.08,
      hourPrice: 100,
      utilization: 0.6,
    };
    expect(economics).toEqual(plain);
    expect(resolved['economics']).toEqual(plain);
    const again = folder.write('again.yaml', JSON.stringify({ extends: 'tiny', economics: plain }));
    folder.write('tiny', `extends: ${process.cwd()}/configs/tiny.yaml`);
    expect(loadConfig(again).economics).toEqual(plain);
  });

  it('are the same in whatever unit, and another configuration only where there are some', () => {
    const of = (price: string) => load(`economics.energyPrice=${price}`).canonical;
    expect(of('80 USD/MWh')).toEqual(of('0.08 USD/kWh'));
    expect(of('0.09')).not.toEqual(of('0.08'));
    expect(load().canonical).not.toHaveProperty('economics');
  });

  it.each([
    [
      'economics: { systemPrice: 2 MEUR }',
      /^run.yaml:4:27: economics.systemPrice: expected a price such as 2 MUSD/,
    ],
    ['economics: { systemPrice: 2 MW }', /systemPrice: expected a price such as 2 MUSD/],
    ['economics: { systemPrice: -1 }', /at least 0, at most .* found -1/],
    ['economics: { energyPrice: 2 USD }', /energyPrice: expected a price of energy such as/],
    ['economics: { lifetime: 0 s }', /lifetime: expected a time such as .*above 0/],
    ['economics: { utilization: 1.1 }', /utilization: expected a number, at least .* found 1.1/],
    ['economics: { price: 1 }', /economics\.price: expected .*systemPrice/],
    ['economics: { systemprice: 1 }', /did you mean systemPrice\?/],
    ['economics: 3', /economics: expected a mapping, found 3/],
    [
      'economics: { gpus: { H100: { price: 1 } } }',
      /gpus\.H100: expected GPUs to compare with in serving\.gpus/,
    ],
    [
      'serving: { gpus: [a100] }\neconomics: { gpus: { H100: { price: 1 } } }',
      /gpus\.H100: expected a GPU of serving\.gpus \(A100\), found "H100"/,
    ],
  ])('%s is refused in one line', (lines, message) => {
    const said = complaintAbout(`\n${lines}`, folder);
    expect(said).toMatch(message);
    expect(said).not.toContain('\n');
  });

  it('wrong ones of the command line are named by it', () => {
    const load = () => loadConfig('configs/tiny.yaml', ['economics.hourPrice=2 EUR/h']);
    expect(complaint(load, folder)).toMatch(
      /^--set economics.hourPrice=2 EUR\/h: economics.hourPrice: expected a price of an hour/,
    );
  });

  it('are in an explanation, with their sources', () => {
    const path = folder.write(
      'sourced.yaml',
      `extends: ${process.cwd()}/configs/tiny.yaml\neconomics: { systemPrice: { value: 2 MUSD, source: a report }, energyPrice: 0.1 USD/kWh }`,
    );
    const document = explain(loadConfig(path));
    const rules = document.assumptions.filter(({ about }) => about === 'cost');
    expect(rules[0]).toMatchObject({
      text: expect.stringContaining('2000000'),
      source: 'a report',
    });
    expect(rules[1].source).toMatch(/sourced\.yaml:2:/);
    expect(rules.every(({ grade }) => grade === 'assumed')).toBe(true);
    expect(explainTable(document, PLAIN)).toContain('What tokens cost');
    const without = explain(load()).assumptions;
    expect(without.some(({ about }) => about === 'cost')).toBe(false);
  });
});

describe('what tokens cost', () => {
  const TINY = 'configs/tiny.yaml';

  it('is in a run at the speed of all users, and nowhere without prices', async () => {
    const of = (...sets: string[]) =>
      simulate(loadConfig(TINY, ['workload.data=false', 'workload.tokens=1', ...sets]), OPTIONS);
    const run = await of('workload.batch=2', 'placement.growth=minimal', ...SETS);
    const { tokensPerSecond } = run.decode;
    expect(run.cost).toMatchObject({ kind: 'computed', systems: 1, tokensPerSecond });
    const { rented } = run.cost!.usdPerMillionOutputTokens;
    expect(rented).toBeCloseTo(100 / ((tokensPerSecond * 3600) / 1e6), 9);
    const text = runTable(run, PLAIN);
    expect(text).toContain('What a million output tokens cost, USD (computed; prices are assumed)');
    expect(text).toContain('Assumed, wafers x 1: 2,000,000 USD a system over 4.0 years');
    const without = await of();
    expect(without).not.toHaveProperty('cost');
    expect(runTable(without, PLAIN)).not.toContain('USD');
  });

  it('is of the speed with drafts where tokens are drafted', () => {
    const [decode, expected] = [{ tokensPerSecond: 50 }, { tokensPerSecondPerUser: 90 }];
    const speedOf = (speculation?: object) => {
      const run = { decode: { ...decode, speculation }, placement: { wafers: 2 } };
      const { cost } = costAt(run as never, loadConfig(TINY, SETS));
      return [cost!.systems, cost!.tokensPerSecond];
    };
    expect(speedOf()).toEqual([2, 50]);
    expect(speedOf({ tokensPerSecondPerUser: 80 })).toEqual([2, 80]);
    expect(speedOf({ tokensPerSecondPerUser: 80, expected })).toEqual([2, 90]);
  });

  it('is of each run in a comparison, at its own prices', async () => {
    const config = (price: string, strategy: string) => ({
      name: strategy,
      config: loadConfig(TINY, [
        ...['workload.data=false', 'workload.tokens=1', `economics.hourPrice=${price} USD/h`],
        `placement.strategy=${strategy}`,
      ]),
    });
    const document = await compareAll([config('100', 'snake'), config('50', 'row-major')], OPTIONS);
    const costs = document.runs.map(({ cost }) => cost!);
    expect(costs.map(({ usdPerHour }) => usdPerHour.rented)).toEqual([100, 50]);
    expect(costs[1].tokensPerSecond).toBe(document.runs[1].decode.tokensPerSecond);
    const text = compareTable(document, PLAIN);
    expect(text).toMatch(/What a million .*\n.*\n +snake: wafers x 1 .*\n +row-major: wafers x 1 /);
    expect(text).toContain('Assumed, row-major: wafers x 1: 50.00 USD for an hour');
    expect(compareMarkdown(document)).toMatch(/\| row-major: wafers x 1 \| [\d,.]+ \| - \|/);
    const tools = { deflate: () => new Uint8Array(), sha256: () => '' };
    expect(comparePage(document, [undefined, undefined], text, tools as never)).toMatch(
      /<h2[^>]*>What a million output tokens cost/,
    );
  });

  const SERVING = 'configs/serving-tiny.yaml';
  const GPU = [
    'economics.gpus.A100.hourPrice=2 USD/h',
    ...['workload.requests=20', 'serving.tolerance=0.3', 'transport.compare=false'],
    ...['serving.maxContext=64', 'workload.prompt.mean=20', 'workload.output.mean=10'],
  ];

  it('is in what is served at its throughput, next to GPUs, and not in the step by itself', async () => {
    const sets = [...SETS, ...GPU];
    const { document } = await serveAll(loadConfig(SERVING, sets), SERVING, sets, OPTIONS);
    const { serving } = document;
    expect(document).not.toHaveProperty('cost');
    expect(serving.cost!.tokensPerSecond).toBe(serving.outputThroughput);
    const [gpu] = serving.gpus;
    expect(gpu.cost!.usdPerHour.rented).toBe(2 * gpu.gpus);
    // Energy per token is the joules of the same document.
    const joules = serving.energy.joulesPerOutputToken;
    expect(serving.cost!.usdPerMillionOutputTokens.energy).toBeCloseTo((joules * 0.08) / 3.6, 9);
    const text = servingTable(serving, PLAIN);
    expect(text).toMatch(/USD \(computed.*\n.*\n +wafers x 1 .*\n +A100 x 1 \(analytic\) /);
    expect(text).toContain('No cost of owned systems without economics.gpus.A100.price');
    expect(costsOf(document).map(({ name }) => name)).toEqual([
      'wafers x 1',
      'A100 x 1 (analytic)',
    ]);
  });

  it('is that of the highest rate which meets limits, next to GPUs that are sent the same', async () => {
    const asked = { slo: ['tpot.p99<=30ms', 'ttft.p99<=40ms'], tolerance: 0.2 };
    const source = { path: SERVING, sets: [...SETS, ...GPU] };
    const found = await capacity(source, asked, OPTIONS);
    expect(found.cost!.tokensPerSecond).toBe(found.metrics!.outputThroughput);
    expect(found.gpus).toHaveLength(1);
    expect(found.gpus![0]).toMatchObject({ gpu: 'A100', meets: expect.any(Boolean) });
    const text = capacityTable(found, PLAIN);
    expect(text).toMatch(/next to it {4}A100 x 1 \(analytic\): (meets|breaks) them; /);
    expect(text).toContain('What a million output tokens cost');
  });

  it('is that of a site in a fleet, at its PUE, next to clusters of GPUs', async () => {
    const sets = [...SETS, 'economics.pue=3', 'serving.gpus=[a100]', 'workload.data=false'];
    const limits = { megawatts: 1, pue: 1.25, speed: 50_000 };
    const config = loadConfig(TINY, sets);
    const found = await fleet(config, { path: TINY, sets }, limits, OPTIONS);
    const [row] = found.rows;
    const { cost } = row;
    expect(cost!.systems).toBe(row.replicas * row.wafersPerReplica);
    expect(cost!.assumed.pue).toBe(1.25);
    // A megawatt-hour for 80 USD, over what it makes in an hour.
    expect(cost!.usdPerHour.energy).toBeCloseTo(80, 9);
    expect(cost!.tokensPerSecond).toBeCloseTo(row.tokensPerDay / 86_400, 3);
    expect(row.gpus!.map(({ gpu }) => gpu)).toContain('A100');
    expect(row.gpus![0].full.site.cost!.usdPerHour).toHaveProperty('energy');
    const text = fleetTable(found, PLAIN);
    expect(text).toContain('GPU clusters at 8 tokens in the cache');
    expect(text).toMatch(/A100 x 1 \(analytic\), 8 tokens in the cache, as many users as fit/);
  });
});
