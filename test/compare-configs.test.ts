/** Configurations side by side, with each other and with finished runs, and with other versions. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import type { ServingDocument } from '../src/report/serving-document.js';
import type { CompareDocument } from '../src/studies/compare/document.js';
import { compareMarkdown, compareTable } from '../src/studies/compare/table.js';
import type { RunDocument } from '../src/report/document.js';
import { simulate } from '../src/studies/run/run.js';
import type { SimulateOptions } from '../src/decode/options.js';
import { compareAll, comparison } from '../src/studies/compare/compare.js';
import { temporaryFolder } from './config-files.js';
import { wafersim } from './helpers/command-line.js';
import { OPTIONS } from './helpers/options.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const WORK = 'workload: { context: 8, tokens: 1 }\n';

/** Paths of three configurations of the same work: other placements, another machine. */
let paths: string[];
let configs: ResolvedConfig[];
let runs: RunDocument[];
beforeAll(async () => {
  paths = [
    folder.write('a.yaml', `hardware: small\nmodel: tiny\n${WORK}`),
    folder.write('b.yaml', `extends: a.yaml\nplacement: { strategy: snake, rows: 6 }\n`),
    folder.write('c.yaml', `extends: a.yaml\nhardware: { fabric: { hopCycles: 3 } }\n`),
  ];
  configs = paths.map((path) => loadConfig(path));
  runs = await Promise.all(configs.map((config) => simulate(config, OPTIONS)));
});

const withoutHost = ({ host: _, ...run }: RunDocument) => run;
const compare = (...args: string[]) => wafersim('compare', ...args);

describe('configurations side by side', () => {
  it('are each what a run of it alone is, whatever they have in common', async () => {
    const all = configs.map((config, i) => ({ name: paths[i], config }));
    for (const shards of [1, 2]) {
      const found = await compareAll([...all, all[0]], { ...OPTIONS, shards });
      // Which stages were simulated and which taken over is the comparison's own.
      const [first] = runs;
      expect(found.runs.map(withoutHost)).toEqual([...runs, first].map(withoutHost));
      expect(found.rows.map(({ name }) => name)).toEqual([...paths, paths[0]]);
      expect(found.rows[3]).toMatchObject({ differenceCycles: 0, sameFloorPlanAs: paths[0] });
      expect(found.rows[2].cyclesPerToken).toBeGreaterThan(found.rows[0].cyclesPerToken);
      expect(found.settings).toContainEqual({
        path: 'hardware.fabric.hopCycles',
        values: [2, 2, 3, 2],
      });
    }
  });

  it('are simulated once where nothing but the files differ', async () => {
    let runs = 0;
    const onProgress: SimulateOptions['onProgress'] = ({ what }) => {
      if (what.endsWith(', layer 0')) runs++;
    };
    const twin = loadConfig(folder.write('twin.yaml', `hardware: small\nmodel: tiny\n${WORK}`));
    const [config] = configs;
    await compareAll(
      [
        { name: 'one', config },
        { name: 'two', config: twin },
      ],
      { ...OPTIONS, onProgress },
    );
    expect(runs).toBe(1);
  });

  it('stand next to finished runs, in the order given', async () => {
    const run = join(folder.path, 'run.json');
    writeFileSync(run, JSON.stringify(runs[1]));
    const { stdout, stderr, status } = await compare(run, paths[0], paths[2], '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { rows, files, key } = JSON.parse(stdout) as CompareDocument;
    expect(rows.map((row) => [row.name, row.cyclesPerToken])).toEqual([
      [run, runs[1].decode.cyclesPerToken],
      [paths[0], runs[0].decode.cyclesPerToken],
      [paths[2], runs[2].decode.cyclesPerToken],
    ]);
    expect(files.map(({ path }) => path)).toEqual([
      run,
      paths[0],
      'small',
      'wse3.yaml',
      'tiny',
      paths[2],
      'a.yaml',
    ]);
    const turned = JSON.parse((await compare(paths[0], run, '--json')).stdout) as CompareDocument;
    expect(turned.key).not.toBe(key);
  });

  it('all take what --set says, and are printed as a table', async () => {
    const { stdout, status } = await compare(paths[0], paths[1], '--set', 'workload.context=16');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Side by side\n/);
    expect(stdout).not.toContain('workload.context');
    expect(stdout).toMatch(/placement\.rows: not set \| 6/);
    const { rows } = JSON.parse(
      (await compare(paths[0], paths[1], '--set', 'workload.context=16', '--json')).stdout,
    ) as CompareDocument;
    expect(rows[0].cyclesPerToken).toBeGreaterThan(runs[0].decode.cyclesPerToken);
  });

  it('of serving workloads are served', async () => {
    const serving = (name: string, rate: number) =>
      folder.write(
        name,
        `hardware: small\nmodel: tiny\nworkload:\n  { kind: serving, context: 64, requests: 5, arrivals: { rate: ${rate} }, ` +
          `prompt: { mean: 20 }, output: { mean: 4 } }\nserving: { tolerance: 0.5 }\n`,
      );
    const [slow, fast] = [serving('slow.yaml', 1), serving('fast.yaml', 1000)];
    const { stdout, stderr } = await compare(slow, fast, '--json');
    expect(stderr).toBe('');
    const { rows, runs: served } = JSON.parse(stdout) as CompareDocument;
    expect(rows.map((row) => row.served![0].completed)).toEqual([5, 5]);
    const [first, second] = served as ServingDocument[];
    expect(first.serving.durationSeconds).toBeGreaterThan(second.serving.durationSeconds);
    expect(first.serving.stepTimes).toEqual(second.serving.stepTimes);
    expect(second.host.steps).toEqual(first.host.steps);
    const mixed = await compare(slow, paths[0]);
    expect(mixed.stderr).toMatch(
      /requests served in .*slow\.yaml, decode steps alone in .*a\.yaml/,
    );
    expect(mixed.status).toBe(3);
  });

  it('are refused, before anything is simulated, if the work is another', async () => {
    const other = folder.write('other.yaml', 'extends: a.yaml\nworkload: { context: 9 }\n');
    const { stderr, stdout, status } = await compare(paths[0], other);
    expect(stderr).toMatch(/^[^\n]*workload\.context: 8 in .*a\.yaml, 9 in .*other\.yaml\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(3);
    const missing = await compare(paths[0], join(folder.path, 'nowhere.yaml'));
    expect(missing.stderr).toMatch(/nowhere\.yaml, found no such file\n$/);
    expect(missing.status).toBe(2);
    const strategies = await compare(paths[0], paths[1], '--strategies', 'snake');
    expect(strategies.stderr).toMatch(/expected with one configuration, found two to compare\n$/);
    const run = join(folder.path, 'set.json');
    writeFileSync(run, JSON.stringify(runs[0]));
    expect((await compare(run, run, '--set', 'workload.context=9')).stderr).toMatch(
      /--set: expected with a configuration, found finished runs only\n$/,
    );
  });

  it('may have models of one content under two names', async () => {
    const fields = '{ "extends": "a.yaml", "model": "renamed.json" }';
    folder.write('renamed.json', readFileSync('models/tiny.json', 'utf8'));
    const { status, stderr } = await compare(paths[0], folder.write('renamed.yaml', fields));
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

describe('runs of different versions', () => {
  const LINE = 'simulated by different versions of wafersim';

  it('are said to be of them, as a table, as Markdown and in the document', () => {
    const [run] = runs;
    const { version: _, ...old } = run;
    const found = comparison(
      [run, { ...run, version: '9.9.9' }, old as RunDocument],
      ['a', 'b', 'c'],
    );
    expect(found.rows.map(({ version }) => version)).toEqual([run.version, '9.9.9', null]);
    const line = `${LINE}: ${run.version} | 9.9.9 | unknown`;
    expect(compareTable(found, { color: false })).toContain(`  ${line}\n`);
    expect(compareMarkdown(found)).toContain(line.replaceAll('|', '\\|'));
  });

  it('are not mentioned where there is one', () => {
    const found = comparison(runs, ['a', 'b', 'c']);
    expect(compareTable(found, { color: false })).not.toContain('versions');
  });
});
