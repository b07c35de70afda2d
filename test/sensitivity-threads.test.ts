/** A sensitivity on several threads: large regions, of which each thread simulates other values. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { placementOf } from '../src/decode/place.js';
import { lastStepOf } from '../src/decode/positions.js';
import { createRunner } from '../src/decode/runner.js';
import { cyclesOf, slotsFor } from '../src/studies/sensitivity/cycles.js';
import { sensitivityOf } from '../src/studies/sensitivity/sensitivity.js';
import { simulate } from '../src/studies/run/run.js';
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

  it('has cycles of another thread that are those of this one, and none where something fails', async () => {
    const placement = placementOf(loadConfig(PATH, SETS));
    const slots = slotsFor(placement, TWO, { path: PATH, sets: SETS, steps: 1 });
    expect(slots.count).toBe(2);
    expect(slots.elsewhere(0, [], placement)).toBeUndefined();
    const changed = ['hardware.costs.scalar.exp=45'];
    const there = await slots.elsewhere(1, changed, placement);
    const runner = createRunner(OPTIONS);
    const config = lastStepOf(loadConfig(PATH, [...SETS, ...changed]), 1);
    expect(there).toEqual(await cyclesOf(config, placement, { ...OPTIONS, runner }, []));
    await expect(slots.elsewhere(1, ['hardware.costs.scalar.exp=-1'], placement)).rejects.toThrow();
    await slots.close();
    await expect(slots.elsewhere(1, changed, placement)).rejects.toThrow('a thread ended early');
  });

  it('begins none for small regions, for wavelets that all move, and on one thread', () => {
    const base = { path: PATH, sets: [], steps: 1 };
    const small = placementOf(loadConfig(PATH));
    expect(slotsFor(small, TWO, base).count).toBe(1);
    const large = placementOf(loadConfig(PATH, SETS));
    expect(slotsFor(large, OPTIONS, base).count).toBe(1);
    const strict = slotsFor(large, { ...TWO, memo: 'none' }, base);
    expect(strict.count).toBe(3);
    expect(strict.elsewhere(1, [], large)).toBeUndefined();
  });
});
