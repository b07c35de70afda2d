/** A sensitivity on several threads: large regions, of which each thread simulates other values. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { placementOf } from '../src/decode/place.js';
import type { SimulateOptions } from '../src/decode/options.js';
import { lastStepOf } from '../src/decode/positions.js';
import { createRunner } from '../src/decode/runner.js';
import type { Placement } from '../src/placement/placement.js';
import { cyclesOf, turnsFor } from '../src/studies/sensitivity/cycles.js';
import { sensitivityOf } from '../src/studies/sensitivity/sensitivity.js';
import { simulate } from '../src/studies/run/run.js';
import { mostHere } from '../src/studies/steps/work.js';
import { OPTIONS } from './helpers/options.js';

const PATH = 'configs/tiny.yaml';
const SETS = [
  ...['hardware.width=400', 'hardware.height=200'],
  ...['placement.rows=64', 'placement.layerColumns=64', 'placement.groups=8'],
];
const TWO = { ...OPTIONS, shards: 2 };

describe('a sensitivity on two threads', () => {
  it('is that on one', async () => {
    const run = await simulate(loadConfig(PATH, SETS), OPTIONS);
    const isVaried = (name: string) => /^(?:fabric.hopCycles|costs.scalar.exp)$/.test(name);
    const one = await sensitivityOf(run, PATH, SETS, OPTIONS, isVaried);
    expect(await sensitivityOf(run, PATH, SETS, TWO, isVaried)).toEqual(one);
    expect(new Set(one.sensitivity.flatMap(({ atEnds }) => atEnds)).size).toBe(3);
  });

  it('has cycles of another thread that are those of this one, and fails here where something fails there', async () => {
    const placement = placementOf(loadConfig(PATH, SETS));
    const turns = turnsFor(placement, TWO, { path: PATH, sets: SETS, steps: 1 });
    const changed = ['hardware.costs.scalar.exp=45'];
    let here = 0;
    const on = async (settings: string[]) => {
      // The first slot is this thread.
      const busy = turns.inTurn(async () => void (await there));
      const there = turns.inTurn(
        async () => {
          here++;
          return Promise.reject(new Error('as it is here'));
        },
        turns.there!(settings, placement),
      );
      void busy.catch(() => {});
      return there;
    };
    const runner = createRunner(OPTIONS);
    const config = lastStepOf(loadConfig(PATH, [...SETS, ...changed]), 1);
    const own = await cyclesOf(config, placement, { ...OPTIONS, runner }, []);
    expect([await on(changed), here]).toEqual([own, 0]);
    await expect(on(['hardware.costs.scalar.exp=-1'])).rejects.toThrow('as it is here');
    expect(here).toBe(1);
    await turns.close();
    // A thread that has ended does nothing more.
    await expect(on(changed)).rejects.toThrow('as it is here');
  });

  it('begins none for small regions, for wavelets that all move, and on one thread', () => {
    const small = placementOf(loadConfig(PATH));
    const large = placementOf(loadConfig(PATH, SETS));
    const base = { path: PATH, sets: [], steps: 1 };
    const hasThreads = (options: SimulateOptions, placement: Placement) =>
      turnsFor(placement, options, base).there !== undefined;
    expect(hasThreads(TWO, small)).toBe(false);
    expect(hasThreads(TWO, large)).toBe(true);
    expect(hasThreads(OPTIONS, large)).toBe(false);
    expect(hasThreads({ ...TWO, memo: 'none' }, large)).toBe(false);
    expect(hasThreads({ ...TWO, engine: 'reference' }, large)).toBe(false);
    expect([mostHere(TWO), mostHere(OPTIONS), mostHere({ ...TWO, memo: 'none' })]).toEqual([
      1, 1, 3,
    ]);
  });
});
