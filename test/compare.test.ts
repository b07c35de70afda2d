/** Runs side by side: placements of one workload, finished runs, and what cannot be compared. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparison, compareStrategies, whyIncomparable } from '../src/studies/compare/compare.js';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { deadCores } from '../src/hardware/defects.js';
import type { CompareDocument } from '../src/studies/compare/document.js';
import { compareMarkdown, compareTable } from '../src/studies/compare/table.js';
import type { RunDocument } from '../src/report/document.js';
import { handOffHops } from '../src/report/metrics.js';
import { floorPlan } from '../src/studies/compare/floor-plan.js';
import { createShared } from '../src/decode/sharing.js';
import { simulate } from '../src/studies/run/run.js';
import type { SimulateOptions } from '../src/decode/options.js';
import { wafersim } from './helpers/command-line.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { resized } from './helpers/small-model.js';

const STRATEGIES = ['row-major', 'snake', 'greedy', 'anneal', 'optimal'];

/** A model of ten layers, as wide as asked or as their list says, on four shelves. */
function ten(strategy: string, changes: Partial<ResolvedConfig['placement']> = {}): ResolvedConfig {
  const config = loadConfig('configs/tiny.yaml', [
    'workload.data=false',
    'workload.tokens=1',
    `placement.strategy=${strategy}`,
  ]);
  const placement = { ...config.placement, rows: 6, layerColumns: 8, ...changes };
  return { ...config, model: resized(config.model, { layers: 10 }), placement };
}

let home: string;
let ofTen: CompareDocument;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  ofTen = await compareStrategies(
    STRATEGIES.map((strategy) => ten(strategy)),
    OPTIONS,
  );
}, 120_000);
afterAll(() => rmSync(home, { recursive: true }));

const cyclesOf = (of: CompareDocument, name: string) =>
  of.rows.find((row) => row.name === name)!.cyclesPerToken;

describe('strategies side by side', () => {
  it('beat row-major in simulated cycles if they search', async () => {
    const skewed = { layerColumns: [6, 9, 8, 7, 6, 9, 8, 7, 6, 9] };
    const uneven = await compareStrategies(
      ['row-major', 'greedy', 'anneal'].map((strategy) => ten(strategy, skewed)),
      OPTIONS,
    );
    for (const found of [ofTen, uneven])
      for (const name of ['greedy', 'anneal'])
        expect(cyclesOf(found, name)).toBeLessThan(cyclesOf(found, 'row-major'));
  });

  it('give each the document that a run of it alone gives', async () => {
    const { host: _, ...alone } = await simulate(ten('anneal'), OPTIONS);
    expect(ofTen.runs[3]).toMatchObject(alone);
    expect(ofTen.runs.map((run) => run.placement.strategy)).toEqual(STRATEGIES);
  });

  it('share the stages that they have in common, and only those', async () => {
    const alone: number[] = [];
    const shared = createShared();
    const together: number[] = [];
    for (const strategy of cases(['row-major', 'snake', 'anneal'], ['greedy', 'optimal'])) {
      const own = createShared();
      await simulate(ten(strategy), { ...OPTIONS, shared: own });
      await simulate(ten(strategy), { ...OPTIONS, shared });
      alone.push(own.results.size);
      together.push(shared.results.size);
    }
    expect(together[0]).toBe(alone[0]);
    expect(together.at(-1)).toBeLessThan(alone.reduce((a, b) => a + b));
    // Another place, with other ways to it: more than one strategy's stages.
    expect(together.at(-1)).toBeGreaterThan(Math.max(...alone));
  });

  it('are the same on several threads, and report their progress as that of one run', async () => {
    const reported: number[] = [];
    const onProgress: SimulateOptions['onProgress'] = ({ done, total }) =>
      reported.push(done / total);
    const configs = STRATEGIES.slice(0, 3).map((strategy) => ten(strategy));
    const options = { ...OPTIONS, shards: 2, onProgress };
    const { runs } = await compareStrategies(configs, options);
    const withoutHost = ({ host: _, ...run }: RunDocument) => run;
    expect(runs.map(withoutHost)).toEqual(ofTen.runs.slice(0, 3).map(withoutHost));
    expect(Math.max(...reported)).toBeLessThanOrEqual(1);
    expect(reported.length).toBeGreaterThan(20);
  });

  it('fail as the first that fails, whichever fails first', async () => {
    const configs = [ten('row-major'), ten('snake'), ten('greedy')].map((config, i) => ({
      ...config,
      wafer: { ...config.wafer, fabric: { ...config.wafer.fabric, colors: [24, 15, 14][i] } },
    }));
    await expect(compareStrategies(configs, OPTIONS)).rejects.toThrow('of 15 on its path');
  });

  it('are held against the first', () => {
    const [first, ...others] = ofTen.rows;
    expect(first.differenceCycles).toBe(0);
    for (const row of others)
      expect(first.cyclesPerToken + row.differenceCycles).toBe(row.cyclesPerToken);
  });

  it('with equal floor plans are said to be equal, and only those', () => {
    const plans = ofTen.runs.map((run) => JSON.stringify(run.placement.regions));
    ofTen.rows.forEach((row, i) => {
      const first = plans.indexOf(plans[i]);
      expect(row.sameFloorPlanAs).toBe(first < i ? STRATEGIES[first] : undefined);
    });
    const again = comparison([ofTen.runs[0], ofTen.runs[1], ofTen.runs[0]], ['a', 'b', 'c']);
    expect(again.rows.map((row) => row.sameFloorPlanAs)).toEqual([undefined, undefined, 'a']);
    expect(compareTable(again, { color: false })).toContain('Floor plan: c is equal to a\n');
  });

  it('are printed as a table and as Markdown, difference and floor plans included', () => {
    const text = compareTable(ofTen, { color: false });
    const cycles = ofTen.rows.map((row) => row.cyclesPerToken.toLocaleString('en-US'));
    expect(text.split('\n').find((line) => line.includes('cycles per token'))).toMatch(
      new RegExp(`^ *cycles per token +${cycles.join(' +')}$`),
    );
    expect(text).toMatch(/Floor plan: row-major \(\d+\.\d % of the cores of 1 wafer\)\n +0 \|/);
    const markdown = compareMarkdown(ofTen);
    expect(markdown).toContain(`| cycles per token | ${cycles.join(' | ')} |`);
    expect(markdown).toMatch(/^\| {2}\| row-major \| snake \|/);
    expect(markdown.match(/```text\n/g)).toHaveLength(
      ofTen.rows.filter((row) => row.sameFloorPlanAs === undefined).length,
    );
  });
});

describe('strategies on a wafer with dead cores', () => {
  const onDefects = (seed: number) => {
    const defects = { repair: 'spares' as const, rate: 0.01, seed, spareColumns: 6 };
    return ['row-major', 'greedy', 'anneal'].map((strategy) => {
      const config = ten(strategy);
      return { ...config, wafer: { ...config.wafer, defects } };
    });
  };

  it('beat row-major on the whole: slow rows that no estimate knows decide single wafers', async () => {
    const all: CompareDocument[] = [];
    for (const seed of cases([1, 2, 3], [4, 5, 6]))
      all.push(await compareStrategies(onDefects(seed), OPTIONS));
    const total = (name: string) => all.reduce((sum, found) => sum + cyclesOf(found, name), 0);
    for (const name of ['greedy', 'anneal'])
      expect(total(name), name).toBeLessThan(total('row-major'));
  });

  it('report how long its links are', async () => {
    const configs = onDefects(3);
    const found = await compareStrategies(configs, OPTIONS);
    const dead = deadCores(configs[0].wafer, 0)!.count;
    for (const row of found.rows) {
      expect(row.defects).toMatchObject({ repair: 'spares', deadCores: dead });
      expect(row.defects!.longestLinkHops).toBeGreaterThan(1);
    }
    expect(compareTable(found, { color: false })).toMatch(/dead cores +\d+ +\d+ +\d+\n/);
    expect(compareTable(ofTen, { color: false })).not.toContain('dead cores');
  });
});

describe('hand-off hops', () => {
  const region = (x: number, y: number, wafer = 0) => {
    return { name: '', wafer, x, y, width: 4, height: 3, sramBytesPerCore: 0 };
  };

  it('are the links between nearest cores, and those of the path back', () => {
    expect(handOffHops([region(0, 0), region(4, 0)])).toBe(1 + 1);
    expect(handOffHops([region(0, 0), region(4, 0), region(4, 3)])).toBe(1 + 1 + 2);
    expect(handOffHops([region(0, 0), region(10, 9)])).toBe(2 * (7 + 7));
    expect(handOffHops([region(0, 0), region(0, 0, 1)])).toBe(0);
    expect(handOffHops([region(0, 0)])).toBe(0);
  });
});

describe('a floor plan', () => {
  it('draws regions to scale, and dots where there are none', () => {
    const regions = [
      { name: 'embedding', wafer: 0, x: 0, y: 0, width: 36, height: 9, sramBytesPerCore: 0 },
      { name: 'layer 0', wafer: 0, x: 48, y: 9, width: 12, height: 9, sramBytesPerCore: 0 },
      { name: 'head', wafer: 1, x: 0, y: 0, width: 72, height: 9, sramBytesPerCore: 0 },
    ];
    const plan = floorPlan({ ...ofTen.runs[0].placement, regions }, 72);
    expect(plan.split('\n')).toEqual([
      'wafer 0',
      `0 |embedding${' '.repeat(26)}${'.'.repeat(36)}`,
      `9 ${'.'.repeat(48)}|0${' '.repeat(10)}${'.'.repeat(12)}`,
      'wafer 1',
      `0 |head${' '.repeat(67)}`,
    ]);
  });
});

describe('two runs', () => {
  const changed = (change: (run: RunDocument) => void): RunDocument => {
    const run = structuredClone(ofTen.runs[0]);
    change(run);
    return run;
  };
  const setting = (path: string, value: unknown) =>
    changed(({ config }) => {
      const keys = path.split('.');
      const last = keys.pop()!;
      let at = config as Record<string, Record<string, unknown>>;
      for (const key of keys) at = at[key] as typeof at;
      (at as Record<string, unknown>)[last] = value;
    });
  const why = (other: unknown) => whyIncomparable([ofTen.runs[0], other], ['a', 'b']);

  it('can be compared if model and work are the same, whatever the hardware', () => {
    expect(why(ofTen.runs[1])).toBeUndefined();
    expect(why(setting('hardware.fabric.hopCycles', 3))).toBeUndefined();
    expect(why(setting('workload.seed', 9))).toBeUndefined();
    const { settings } = comparison(
      [ofTen.runs[0], setting('hardware.fabric.hopCycles', 3)],
      ['a', 'b'],
    );
    expect(settings).toEqual([{ path: 'hardware.fabric.hopCycles', values: [2, 3] }]);
  });

  it('cannot if the model, the context, the batch or the kind of document differ', () => {
    expect(why(setting('workload.context', 9))).toBe(
      'expected runs of the same work, found workload.context: 8 in a, 9 in b',
    );
    expect(why(setting('workload.prompt', [5, 6]))).toContain('workload.prompt');
    expect(why(setting('workload.batch', 2))).toContain('workload.batch: 1 in a, 2 in b');
    expect(why(setting('model.spec.dim', 49))).toContain('model.spec.dim: 48 in a, 49 in b');
    expect(why({ schema: 'wafersim.kernel/1' })).toContain('b: expected a document wafersim.run/1');
    expect(why(undefined)).toContain('found none');
  });
});

describe('wafersim compare', () => {
  const compare = (...args: string[]) => wafersim('compare', ...args);

  it('simulates strategies, and compares run directories with their files', async () => {
    const tiny = ['configs/tiny.yaml', '--set=workload.tokens=1', '--set=workload.data=false'];
    const found = await compare(...tiny, '--strategies', 'row-major,snake', '--json');
    expect(found.stderr).toBe('');
    expect(found.status).toBe(0);
    const document = JSON.parse(found.stdout) as CompareDocument;
    expect(document.schema).toBe('wafersim.compare/1');
    expect(document.runs.map((run) => run.placement.strategy)).toEqual(['row-major', 'snake']);
    const directory = join(home, 'one');
    mkdirSync(directory);
    writeFileSync(join(directory, 'run.json'), JSON.stringify(document.runs[0]));
    const file = join(home, 'two.json');
    writeFileSync(file, JSON.stringify(document.runs[1]));
    const both = await compare(directory, file, '--json');
    expect(both.status).toBe(0);
    const { rows } = JSON.parse(both.stdout) as CompareDocument;
    expect(rows.map((row) => row.cyclesPerToken)).toEqual(
      document.rows.map((row) => row.cyclesPerToken),
    );
    expect((await compare(directory, file, '--markdown')).stdout).toMatch(
      /^\| {2}\| \S*one \| \S*two/,
    );
  });

  it('exits 3 if the runs cannot be compared, and 2 if the command cannot be understood', async () => {
    const [first, other] = ['first.json', 'other.json'].map((name) => join(home, name));
    writeFileSync(first, JSON.stringify(ofTen.runs[0]));
    writeFileSync(other, readFileSync(first, 'utf8').replace('"context":8', '"context":9'));
    const refused = async (args: string[], status: number, message: RegExp) => {
      const found = await compare(...args);
      expect(found.stderr).toMatch(message);
      expect(found.stderr).toMatch(/^[^\n]+\n$/);
      expect(found.stdout).toBe('');
      expect(found.status).toBe(status);
    };
    await refused([first, other], 3, /workload\.context: 8 in .*first\.json, 9 in/);
    writeFileSync(other, 'not json');
    await refused(
      [first, other],
      3,
      /other\.json: expected a document wafersim\.run\/1, found none/,
    );
    await refused([first, join(home, 'none')], 2, /no such file/);
    await refused(['configs/tiny.yaml'], 2, /expected --strategies, or a second run/);
    await refused(
      ['configs/tiny.yaml', '--strategies', 'row-major,snail'],
      2,
      /placement\.strategy/,
    );
    await refused(['configs/tiny.yaml', '--strategies', 'snake,snake'], 2, /different names/);
    await refused([first, first, '--strategies', 'snake'], 2, /found two runs/);
  });
});
