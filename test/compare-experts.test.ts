/** Placements of experts side by side, and what a run says of the choices that it was simulated with. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { runTable } from '../src/report/table.js';
import { routingFacts } from '../src/report/routing-text.js';
import { compareAll } from '../src/studies/compare/compare.js';
import { compareMarkdown, compareTable } from '../src/studies/compare/table.js';
import { readRun } from '../src/studies/compare/run-file.js';
import { simulate } from '../src/studies/run/run.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';
import { wafersim } from './helpers/command-line.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const model = modelOf([
  expertLayer({ count: 12, topK: 4, inner: 29 }),
  layerWith(),
  expertLayer({ count: 12, topK: 4, inner: 31 }),
]);
const STYLE = { color: false };

function configOf(placement: string, sets: string[] = []) {
  const [experts, strips = 'auto'] = placement.split(':');
  const own = [`placement.experts=${experts}`, `placement.strips=${strips}`, ...sets];
  const sizes = ['placement.rows=5', 'placement.layerColumns=10', 'hardware.width=200'];
  const all = [...sizes, 'workload.data=false', 'workload.tokens=1', ...own];
  return { name: placement, config: { ...loadConfig('configs/tiny.yaml', all), model } };
}

describe('placements of experts side by side', () => {
  it('have each their own run, and times with their spread where these depend on the choice', async () => {
    const names = ['sliced', 'strips:2', 'strips:4'];
    const simulated: string[] = [];
    const { rows, runs, ...rest } = await compareAll(
      names.map((name) => configOf(name)),
      {
        ...OPTIONS,
        onProgress({ what }) {
          const name = what.split(', ')[0];
          if (names.includes(name) && simulated.at(-1) !== name) simulated.push(name);
        },
      },
    );
    expect(rows.map(({ name }) => name)).toEqual(names);
    // One after the other: all programs of one are in memory.
    expect(simulated).toEqual(names);
    expect(rows[0].routing).toBeUndefined();
    for (const i of cases([2], [0, 1])) {
      const { decode, placement } = await simulate(configOf(names[i]).config, OPTIONS);
      expect(runs[i].decode).toEqual(decode);
      expect(runs[i].placement).toEqual(placement);
      expect(rows[i].routing).toEqual(decode.routing);
    }
    for (const { routing, cyclesPerToken } of rows.slice(1)) {
      const { cyclesPerToken: cycles, balancedCycles, imbalanceCycles } = routing!;
      expect(routing).toMatchObject({ source: 'uniform', tokens: 16 });
      expect(cycles!.least).toBeLessThan(cycles!.mean);
      expect(cycles!.mean).toBeLessThan(cycles!.most);
      expect(cyclesPerToken).toBeGreaterThanOrEqual(cycles!.least);
      expect(cyclesPerToken).toBeLessThanOrEqual(cycles!.most);
      expect(imbalanceCycles).toBe(cycles!.mean - balancedCycles!);
    }
    expect(rows[1].routing!.largestLoad.mean).toBeGreaterThan(rows[2].routing!.largestLoad.mean);
    const text = compareTable({ rows, runs, ...rest }, STYLE);
    for (const line of [
      /experts of +any +16 tokens drawn, uniform/,
      /cycles, mean +[\d,]+ +[\d,]+/,
      /cycles, least/,
      /cycles, most/,
      /largest load of a strip, mean +- +2\.\d\d +\d/,
      /lost to imbalance, cycles +0 +\d+/,
      /tokens\/s per user, mean +[\d,.]+ +[\d,.]+ \([\d,.]+ to [\d,.]+\)/,
    ])
      expect(text).toMatch(line);
    expect(compareMarkdown({ rows, runs, ...rest })).toContain('| lost to imbalance, cycles | 0 |');
  });

  it('of other orders are other runs on the same floor plan', async () => {
    const skewed = ['workload.routing=skewed', 'workload.routingSkew=12'];
    const { rows } = await compareAll(
      ['contiguous', 'popular'].map((order) => ({
        ...configOf('strips:4', [...skewed, `placement.expertOrder=${order}`]),
        name: order,
      })),
      OPTIONS,
    );
    expect(rows[1].sameFloorPlanAs).toBe('contiguous');
    expect(rows[1].routing).not.toEqual(rows[0].routing);
    expect(rows[0].routing).toMatchObject({ source: 'skewed' });
  });

  it('are a command, whose finished runs can be held against each other', async () => {
    const run = await simulate(configOf('strips:3').config, OPTIONS);
    const folder = mkdtempSync(join(tmpdir(), 'wafersim-experts-'));
    const path = join(folder, 'run.json');
    writeFileSync(path, JSON.stringify(run));
    expect(readRun(path).decode.routing).toEqual(run.decode.routing);
    const broken = { ...run, decode: { ...run.decode, routing: { source: 'uniform' } } };
    writeFileSync(path, JSON.stringify(broken));
    expect(() => readRun(path)).toThrow('decode.routing');
    rmSync(folder, { recursive: true });
    for (const [list, message] of [
      ['sliced,strip:4', 'Expected sliced, strips or strips:N'],
      ['sliced,sliced', 'Expected different names'],
    ]) {
      const { status, stderr } = await wafersim('compare', 'configs/tiny.yaml', '--experts', list);
      expect(status).toBe(2);
      expect(stderr).toContain(message);
    }
    const both = ['--experts', 'sliced', '--strategies', 'snake'];
    const { status, stderr } = await wafersim('compare', 'configs/tiny.yaml', ...both);
    expect([status, stderr.trim()]).toEqual([
      2,
      expect.stringContaining('--experts: expected without --strategies, found both'),
    ]);
  });
});

describe('a run with experts in strips', () => {
  it('says with whose experts it was simulated', async () => {
    const run = await simulate(configOf('strips:3').config, OPTIONS);
    const text = runTable(run, STYLE);
    expect(text).toMatch(
      /experts {5}16 tokens drawn, uniform; the fullest strip of a layer has 2\.\d\d of a token's on average, 2 to [34]/,
    );
    const { breakdown } = run.decode;
    // Columns without experts wait for the others, and not in the choice.
    expect(breakdown['experts gate up'].cycles).toBeGreaterThan(500);
    expect(breakdown['experts choice'].cycles).toBeLessThan(1500);
    expect(text).toMatch(/of these {4}[\d,]+ cycles on average \([\d,]+ to [\d,]+\), [\d,.]+ \(/);
    expect(text).toMatch(
      /balanced {4}[\d,]+ cycles with as many experts in every strip; [\d,]+ lost/,
    );
    expect(run.placement.regions.map(({ strips }) => strips)).toContain(3);
  });

  it('says less where the plain decoder chooses, or for several users', async () => {
    const users = await simulate(configOf('strips:3', ['workload.batch=2']).config, OPTIONS);
    expect(users.decode.routing).toMatchObject({ source: 'uniform', tokens: 16 });
    expect(users.decode.routing).not.toHaveProperty('cyclesPerToken');
    const config = configOf('strips:3', ['workload.data=true', 'workload.tokens=2']).config;
    const { decode, check } = await simulate(config, OPTIONS);
    expect(check!.passed).toBe(true);
    expect(decode.routing).toMatchObject({ source: 'reference', tokens: 2 });
    expect(routingFacts(decode.routing!)).toHaveLength(1);
    expect(routingFacts(decode.routing!)[0][1]).toContain('2 tokens as the plain decoder chooses');
  });
});
