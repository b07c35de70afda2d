/** The bundled serving configurations: they load, fit their wafers and have requests, all scenarios. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { planToken } from '../src/lowering/token.js';
import { count } from '../src/report/format.js';
import { partOf } from '../src/studies/documentation/markers.js';
import { requestsOf } from '../src/studies/serve/requests.js';
import { isServing, scenariosOf } from '../src/studies/serve/serve.js';
import { deploymentOf } from '../src/studies/steps/step-times.js';

function scenarios(path: string, sets: string[] = []) {
  return scenariosOf(loadConfig(path, sets), path, sets);
}

describe('configs/codex-spark.yaml', () => {
  const path = 'configs/codex-spark.yaml';
  it('has room for 128k of eight users in every scenario, and a draft in those that draft', () => {
    const all = scenarios(path);
    expect(new Set(all.map(({ config }) => config.transport?.kind))).toEqual(
      new Set(['websocket', 'http']),
    );
    const drafted = all.map(({ config }) => {
      const { maxContext, placement, states = Infinity, kvTokens } = deploymentOf(config);
      expect(maxContext).toBe(131_072);
      expect(Math.min(states, Math.floor(kvTokens / maxContext))).toBe(8);
      return placement.draft !== undefined;
    });
    expect(drafted).toEqual([true, true, false]);
  });

  it('finds colours for the hand-offs of a model with three shelves to a wafer', () => {
    const long = ['workload.kind=serving', 'workload.context=131071'];
    const config = loadConfig('configs/gpt-oss-120b.yaml', ['model=llama-3.1-8b', ...long]);
    const { placement, maxContext } = deploymentOf(config);
    const shelves = new Set(placement.regions.map(({ wafer, y }) => `${wafer} ${y}`));
    expect(shelves.size).toBeGreaterThan(3);
    const groupsOf = () => ({ column: 20, row: 10, head: 4 });
    const step = { context: maxContext - 1, maxPositions: maxContext };
    const { stages } = planToken({ ...config, placement, groupsOf }, step);
    // From the end of a shelf back to the begin of the next: their lanes would cross each other.
    const shared = stages.filter(({ source }) => source?.kind === 'rows' && source.shares);
    expect(shared.length).toBeGreaterThan(0);
    expect(stages.length).toBeGreaterThan(placement.regions.length);
  });

  it('sends the same sessions in every scenario', () => {
    const workloads = scenarios(path).map(({ config }) => requestsOf(config, 131_072).requests);
    expect(workloads[0]).toHaveLength(400);
    for (const requests of workloads) expect(requests).toEqual(workloads[0]);
  });

  it('has a table in the README that is a plan of its wafers, with users and joules that fit together', () => {
    const [{ config }] = scenarios(path);
    const { placement } = deploymentOf(config);
    const { megawatts, pue } = config.serving!.plan!;
    const rows = partOf(readFileSync('README.md', 'utf8'), 'plan').trim().split('\n').slice(2);
    const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
    const own = cells.filter(([, by]) => by === `${placement.wafers} wafers`);
    expect(own.map(([, , context]) => context)).toEqual(['16', '65,542', '131,068']);
    const watts = config.wafer.powerWatts;
    const groups = Math.floor(Math.floor((megawatts * 1e6) / pue / watts) / placement.wafers);
    for (const [, , , , , users, joules, ofSite, perDay] of own) {
      expect(ofSite).toBe(count(groups * Number(users)));
      const tokensPerDay = Number(perDay.split(' ')[0]) * 1e12;
      const wafers = groups * placement.wafers;
      expect((wafers * watts * 86_400) / tokensPerDay / Number(joules)).toBeCloseTo(1, 2);
    }
    expect(rows.filter((row) => row.includes('(analytic)'))).toHaveLength(2);
  });

  it('lets the command line win over what a scenario sets', () => {
    const kinds = scenarios(path, ['transport.kind=http']).map((s) => s.config.transport?.kind);
    expect(new Set(kinds)).toEqual(new Set(['http']));
  });
});

describe('configs/serving-azure.yaml', () => {
  it('reads its bundled trace, whose requests fit', () => {
    const [{ config }] = scenarios('configs/serving-azure.yaml');
    const { maxContext } = deploymentOf(config);
    const { requests, notes } = requestsOf(config, maxContext);
    expect(isServing(config)).toBe(true);
    expect(requests).toHaveLength(600);
    expect(notes).toEqual([]);
    const longest = Math.max(...requests.map((r) => r.promptTokens + r.outputTokens));
    expect(longest).toBeLessThanOrEqual(maxContext);
  });
  it('takes as many of the trace as asked for', () => {
    const [{ config }] = scenarios('configs/serving-azure.yaml', ['workload.requests=10']);
    expect(requestsOf(config, 1e5).requests).toHaveLength(10);
  });
});
