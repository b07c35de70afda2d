/** What grids and fleets make of steps, whose cycles are given here rather than simulated. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { fleetRow } from '../src/studies/fleet/fleet.js';
import { cyclesOf, deploymentOf, simulateGrid } from '../src/studies/steps/step-times.js';
import { createTurns } from '../src/studies/steps/turns.js';
import type { GridWork } from '../src/studies/steps/step-times.js';

type Point = Record<'context' | 'alone' | 'spacing', number>;

/** Work that finds steps in turn as they are asked for. */
function found(points: Point[]): GridWork {
  const rest = [...points];
  const once = async <T>() => rest.shift() as T;
  const steps = { once, code: '', counts: { simulated: 0, read: 0 } };
  return { engine: 'fast', shards: 1, memo: true, now: () => 0, rss: () => 0, steps };
}

const point = (context: number, alone: number, spacing: number) => ({ context, alone, spacing });

describe('a round', () => {
  it('lasts as long as a token alone, or as all of them one after the other', () => {
    const of = (users: number) => cyclesOf({ alone: 100, spacing: 30 }, users);
    expect([1, 2, 3, 4, 5].map(of)).toEqual([100, 100, 100, 120, 150]);
  });
});

describe('a grid of contexts', () => {
  // Embedding, two layers and head: four users fill them.
  const deployment = deploymentOf(
    loadConfig('configs/tiny.yaml', ['hardware.clock=2 GHz', 'workload.data=false']),
  );

  it('has full rounds no shorter than those of one user, in cycles, and times in ns', async () => {
    const given = [point(16, 100, 10), point(32, 130, 30), point(48, 140, 50)];
    const grid = await simulateGrid(deployment, 16, 48, 0.1, found(given));
    expect(grid.contexts).toEqual([16, 32, 48]);
    expect(grid.fullUsers).toBe(4);
    expect(grid.aloneCycles).toEqual([100, 130, 140]);
    expect(grid.fullCycles).toEqual([100, 130, 200]);
    expect(grid.aloneNs).toEqual([50, 65, 70]);
    [5, 15, 25].forEach((ns, i) => expect(grid.intervalNs[i]).toBeCloseTo(ns, 9));
    // Between 100 and 140 lies 120.
    expect(grid.middleError).toBeCloseTo(10 / 130, 12);
  });

  it('is halved where a middle is off, and says how far off those that are left are', async () => {
    const ends = [point(16, 100, 10), point(32, 130, 20), point(48, 140, 30)];
    const given = [...ends, point(24, 116, 15), point(40, 136, 25)];
    const grid = await simulateGrid(deployment, 16, 48, 0.01, found(given));
    expect(grid.contexts).toEqual([16, 24, 32, 40, 48]);
    expect(grid.aloneCycles).toEqual([100, 116, 130, 136, 140]);
    // Between 100 and 130 lies 115, between 130 and 140 lies 135.
    expect(grid.middleError).toBeCloseTo(1 / 116, 12);
  });
});

describe('a fleet whose users do not fill a replica', () => {
  it('gives each of them tokens as fast as one alone', async () => {
    const config = loadConfig('configs/tiny.yaml', [
      'hardware.power=20 kW',
      'hardware.clock=1 GHz',
      'workload.data=false',
      'workload.context=64',
    ]);
    // A token every 1,000 cycles at 1 GHz: two users, 400 cycles apart.
    const options = { megawatts: 1, pue: 1.25, speed: 1e6 };
    const row = await fleetRow('', config, options, found([point(64, 1000, 400)]));
    expect(row).toMatchObject({
      ...{ wafers: 40, replicas: 40, usersPerReplica: 2, boundBy: 'speed', users: 80 },
      ...{ tokensPerSecondPerUser: 1e6, tokensPerSecondAlone: 1e6 },
      ...{ tokensPerDay: 80 * 1e6 * 86_400, tokensPerDayAtMost: 40 * (1e9 / 400) * 86_400 },
    });
    expect(row.joulesPerToken).toBeCloseTo(20_000 / 2e6, 12);
    expect(row.joulesPerTokenAtSite).toBeCloseTo(20_000 / 1.6e6, 12);
  });
});

describe('steps in turns', () => {
  it('are begun in their order, so many at a time, and one that fails gives its place up', async () => {
    const { inTurn } = createTurns(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const work = (i: number) => async () => {
      begun.push(i);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (i === 1) throw new Error('failed');
      return i;
    };
    const all = [0, 1, 2, 3].map(async (i) => inTurn(work(i)).catch(() => -1));
    const next = async () => {
      ends.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    };
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual([0, 1]);
    await next();
    expect(begun).toEqual([0, 1, 2]);
    await next();
    expect(begun).toEqual([0, 1, 2, 3]);
    await next();
    await next();
    expect(await Promise.all(all)).toEqual([0, -1, 2, 3]);
    // All places are free again.
    expect(await inTurn(async () => 'then')).toBe('then');
  });
});
