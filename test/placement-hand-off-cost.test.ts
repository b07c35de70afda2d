/** The estimate by which strategies choose, held against simulated tokens of the same layouts. */
import { describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { seededRandom } from '../src/numeric/random.js';
import { handOffCosts } from '../src/placement/hand-off-cost.js';
import { cases } from './helpers/full.js';
import { checkPlacement } from './helpers/legal-placement.js';
import type { Placement } from '../src/placement/placement.js';
import { costOf, without, type Run } from '../src/placement/strategies/shelves.js';
import { placementOf } from '../src/decode/place.js';
import { simulateSteps } from '../src/decode/simulate.js';
import { tiny, wse3 } from './placement-helpers.js';
import { resized } from './helpers/small-model.js';

const ROWS = 8;

/** A model of two layers on a wafer with room to spare. */
function roomy(wafers: number, hopCycles: number): ResolvedConfig {
  const config = loadConfig('configs/tiny.yaml', [
    'workload.data=false',
    'workload.tokens=1',
    `hardware.fabric.hopCycles=${hopCycles}`,
  ]);
  return {
    ...config,
    model: resized(config.model, { layers: 2 }),
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
  const all: [string, number, number][] = cases(
    [
      ['two wafers, a hop a cycle', 2, 1],
      ['one wafer, a hop in two cycles', 1, 2],
    ],
    [
      ['one wafer, a hop a cycle', 1, 1],
      ['two wafers, a hop in two cycles', 2, 2],
    ],
  );
  it.each(all)(
    'differs between layouts on %s as their simulated cycles do',
    async (_, wafers, hopCycles) => {
      const config = roomy(wafers, hopCycles);
      const [most, least] = [150 * hopCycles, 40 * hopCycles];
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
      const apart = found.map(({ estimated, simulated }) => simulated - estimated);
      // What the estimate leaves out differs little; what it says differs much.
      expect(spread(found.map(({ estimated }) => estimated))).toBeGreaterThan(most);
      expect(spread(apart)).toBeLessThan(least);
    },
  );
});

describe('the estimate by hand, on regions of 8 rows', () => {
  const at = (x: number, y: number, width: number) => ({ x, y, width, wafer: 0 });
  const of = (hopCycles: number, wafers: number, index = 0, tied = false) =>
    handOffCosts({ ...tiny, tied }, wse3({ fabric: { ...wse3().fabric, hopCycles } }), ROWS, {
      index,
      wafers,
    });
  // 4 elements of f16 a row are 2 wavelets; a relay costs two ramps, a set-up of 8 and these.
  const relay = 2 * 2 + 8 + 2;

  it.each([1, 2, 3])('at %i cycles a hop, on one wafer', (hop) => {
    const { handOff, back } = of(hop, 1);
    // Along a row: from the nearest core to the farthest.
    expect(handOff(at(0, 0, 4), at(4, 0, 6))).toBe(6 * hop);
    expect(handOff(at(4, 0, 6), at(0, 0, 4))).toBe(4 * hop);
    // 4 columns under the source for 8 rows: 8 hops down and 4 along; every second slice waits for one.
    expect(handOff(at(0, 0, 6), at(2, 8, 5))).toBe(12 * hop + relay + 2);
    // None under it: 11 hops along, 8 down, and 3 back along the destination.
    expect(handOff(at(0, 0, 3), at(10, 8, 4))).toBe(22 * hop + relay + 2);
    // The chosen token, from the middle (12, 12) to (3, 7), and on to the corner (0, 0).
    expect(back!(at(10, 8, 5), at(0, 0, 4))).toBe((9 + 5 + 3 + 7) * hop);
    expect(of(hop, 1, 0, true).back!(at(0, 0, 6), at(2, 8, 5))).toBe(12 * hop + relay + 2);
  });

  it.each([1, 2, 3])('at %i cycles a hop, on the first and the last of two wafers', (hop) => {
    const [first, last] = [of(hop, 2, 0), of(hop, 2, 1)];
    // What enters the first is a token, for all rows; what enters the last is rows.
    expect(first.enter!(at(5, 8, 4))).toBe((1 + 8 + 7) * hop);
    expect(last.enter!(at(5, 8, 4))).toBe((1 + 8) * hop);
    // What leaves the first is rows, from column 8 of 750; what leaves the last, from the middle.
    expect(first.leave!(at(5, 8, 4))).toBe((1 + 741) * hop);
    expect(last.leave!(at(5, 8, 4))).toBe((1 + 742) * hop);
    expect(of(hop, 2, 1, true).leave!(at(5, 8, 4))).toBe((1 + 741) * hop);
  });
});
