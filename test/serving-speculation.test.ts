/** Serving with drafted tokens on a simulated wafer: rounds, rooms, plans, fleets, records and drafts of deployments. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { planCosts } from '../src/report/cost-text.js';
import { planText } from '../src/report/plan-text.js';
import type { ServingResult } from '../src/report/serving-document.js';
import { fleetRow } from '../src/studies/fleet/fleet.js';
import { prepareEndpoint } from '../src/studies/serve/endpoint.js';
import { serveAll } from '../src/studies/serve/serve-all.js';
import { leastAcceptance } from '../src/numeric/acceptance.js';
import { servingTable } from '../src/studies/serve/table.js';
import { paceOf, roundOf } from '../src/studies/steps/pace.js';
import { stepCache } from '../src/studies/steps/step-cache.js';
import { deploymentOf } from '../src/studies/steps/step-times.js';
import { deepModel } from './helpers/small-model.js';
import { OPTIONS } from './helpers/options.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-speculation-'));
afterAll(() => rmSync(home, { recursive: true }));

const PATH = 'configs/serving-tiny.yaml';
/** Two contexts, with requests that fit them. */
const SHORT = [
  ...['workload.requests=30', 'workload.prompt.mean=30', 'workload.output.mean=12'],
  ...['serving.minContext=78', 'serving.maxContext=80', 'transport.compare=false'],
  // Rows that leave the layer that drafts its place on the model's wafer.
  'placement.rows=12',
];
const MTP = [
  ...['workload.speculation.draft.mtp=assumed', 'workload.speculation.tokens=3'],
  'workload.speculation.acceptance=0.8',
];
/** What costs little: on a model of two layers a layer that drafts gains nothing. */
const LOOK_UP = [
  ...['workload.speculation.draft.ngram=2', 'hardware.io.latency=0 s'],
  ...['workload.speculation.tokens=3', 'workload.speculation.acceptance=1'],
];
/** Many layers, next to which a layer that drafts is light, on rows that leave it its place. */
const DEEP = [`model.config=${deepModel(home, 12)}`, 'placement.rows=8'];
const SURE = [
  ...DEEP,
  ...MTP,
  'workload.speculation.tokens=2',
  'workload.speculation.acceptance=1',
];
/** A draft whose path is not the record's. */
const BY_FILE = [
  ...['workload.speculation.draft.config=models/tiny.json', 'workload.speculation.draft.dtype=f32'],
  ...MTP.slice(1),
];
const STEPS = stepCache();
const options = { ...OPTIONS, steps: STEPS };

async function served(...sets: string[]): Promise<ServingResult> {
  const all = [...SHORT, ...sets];
  return (await serveAll(loadConfig(PATH, all), PATH, all, options)).document.serving;
}

describe('requests that are served with drafts', () => {
  it('take rounds that are simulated, plain tokens among them, and say what is assumed', async () => {
    const plain = await served();
    const drafted = await served(...MTP, 'serving.speculation=fixed');
    const { stepTimes, speculation } = drafted;
    expect(plain.speculation).toBeUndefined();
    expect(plain.stepTimes.roundCycles).toBeUndefined();
    expect(stepTimes.roundCycles).toHaveLength(3);
    expect(stepTimes.roundCycles![0]).toEqual(stepTimes.aloneCycles);
    stepTimes.roundCycles![2].forEach((cycles, i) => {
      expect(cycles).toBeGreaterThan(stepTimes.roundCycles![1][i]);
      expect(cycles).toBeLessThan(
        3 * stepTimes.aloneCycles[i] + 3 * stepTimes.draftSpacingCycles![i],
      );
    });
    expect(speculation).toMatchObject({
      ...{ draft: 'mtp', tokens: 3, policy: 'fixed', assumedAcceptance: [0.8, 0.8] },
      tokensVerifiedPerRound: 3,
    });
    const { rounds, drafted: guessed, accepted, emitted } = speculation!;
    expect(guessed).toBe(2 * rounds);
    expect(emitted).toBeLessThanOrEqual(rounds + accepted);
    // All tokens but the first of each answer come out of rounds.
    expect(emitted).toBe(drafted.outputTokens - drafted.requests.completed);
    expect(drafted.outputTokens).toBe(plain.outputTokens);
    const text = servingTable(drafted, { color: false });
    expect(text).toMatch(/speculation +mtp drafts, 3 tokens a round .*assumed acceptance 0\.8\n/);
  });

  it('by load verify fewer tokens where that gives more', async () => {
    const never = ['workload.speculation.acceptance=0'];
    const { speculation } = await served(...MTP, ...never);
    expect(speculation).toMatchObject({ policy: 'by-load', drafted: 0, tokensVerifiedPerRound: 1 });
  });

  it('pay where the layer that drafts is light, on the wafer of the model', async () => {
    const { placement } = deploymentOf(loadConfig(PATH, [...SHORT, ...SURE]));
    expect([placement.wafers, placement.draft!.shared]).toEqual([1, true]);
    const always = await served(...SURE, 'workload.arrivals.rate=20');
    expect(always.speculation!.accepted).toBe(always.speculation!.drafted);
    expect(always.speculation!.tokensPerRound).toBeGreaterThan(1.5);
    // A user who is mostly alone is faster than plain tokens of a user alone.
    const [plain] = always.stepTimes.aloneTokensPerSecond;
    expect(always.outputSpeed.p50).toBeGreaterThan(1.1 * plain);
  });

  it('have their caches, and their drafts have theirs', () => {
    const room = (...sets: string[]) => deploymentOf(loadConfig(PATH, [...SHORT, ...sets]));
    const own = room(...MTP);
    const { draft } = own.placement;
    expect(draft).toBeDefined();
    const apart = room(
      ...['workload.speculation.draft.config=tiny-qwen3', 'workload.speculation.draft.dtype=f32'],
      ...['workload.speculation.draft.wafers=1', ...MTP.slice(1)],
    );
    expect(apart.placement.wafers).toBe(apart.placement.draft!.placement.wafers + 1);
    expect(apart.kvTokens).toBeGreaterThan(0);
    expect(own.kvTokens).toBeLessThan(room().kvTokens);
  });

  it('of one token a round are served as plainly', async () => {
    const one = ['workload.speculation.draft.mtp=assumed', 'workload.speculation.tokens=1'];
    const { speculation, stepTimes, ...rest } = await served(...one);
    const { stepTimes: plain, ...others } = await served();
    expect(speculation).toMatchObject({ drafted: 0, tokensPerRound: 1 });
    expect(stepTimes).toMatchObject({ aloneCycles: plain.aloneCycles });
    expect(rest.tpotMs).toEqual(others.tpotMs);
  });
});

describe('a plan', () => {
  const point = {
    ...{ context: 5, alone: 1000, spacing: 100 },
    rounds: { alone: [1000, 1200, 1400], draftSpacing: 150, rows: {} as never },
  };
  const guesses = (chance: number) => ({ chances: [chance, chance], policy: 'by-load' as const });

  it('finds the acceptance that a speed takes: none, some, or more than 1', () => {
    expect(leastAcceptance(point.rounds.alone, 1000)).toBe(0);
    const some = leastAcceptance(point.rounds.alone, 700)!;
    expect(paceOf(point, 1, guesses(some))).toBeLessThanOrEqual(700);
    expect(paceOf(point, 1, guesses(some - 1e-9))).toBeGreaterThan(700);
    expect(leastAcceptance(point.rounds.alone, 1400 / 3)).toBeCloseTo(1, 12);
    expect(leastAcceptance(point.rounds.alone, 466)).toBeNull();
    expect(leastAcceptance([point.alone], 999)).toBeNull();
  });

  it('lets the slower of model and draft set the pace of many', () => {
    expect(roundOf(point, 30, guesses(1))).toEqual({ cycles: 4500, tokens: 1, emitted: 1 });
    expect(paceOf({ alone: 1000, spacing: 100 }, 30)).toBe(3000);
  });

  it('is of simulated steps, at a floor that it keeps, and next to GPUs', async () => {
    const asked = ['serving.plan.megawatts=1', 'serving.plan.pue=2', 'serving.floor=120000'];
    asked.push('economics.energyPrice=0.1 USD/kWh', 'economics.pue=5');
    const { plan, stepTimes, model, speculation } = await served(...MTP, ...asked);
    expect(plan).toMatchObject({ floor: 120_000, megawatts: 1, pue: 2, wafers: 1 });
    expect(plan!.rows.map(({ context }) => context)).toEqual(stepTimes.contexts);
    for (const row of plan!.rows) {
      if (row.users > 0) expect(row.tokensPerSecondPerUser).toBeGreaterThanOrEqual(120_000);
      else expect(row.tokensPerSecondAlone).toBeLessThan(120_000);
      expect(row.site.users).toBe(row.site.groups * row.users);
      if (row.acceptanceForFloor !== null && row.acceptanceForFloor <= 0.8)
        expect(row.users).toBeGreaterThanOrEqual(1);
    }
    expect(plan!.gpus.map(({ gpus }) => gpus)).toEqual([1, 8]);
    const { lines, wafers } = planText({ plan: plan!, model, speculation: speculation! });
    expect(lines[0]).toMatch(/^A group is 1 wafer, .* with a chance of 0\.8 is assumed\.$/);
    expect(wafers.rows).toHaveLength(plan!.rows.length);
    // A plan's power of the site is its own: joules of a token there, for a tenth of a dollar a kWh.
    const { site } = plan!.rows[0];
    const { energy } = site.cost!.usdPerMillionOutputTokens;
    expect(energy).toBeCloseTo((site.joulesPerTokenAtSite * 0.1) / 3.6, 9);
    expect(planCosts(plan!).map(({ name }) => name)).toEqual([
      ...stepTimes.contexts.map((context) => `wafers x 1 a group, ${context} tokens in the cache`),
      ...[1, 8].flatMap((gpus) => {
        const name = `A100 x ${gpus} (analytic), ${plan!.gpuContext} tokens in the cache`;
        return [name, `${name}, as many users as fit`];
      }),
    ]);
  });

  it('of a fleet is of rounds too, and says what they assume', async () => {
    const limits = { megawatts: 1, pue: 1.2, speed: 1000 };
    const row = (...sets: string[]) =>
      fleetRow('', loadConfig(PATH, [...SHORT, 'workload.context=40', ...sets]), limits, options);
    const plain = await row();
    const sure = await row(...LOOK_UP);
    expect(plain.assumedAcceptance).toBeUndefined();
    expect(sure.assumedAcceptance).toEqual([1, 1]);
    expect(sure.tokensPerSecondAlone).toBeGreaterThan(plain.tokensPerSecondAlone);
  });
});

describe('an endpoint with drafts', () => {
  it('says several tokens at one instant, and its record is served again as it was', async () => {
    const record = join(home, 'record');
    const [endpoint] = await prepareEndpoint(
      { path: PATH, sets: [...SHORT, ...BY_FILE, 'serving.speculation=fixed'] },
      {
        ...{ text: 'lorem', seed: '1', transport: 'none', maxWaiting: 8, record },
        onNote: () => {},
      },
      options,
    );
    const { driver } = endpoint;
    for (let id = 0; id < 6; id++)
      driver.submit({ id, arrivalNs: 0, promptTokens: 9 + id, outputTokens: 20 }, id * 40_000);
    driver.finish(3, 300_000);
    const tokens = driver.advance(10 ** 9);
    await endpoint.close();
    const first = tokens.filter(({ id, index }) => id === 0 && index >= 0).map(({ ns }) => ns);
    expect(new Set(first).size).toBeLessThan(first.length);
    const path = join(record, 'run.yaml');
    const { document } = await serveAll(loadConfig(path), path, [], options);
    expect(document.serving.replay).toMatchObject({ requests: 6, differing: 0 });
    expect(document.serving.replay!.tokens).toBeGreaterThan(90);
  });
});

describe('a draft that is one of the deployments', () => {
  const file = (speculation: string, small = '') => {
    const path = join(home, 'deployments.yaml');
    const tiny = `{ config: ${resolve('models/tiny.json')}, dtype: f32 }`;
    writeFileSync(
      path,
      `hardware: { extends: ${resolve('configs/hardware/small.yaml')}, wafers: auto }
workload: { kind: serving, context: 64, requests: 20, arrivals: { rate: 4000 }, prompt: { mean: 20 }, output: { mean: 8 } }
serving: { maxContext: 64, tolerance: 0.5 }
transport: { kind: none }
deployments:
  - { name: large, model: ${tiny}, draft: small, workload: { speculation: { ${speculation} } } }
  - { name: small, model: ${tiny}${small} }
`,
    );
    return path;
  };

  it('lies on its wafers, drafts, and serves nothing by itself', async () => {
    const path = file('tokens: 2, acceptance: 0.5', ', wafers: 1');
    const { document } = await serveAll(loadConfig(path), path, [], options);
    const { placed, wafers } = document.deployments!;
    expect(placed).toMatchObject([
      { name: 'large', firstWafer: 0, wafers: 1, requests: 20 },
      { name: 'small', firstWafer: 1, wafers: 1, draftsFor: 'large' },
    ]);
    expect(wafers).toBe(2);
    expect(document.scenarios!.map(({ scenario }) => scenario)).toEqual(['large']);
    expect(document.serving.speculation).toMatchObject({ draft: 'tiny', tokens: 2 });
  });

  it('is named once', () => {
    expect(() => loadConfig(file('tokens: 2, acceptance: 0.5, draft: tiny'))).toThrow(
      /workload\.speculation\.draft: expected none with the draft of a deployment, found one/,
    );
  });
});
