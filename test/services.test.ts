/** Published speeds of services next to plain decoding: which are judged, and what is assumed of the others. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { idOf, publishedServices, type Services } from '../src/studies/services/published.js';
import { services } from '../src/studies/services/services.js';
import { servicesTable } from '../src/studies/services/table.js';
import { stepCache } from '../src/studies/steps/step-cache.js';
import { tokensPerRound } from '../src/numeric/acceptance.js';
import { OPTIONS } from './helpers/options.js';
import { deepModel } from './helpers/small-model.js';
import { simulateTimes } from './helpers/times.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-services-'));
afterAll(() => rmSync(home, { recursive: true }));

const SET = { hardware: 'small', 'model.dtype': 'f32' };
const ROW = { date: '2024-08', by: 'the vendor', grade: 'A' } as const;
const KNOWN = { ...ROW, wafers: 1, weightBits: 32, context: 8, speculation: false } as const;

function table(...rows: Services['rows']): Services {
  return {
    models: {
      tiny: { model: 'tiny', set: SET },
      like: { model: 'tiny', set: SET, assumed: 'has the shape of tiny' },
      secret: { notSimulated: 'its size is not disclosed' },
    },
    rows,
  };
}

/** Steps that several rows have in common. */
const STEPS = stepCache();

async function speedOf(context: number): Promise<number> {
  const sets = [...Object.entries(SET).map(([k, v]) => `${k}=${v}`), `workload.context=${context}`];
  const config = loadConfig('configs/wse3.yaml', ['model=tiny', ...sets]);
  return (await simulateTimes(config, OPTIONS)).decode.tokensPerSecondPerUser;
}

describe('a published speed', () => {
  it('is judged where all its settings are known, against the speed of a plain run', async () => {
    const plain = await speedOf(8);
    const [ok, slow, fast] = [plain / 1.5, plain / 2.1, plain * 1.01];
    const rows = [ok, slow, fast].map((speed) => ({
      model: 'tiny',
      tokensPerSecond: speed,
      ...KNOWN,
    }));
    const document = await services({ table: table(...rows) }, OPTIONS);
    expect(document.rows.map(({ predicted }) => predicted)).toEqual([plain, plain, plain]);
    expect(document.rows.map(({ passed }) => passed)).toEqual([true, false, false]);
    expect(document.rows[0].error).toBeCloseTo(0.5, 12);
    expect(document.rows[0].speedUp).toBeCloseTo(1 / 1.5, 12);
    expect(document).toMatchObject({ schema: 'wafersim.validate/1', passed: false });
    const failed = rows.slice(1).map(idOf);
    expect(document.summary['hosted service']).toEqual({
      measurements: 3,
      predicted: 3,
      judged: 3,
      failed,
    });
  });

  it('is shown and not judged where anything is assumed', async () => {
    const of = (change: object) => ({ model: 'tiny', tokensPerSecond: 1, ...KNOWN, ...change });
    const { wafers: _, ...noWafers } = KNOWN;
    const rows = [
      of({ speculation: true }),
      of({ speculation: null, tokensPerSecond: 2 }),
      { model: 'tiny', tokensPerSecond: 3, ...noWafers },
      of({ model: 'like' }),
      of({ model: 'secret' }),
      of({ model: 'unknown' }),
      of({ system: 'B200' }),
    ];
    const steps = stepCache();
    const document = await services({ table: table(...rows) }, { ...OPTIONS, steps });
    expect(document.passed).toBe(true);
    expect(document.rows.map(({ judged, error }) => judged || error !== null)).not.toContain(true);
    expect(document.rows.map(({ remarks, refused }) => refused ?? remarks.join('; '))).toEqual([
      'it decodes speculatively, with a draft that is not published',
      'nothing is said of speculative decoding',
      'assumed: on as few wafers as hold it',
      'assumed: like has the shape of tiny',
      'its size is not disclosed',
      'no bundled model has its shape',
      'B200 is no wafer',
    ]);
    // Plain steps on one wafer, and on as few as it takes; and rounds of the one where they are not excluded.
    expect(steps.counts).toEqual({ simulated: 3, read: 0 });
  });

  it('is next to rounds where it may be of some, with the acceptance that would explain it', async () => {
    // Next to many layers the one that drafts is light.
    const set = { ...SET, 'model.config': deepModel(home, 12), 'placement.rows': 8 };
    const models = { deep: { model: 'tiny', set } };
    const find = async (...speeds: number[]) => {
      const rows = speeds.map((tokensPerSecond) => ({
        ...{ model: 'deep', tokensPerSecond },
        ...{ ...KNOWN, speculation: null },
      }));
      return (await services({ table: { models, rows } }, { ...OPTIONS, steps: STEPS })).rows;
    };
    const [{ predicted, speculative }] = await find(1);
    const plain = predicted!;
    const { cyclesPerRound, assumed, clockHz } = speculative!;
    expect(cyclesPerRound).toHaveLength(8);
    const best = (chance: number) =>
      Math.max(
        ...cyclesPerRound.map((cycles, i) => {
          const chances = Array<number>(i).fill(chance);
          return (clockHz * tokensPerRound(chances)) / cycles;
        }),
      );
    expect(assumed).toEqual(
      [0.5, 0.9].map((acceptance) => ({
        acceptance,
        tokensPerSecond: expect.closeTo(best(acceptance), 6) as number,
      })),
    );
    expect(best(1)).toBeGreaterThan(1.1 * plain);
    const between = (plain + best(1)) / 2;
    const found = await find(0.5 * plain, between, 50 * plain);
    const [slow, some, never] = found.map((row) => row.acceptanceForPublished);
    expect([slow, never]).toEqual([0, null]);
    expect(some).toBeGreaterThan(0.3);
    expect(some).toBeLessThan(1);
    expect(best(some!) / between).toBeCloseTo(1, 6);
  });

  it('on wafers that do not hold the model is next to as many as do, and says so', async () => {
    const rows = [{ model: 'tiny', tokensPerSecond: 1e5, ...KNOWN, context: 64 }];
    const set = {
      ...SET,
      'hardware.width': 12,
      'hardware.height': 12,
      'hardware.core.sram': 19_000,
    };
    const models = { tiny: { model: 'tiny', set } };
    const [row] = (await services({ table: { models, rows } }, OPTIONS)).rows;
    expect(row.published.wafers).toBe(1);
    expect(row.simulated?.wafers).toBe(2);
    expect(row.remarks.join()).toMatch(/^more wafers than published, since tiny needs /);
    const none = { tiny: { model: 'tiny', set: { ...set, 'hardware.core.sram': 6000 } } };
    const [refused] = (await services({ table: { models: none, rows } }, OPTIONS)).rows;
    expect(refused).toMatchObject({ predicted: null, judged: false, passed: null });
    expect(refused.refused).toMatch(/^tiny needs /);
  });
});

describe('the bundled table', () => {
  const { models, rows } = publishedServices();

  it('names each speed once, and simulates bundled models with settings that can be', () => {
    expect(new Set(rows.map(idOf)).size).toBe(rows.length);
    for (const of of Object.values(models)) {
      if ('notSimulated' in of) continue;
      const sets = Object.entries(of.set ?? {}).map(([key, value]) => `${key}=${value}`);
      expect(() => loadConfig('configs/wse3.yaml', [`model=${of.model}`, ...sets])).not.toThrow();
    }
    for (const { model, system } of rows)
      if (system === undefined) expect(models).toHaveProperty([model]);
  });

  it('has the rows that are judged among the measurements too', () => {
    const published = readFileSync('measurements/published.json', 'utf8');
    for (const row of rows.filter(({ speculation }) => speculation === false))
      expect(published).toContain(`"measuredTokensPerSecond": ${row.tokensPerSecond}`);
  });

  it('is a table in which nothing is simulated that is no wafer', async () => {
    const document = await services({ only: 'kimi-k2.6/2026-05/146' }, OPTIONS);
    const text = servicesTable(document, { color: false });
    expect(text).toContain('Services on other systems (published, nothing simulated)');
    expect(text).toContain('best GPU service');
    await expect(services({ only: 'nobody' }, OPTIONS)).rejects.toThrow(
      '--only: expected a text in the id of a published speed, found nobody',
    );
  });
});
