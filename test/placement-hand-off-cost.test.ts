/** The estimate by which strategies choose, held against simulated tokens of the same layouts. */
import { describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { seededRandom } from '../src/hardware/random.js';
import { handOffCosts } from '../src/placement/hand-off-cost.js';
import { checkPlacement } from '../src/placement/legal.js';
import type { Placement } from '../src/placement/placement.js';
import { costOf, without, type Run } from '../src/placement/strategies/shelves.js';
import { placementOf, simulateSteps } from '../src/simulate.js';

const ROWS = 8;

/** A model of two layers on a wafer with room to spare. */
function roomy(wafers: number): ResolvedConfig {
  const config = loadConfig('configs/tiny.yaml', ['workload.data=false', 'workload.tokens=1']);
  return {
    ...config,
    model: { ...config.model, layers: 2 },
    wafer: { ...config.wafer, width: 90, height: 72, wafers },
    placement: { ...config.placement, rows: ROWS, layerColumns: 9 },
  };
}

/** The same regions, the latter half of them on the last wafer. */
function onWafers(placement: Placement, wafers: number): Placement {
  const { regions } = placement;
  const wafer = (i: number) => (2 * i < regions.length ? 0 : wafers - 1);
  return { ...placement, wafers, regions: regions.map((r, i) => ({ ...r, wafer: wafer(i) })) };
}

/** The same regions anywhere on their wafers' shelves. */
function scattered(base: Placement, { wafer }: ResolvedConfig, random: () => number): Placement {
  const freeOf = Array.from({ length: base.wafers }, (): Run[] =>
    Array.from({ length: Math.floor(wafer.height / ROWS) }, (_, i) => {
      return { x: 0, y: i * ROWS, width: wafer.width };
    }),
  );
  const regions = base.regions.map((region) => {
    const free = freeOf[region.wafer];
    const roomy = free.flatMap((run, i) => (run.width >= region.width ? [i] : []));
    const index = roomy[Math.floor(random() * roomy.length)];
    const { x, y, width } = free[index];
    const at = x + Math.floor(random() * (width - region.width + 1));
    freeOf[region.wafer] = without(free, index, at, region.width);
    return { ...region, x: at, y };
  });
  return { ...base, regions };
}

/** Estimated cycles of a layout's hand-offs, wafer by wafer. */
function estimateOf({ regions, wafers }: Placement, { model, wafer }: ResolvedConfig): number {
  return Array.from({ length: wafers }, (_, index) => {
    const here = regions.filter((region) => region.wafer === index);
    const costs = handOffCosts(model, wafer, ROWS, { index, wafers });
    const widths = here.map((region) => region.width);
    return costOf({ ...costs, widths, runs: [], random: () => 0 }, here);
  }).reduce((a, b) => a + b);
}

const spread = (values: number[]) => Math.max(...values) - Math.min(...values);

describe('the estimated cost of hand-offs', () => {
  it.each([
    ['one wafer', 1, 150, 40],
    ['two wafers', 2, 150, 40],
  ])(
    'differs between layouts on %s as their simulated cycles do',
    async (_, wafers, most, least) => {
      const config = roomy(wafers);
      const random = seededRandom(5);
      const base = onWafers(placementOf(config), wafers);
      const found: { estimated: number; simulated: number }[] = [];
      for (let i = 0; i < 16; i++) {
        const placement = scattered(base, config, random);
        expect(checkPlacement(placement, config.model, config.wafer, 20)).toEqual([]);
        const { timing } = await simulateSteps(config, placement, {
          engine: 'fast',
          shards: 1,
          memo: true,
          now: () => 0,
          rss: () => 0,
        });
        const estimated = estimateOf(placement, config);
        found.push({ estimated, simulated: timing.cycles });
      }
      const beside = found.map(({ estimated, simulated }) => simulated - estimated);
      // What the estimate leaves out differs little; what it says differs much.
      expect(spread(found.map(({ estimated }) => estimated))).toBeGreaterThan(most);
      expect(spread(beside)).toBeLessThan(least);
    },
  );
});
