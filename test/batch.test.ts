/** Many users at once through `simulate`: what a larger batch gains, and where that ends. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { CapacityError } from '../src/placement/placement.js';
import type { RunDocument } from '../src/report/document.js';
import { runTable } from '../src/report/table.js';
import { OPTIONS } from './helpers/options.js';
import { resized } from './helpers/small-model.js';
import { simulateTimes } from './helpers/times.js';

/** A model of six layers whose regions' shape is given, so that only the batch changes. */
function run(batch: number): Promise<RunDocument> {
  const config = loadConfig('configs/tiny.yaml', [
    'workload.data=false',
    'workload.tokens=1',
    'workload.context=400',
    `workload.batch=${batch}`,
    'placement.rows=8',
    'placement.layerColumns=8',
    // By default more users have fewer copies of their KV heads.
    'placement.kvReplicas=1',
  ]);
  return simulateTimes({ ...config, model: resized(config.model, { layers: 6 }) }, OPTIONS);
}

const BATCHES = [1, 2, 3, 4, 5, 6, 8, 10, 11];
let runs: RunDocument[];
beforeAll(async () => {
  runs = [];
  for (const batch of BATCHES) runs.push(await run(batch));
}, 60_000);

describe('with more users', () => {
  it('all have the same regions, and each still needs a place for its cache', async () => {
    for (const { placement } of runs) {
      const sizes = ({ width, height }: { width: number; height: number }) => [width, height];
      expect(placement.regions.map(sizes)).toEqual(runs[0].placement.regions.map(sizes));
    }
    const held = runs.map(({ placement }) => placement.regions[1].sramBytesPerCore);
    expect(held).toEqual([...new Set(held)].sort((a, b) => a - b));
    await expect(run(40)).rejects.toThrow(CapacityError);
  });

  it('the total rises until the slowest region is saturated, and never falls', () => {
    const totals = runs.map(({ decode }) => decode.tokensPerSecond);
    const { inFlight } = runs.at(-1)!.decode;
    expect(inFlight).toBe(6);
    totals.slice(1).forEach((total, i) => {
      if (BATCHES[i + 1] <= inFlight!)
        expect(total, `batch ${BATCHES[i + 1]}`).toBeGreaterThan(totals[i]);
      else expect(total, `batch ${BATCHES[i + 1]}`).toBeCloseTo(totals[i], 3);
    });
  });

  it('no user gets faster, and the region that limits them is named', () => {
    const perUser = runs.map(({ decode }) => decode.tokensPerSecondPerUser);
    expect(perUser).toEqual([...perUser].sort((a, b) => b - a));
    const cycles = runs.map(({ decode }) => decode.cyclesPerToken);
    expect(cycles.at(-1)! * 10).toBe(cycles.at(-2)! * 11);
    expect(cycles.at(-1)! * 6).toBe(cycles[5] * 11);
    const { bottleneck } = runs[0].decode;
    expect(bottleneck).toMatch(/^layer \d$/);
    const text = runTable(runs[3], { color: false });
    expect(text).toMatch(/in flight {3}4 users at once; bottleneck: layer \d/);
    expect(runTable(runs[0], { color: false })).not.toContain('in flight');
  });
});
