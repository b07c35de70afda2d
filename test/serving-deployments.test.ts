/** Several models on one system: a router by model, placements of all, and results of each and of all together. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { costsOf } from '../src/report/cost-text.js';
import { servingTable as pageTable } from '../src/report/html-serving.js';
import type { ServingDocument } from '../src/report/serving-document.js';
import { routed } from '../src/serving/router.js';
import { capacity, capacityOf, readSlo } from '../src/studies/capacity/capacity.js';
import { capacityTable } from '../src/studies/capacity/table.js';
import { prepareDeployments } from '../src/studies/serve/deployments.js';
import { scenariosOf, type Prepared } from '../src/studies/serve/serve.js';
import { serveAll } from '../src/studies/serve/serve-all.js';
import { deploymentsTable } from '../src/studies/serve/table.js';
import { stepCache } from '../src/studies/steps/step-cache.js';
import { OPTIONS } from './helpers/options.js';
import { request } from './serving-helpers.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-deployments-'));
afterAll(() => rmSync(home, { recursive: true }));

/** The file of a system with these deployments, and what else it says. */
function file(name: string, deployments: string, workload = 'requests: 40'): string {
  const path = join(home, `${name}.yaml`);
  const own = workload.startsWith('trace')
    ? workload
    : `${workload}, arrivals: { rate: 4000 }, prompt: { mean: 20 }, output: { mean: 8, cv: 0.5 }`;
  writeFileSync(
    path,
    `hardware: { extends: ${resolve('configs/hardware/small.yaml')}, wafers: auto }
model: { config: ${resolve('models/tiny.json')}, dtype: f32 }
workload: { kind: serving, context: 64, ${own} }
serving: { maxContext: 65, tolerance: 0.5 }
transport: { kind: none }
economics: { hourPrice: 3 USD/h }
deployments:
${deployments}`,
  );
  return path;
}

const TINY = `{ config: ${resolve('models/tiny.json')}, dtype: f32 }`;
const QWEN = `{ config: ${resolve('models/tiny-qwen3.json')}, dtype: f32 }`;
const TWO = `  - { name: large, model: ${TINY}, share: 3 }
  - { name: small, model: ${QWEN}, share: 1 }
`;

/** Steps of the two models, simulated once. */
const STEPS = stepCache();

const served = async (path: string) =>
  serveAll(loadConfig(path), path, [], { ...OPTIONS, steps: STEPS });

describe('a router', () => {
  const targets = [
    { name: 'a', share: 3 },
    { name: 'b', share: 1 },
    { name: 'c', share: 0 },
  ];
  const many = Array.from({ length: 4000 }, (_, id) => request(id, id, 1, 1));

  it('draws by shares, the same from the same seed, and loses nothing', () => {
    const lists = routed(many, targets, '1');
    expect(routed(many, targets, '1')).toEqual(lists);
    expect(routed(many, targets, '2')).not.toEqual(lists);
    expect(lists.map(({ requests }) => requests.length / 4000)).toEqual([
      expect.closeTo(0.75, 1),
      expect.closeTo(0.25, 1),
      0,
    ]);
    const ids = lists.flatMap(({ originals }) => originals.map(({ id }) => id));
    expect(ids.toSorted((a, b) => a - b)).toEqual(many.map(({ id }) => id));
    for (const { requests } of lists)
      expect(requests.map(({ id }) => id)).toEqual(requests.map((_, i) => i));
  });

  it('obeys names, and keeps sessions and what follows together', () => {
    const requests = [
      { ...request(0, 0, 1, 1), model: 'b' },
      { ...request(1, 0, 1, 1), model: 'c', session: 7 },
      { ...request(2, 0, 1, 1), after: 0 },
      { ...request(3, 0, 1, 1), session: 7, after: 1 },
      { ...request(4, 0, 1, 1), session: 7 },
    ];
    const [a, b, c] = routed(requests, targets, '1');
    expect(a.requests).toEqual([]);
    expect(b.originals.map(({ id }) => id)).toEqual([0, 2]);
    expect(b.requests[1]).toMatchObject({ id: 1, after: 0 });
    expect(c.originals.map(({ id }) => id)).toEqual([1, 3, 4]);
    expect(c.requests[1]).toMatchObject({ id: 1, after: 0 });
  });
});

describe('two models on one system', () => {
  const path = file('two', TWO);
  let document: ServingDocument;
  let rows: Record<string, unknown>[];
  beforeAll(async () => {
    const all = await served(path);
    ({ document } = all);
    const lines = [...all.rows].join('').trim().split('\n');
    rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  });

  it('lie on wafers of their own, and each is served as it is alone', async () => {
    const { deployments, scenarios } = document;
    expect(deployments!.placed).toMatchObject([
      { name: 'large', model: 'tiny', firstWafer: 0, wafers: 1 },
      { name: 'small', model: 'tiny-qwen3', firstWafer: 1, wafers: 1 },
    ]);
    expect(deployments).toMatchObject({ systemWafers: null, wafers: 2 });
    const alone = file('alone', `  - { name: one, model: ${QWEN} }\n`);
    const { document: single } = await served(alone);
    expect(single.scenarios![0].stepTimes).toEqual(scenarios![1].stepTimes);
    expect(single.deployments!.placed[0].requests).toBe(40);
  });

  it('add up to all: requests, tokens, energy, rows with the numbers that they had', () => {
    const { scenarios, deployments } = document;
    const { total, placed } = deployments!;
    const sum = (of: (one: (typeof scenarios & {})[number]) => number) =>
      scenarios!.reduce((all, one) => all + of(one), 0);
    expect(total.requests.completed).toBe(40);
    expect(sum(({ requests }) => requests.completed)).toBe(40);
    expect(sum(({ outputTokens }) => outputTokens)).toBe(total.outputTokens);
    expect(placed.map(({ requests }) => requests)).toEqual(
      scenarios!.map(({ requests }) => requests.arrived),
    );
    expect(total.energy.watts).toBe(sum(({ energy }) => energy.watts));
    expect(total.cost).toMatchObject({ systems: 2, usdPerHour: { rented: 6 } });
    expect(total.cost!.tokensPerSecond).toBe(total.outputThroughput);
    expect(rows.map(({ id }) => id).toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 40 }, (_, id) => id),
    );
    expect(new Set(rows.map(({ scenario }) => scenario))).toEqual(new Set(['large', 'small']));
  });

  it('are a table of each and of all, on the page too', () => {
    const { deployments, scenarios } = document;
    const text = deploymentsTable(deployments!, scenarios!, { color: false });
    expect(text).toMatch(/^Deployments\n.*\n +large .*\n +small .*\n +all +2 used +40 of 40/);
    expect(text).toMatch(/What a million output tokens cost.*\n.*\n +all deployments /);
    expect(costsOf(document).map(({ name }) => name)).toEqual([
      ...['large, wafers x 1', 'small, wafers x 1', 'all deployments'],
    ]);
    expect(pageTable(scenarios!, deployments)).toContain('all deployments');
  });
});

describe('requests', () => {
  it('of a trace go to the model that they name', async () => {
    const trace = join(home, 'trace.csv');
    const lines = ['large', 'small', 'small', 'large', 'small'].map((of, i) => `${i},${of},9,4`);
    writeFileSync(trace, `at,for,in,out\n${lines.join('\n')}\n`);
    const columns = `{ file: ${trace}, arrival: at, input: in, output: out, unit: ms, model: for }`;
    const { document } = await served(file('named', TWO, `trace: ${columns}`));
    expect(document.deployments!.placed.map(({ requests }) => requests)).toEqual([2, 3]);
    writeFileSync(trace, `at,for,in,out\n0,large,9,4\n1,medium,9,4\n`);
    await expect(served(file('named', TWO, `trace: ${columns}`))).rejects.toThrow(
      `${trace}:3: for: expected the name of a deployment that serves requests (large, small), found "medium"`,
    );
  });

  it('of a deployment itself are its own, and the router takes none of them', async () => {
    const own = 'workload: { arrivals: { process: closed, users: 2 }, requests: 6 }';
    const path = file(
      'own',
      `  - { name: large, model: ${TINY} }\n  - { name: small, model: ${QWEN}, ${own} }\n`,
    );
    const { document } = await served(path);
    expect(document.deployments!.placed.map(({ requests }) => requests)).toEqual([40, 6]);
    expect(document.scenarios!.map(({ workload }) => workload)).toEqual([
      'poisson arrivals, 40 of 40 requests',
      'closed loop of 2 users',
    ]);
  });
});

describe('a deployment', () => {
  it('has its own wafers and workload, and the system keeps its own, whoever sets them', () => {
    const path = file(
      'wafers',
      `${TWO}  - { name: b, model: ${QWEN}, wafers: 2, workload: { context: 9 } }\n`,
    );
    const sets = ['hardware.wafers=7'];
    expect(loadConfig(path, sets).wafer.wafers).toBe(7);
    expect(loadConfig(path, sets, 'large').wafer.wafers).toBe('auto');
    const own = loadConfig(path, sets, 'b');
    expect([own.wafer.wafers, own.workload.context, own.model.name]).toEqual([2, 9, 'tiny-qwen3']);
    expect(loadConfig(path, ['workload.context=8'], 'b').workload.context).toBe(8);
  });
});

describe('a system that cannot be', () => {
  const refused = async (path: string, ...sets: string[]) => {
    try {
      await serveAll(loadConfig(path, sets), path, sets, { ...OPTIONS, steps: STEPS });
    } catch (error) {
      return (error as Error).message;
    }
    return 'served';
  };
  const entry = (rest: string) =>
    `  - { name: large, model: ${TINY}, share: 1 }\n  - { ${rest} }\n`;

  it.each([
    [entry('name: large'), /deployments\.1\.name: expected one of its own, found large again/],
    [
      entry('name: b, draft: c'),
      /draft: expected the name of another deployment \(large\), found c/,
    ],
    [entry('name: b, draft: large'), /deployments\.0\.share: expected none, as it drafts for b/],
    [entry('name: b, sahre: 1'), /deployments\.1\.sahre: .*did you mean share\?/],
    [
      entry('name: b, wafers: 0'),
      /deployments\.1\.wafers: expected an integer, at least 1, at most 4096, found 0/,
    ],
    ['  []\n', /deployments: expected at least one deployment/],
    [
      `  - { name: a, model: ${TINY} }\n  - { name: b }\n`,
      /^deployments: expected a share of each, or workload\.trace\.model/,
    ],
  ])('is refused in one line: %s', async (deployments, message) => {
    expect(await refused(file('refused', deployments))).toMatch(message);
  });

  it('as its wafers are too few, with what would do', async () => {
    const path = file('few', TWO);
    expect(await refused(path, 'hardware.wafers=1')).toBe(
      'deployments need 2 wafers (large 1, small 1), which does not fit the 1 of the system; it would fit with hardware.wafers=2, or with fewer bits (model.weightBits of a deployment)',
    );
    expect(await refused(path, 'hardware.wafers=2')).toBe('served');
  });

  it('as it decodes only', async () => {
    expect(await refused(file('more', TWO), 'workload.kind=decode')).toMatch(
      /workload\.kind: expected serving with deployments, found "decode"/,
    );
  });
});

describe('the highest rate of several models', () => {
  const LIMIT = ['tpot.p99<=0.05ms', 'ttft.p99<=2ms'];
  const TOLERANCE = 0.02;

  it('is the one at which each of them meets the limits with its part of the requests', async () => {
    const path = file('rate', TWO, 'requests: 200');
    const options = { ...OPTIONS, steps: STEPS };
    const asked = { slo: LIMIT, tolerance: TOLERANCE };
    const found = await capacity({ path, sets: [] }, asked, options);
    const { requestsPerSecond: rate, deployments, metrics } = found;
    expect(deployments!.map(({ name }) => name)).toEqual(['large', 'small']);
    expect(deployments!.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(deployments![0].share).toBeGreaterThan(0.6);
    for (const one of deployments!) {
      expect(one.metrics!.tpotMs.p99).toBeLessThanOrEqual(0.05);
      expect(one.metrics!.ttftMs.p99).toBeLessThanOrEqual(2);
    }
    const completed = deployments!.map((one) => one.metrics!.requests.completed);
    expect(metrics!.requests.completed).toBe(completed[0] + completed[1]);
    // Each by itself, its requests as many times faster: the one that is first too slow bounds the system.
    const config = loadConfig(path);
    const entries = scenariosOf(config, path, []);
    const prepared = await prepareDeployments(config, entries, options, new Map());
    const slos = LIMIT.map(readSlo);
    const alone = prepared.map((one) => {
      const { requestsPerSecond, tried } = capacityOf([one], slos, TOLERANCE);
      expect(tried).toBeGreaterThan(3);
      return requestsPerSecond.meets / arrivalRate([one]);
    });
    const factor = rate.meets / arrivalRate(prepared);
    expect(factor / Math.min(...alone)).toBeGreaterThan(1 - 3 * TOLERANCE);
    expect(factor / Math.min(...alone)).toBeLessThan(1 + 3 * TOLERANCE);
    expect(Math.max(...alone)).toBeGreaterThan(1.2 * Math.min(...alone));
    const text = capacityTable(found, { color: false });
    expect(text).toMatch(/\n {2}large +[\d.,]+ requests\/s; TTFT p99 .*\n {2}small /);
  });

  it('is refused where one of them has a closed loop', async () => {
    const own = `workload: { arrivals: { process: closed, users: 2 }, prompt: { mean: 9 }, output: { mean: 9 } }`;
    const path = file('closed', `  - { name: a, model: ${TINY}, ${own} }\n`);
    const options = { ...OPTIONS, steps: STEPS };
    await expect(
      capacity({ path, sets: [] }, { slo: LIMIT, tolerance: 0.1 }, options),
    ).rejects.toThrow(/a closed loop/);
  });
});

function arrivalRate(prepared: readonly Prepared[]): number {
  const requests = prepared.flatMap(({ source }) => source.requests);
  return (requests.length / Math.max(...requests.map(({ arrivalNs }) => arrivalNs))) * 1e9;
}
