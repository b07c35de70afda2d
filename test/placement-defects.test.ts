/** Wafers with dead cores: none gets work, rows move on to spares, and longer links are counted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import {
  deadCores,
  detoursOf,
  linkHopsOf,
  repairOf,
  type Defects,
} from '../src/hardware/defects.js';
import { EAST, SOUTH } from '../src/hardware/mesh.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import { CapacityError, type Placement } from '../src/placement/placement.js';
import { checkPlacement } from './helpers/legal-placement.js';
import { place } from '../src/placement/place.js';
import { runTable } from '../src/report/table.js';
import { simulate } from '../src/studies/run/run.js';
import { asking, llama8b, QUICK, tiny, wse3 } from './placement-helpers.js';
import { resized } from './helpers/small-model.js';

function defective(changes: Partial<Defects>, wafer: Partial<WaferSpec> = {}): WaferSpec {
  const none: Defects = { repair: 'spares', rate: 0, seed: 1, spareColumns: 58 };
  return wse3({ ...wafer, defects: { ...none, ...changes } });
}

/** Physical cores, `wafer/x,y`, that the regions of a placement work on. */
function working({ regions }: Placement, wafer: WaferSpec): string[] {
  return regions.flatMap((r) => {
    const repair = repairOf(wafer, r.wafer);
    return Array.from({ length: r.width * r.height }, (_, i) => {
      const [x, y] = [r.x + (i % r.width), r.y + Math.floor(i / r.width)];
      return `${r.wafer}/${repair ? repair.column[y * wafer.width + x] : x},${y}`;
    });
  });
}

function deadOnes(wafer: WaferSpec, index: number): string[] {
  const { columns, dead } = deadCores(wafer, index)!;
  return [...dead.keys()]
    .filter((core) => dead[core])
    .map((core) => `${index}/${core % columns},${Math.floor(core / columns)}`);
}

describe('a dead core', () => {
  it('is never given work, and no core is given the work of two', () => {
    const placed = { spares: 0, avoid: 0 };
    const model = resized(tiny, { layers: 9 });
    const some = fc.record({
      repair: fc.constantFrom('spares' as const, 'avoid' as const),
      rate: fc.constantFrom(0, 0.003, 0.01),
      seed: fc.nat(1000),
      cores: fc.constantFrom('', '3,3', '0,0 39,39 20,11'),
      strategy: fc.constantFrom(...QUICK),
    });
    fc.assert(
      fc.property(some, ({ strategy, ...defects }) => {
        const wafer = defective(
          { ...defects, spareColumns: 6 },
          { width: 40, height: 40, wafers: 2 },
        );
        const request = asking({ strategy, maxPositions: 20, rows: 9, layerColumns: 7 });
        let placement: Placement;
        try {
          placement = place(model, wafer, request);
        } catch (error) {
          expect(error).toBeInstanceOf(CapacityError);
          return;
        }
        placed[defects.repair]++;
        expect(checkPlacement(placement, model, wafer, 20)).toEqual([]);
        const cores = working(placement, wafer);
        const distinct = new Set(cores);
        expect(distinct.size).toBe(cores.length);
        for (let index = 0; index < placement.wafers; index++)
          expect(deadOnes(wafer, index).filter((core) => distinct.has(core))).toEqual([]);
      }),
      { seed: 21, numRuns: 100 },
    );
    expect(placed.spares).toBeGreaterThan(20);
    expect(placed.avoid).toBeGreaterThan(20);
  });

  it('on 1 % of a WSE-3 is replaced for Llama-3.1-8B, and the longer paths have their price', () => {
    const wafer = defective({ rate: 0.01 });
    const placement = place(llama8b, wafer, asking());
    const { deadCores: dead, longestLinkHops } = placement.defects!;
    expect(dead / (808 * 1160)).toBeCloseTo(0.01, 3);
    const distinct = new Set(working(placement, wafer));
    expect(deadOnes(wafer, 0).filter((core) => distinct.has(core))).toEqual([]);
    expect(longestLinkHops).toBeGreaterThan(5);
    const whole = place(llama8b, wse3(), asking());
    expect(whole.defects).toBeUndefined();
    expect(placement.estimate!.handOffCycles).toBeGreaterThan(whole.estimate!.handOffCycles + 500);
    const none = place(llama8b, defective({}), asking()).defects;
    expect(none).toMatchObject({ deadCores: 0, longestLinkHops: 1 });
  });

  it('without spares leaves no room for a layer at 1 %, which is said', () => {
    const wafer = defective({ repair: 'avoid', rate: 0.01 });
    expect(() => place(llama8b, wafer, asking())).toThrow(
      'no rectangle between the dead cores of hardware.defects holds a region',
    );
    const sparse = defective({ repair: 'avoid', cores: '12,7 400,800 70,500' });
    const placement = place(llama8b, sparse, asking());
    expect(checkPlacement(placement, llama8b, sparse, 4096)).toEqual([]);
    expect(placement.defects).toMatchObject({ deadCores: 3, longestLinkHops: 1 });
  });

  it('are counted on all wafers in use, and the longest link is that of any', () => {
    const two = ['hardware.wafers=2', 'hardware.height=12', 'hardware.defects.rate=0.03'];
    const sizes = ['placement.rows=12', 'placement.layerColumns=16'];
    for (const seed of [1, 2, 3, 4, 5]) {
      const sets = [...two, ...sizes, 'workload.data=false', `hardware.defects.seed=${seed}`];
      const { model, wafer } = loadConfig('configs/tiny.yaml', sets);
      const request = asking({ rows: 12, layerColumns: 16, maxPositions: 12 });
      const { defects, wafers } = place(model, wafer, request);
      const counts = [0, 1].map((index) => deadCores(wafer, index)!.count);
      const links = [0, 1].map((index) => {
        const box = { x0: 0, y0: 0, width: wafer.width, height: wafer.height };
        return Math.max(...linkHopsOf(repairOf(wafer, index)!, wafer, box));
      });
      expect(wafers).toBe(2);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      expect(defects).toEqual({
        repair: 'spares',
        deadCores: counts[0] + counts[1],
        longestLinkHops: Math.max(...links),
      });
    }
  });

  it('is found by the checker under a region', () => {
    const at = (cores: string, repair: Defects['repair']) =>
      defective({ repair, cores, spareColumns: 1 }, { width: 40, height: 40 });
    const wafer = wse3({ width: 40, height: 40 });
    const good = place(tiny, wafer, asking({ maxPositions: 9, rows: 8, layerColumns: 8 }));
    const layer = good.regions[1];
    const inside = `${layer.x + 2},${layer.y + 3}`;
    const problems = (on: WaferSpec) => checkPlacement(good, tiny, on, 9).join();
    expect(problems(wafer)).toBe('');
    expect(problems(at(inside, 'avoid'))).toBe(`${layer.name} uses the dead core (${inside})`);
    expect(problems(at('39,39', 'avoid'))).toBe('');
    expect(problems(at(inside, 'spares'))).toBe('');
    const moved = { ...layer, x: 32 };
    const regions = good.regions.map((r) => (r === layer ? moved : r));
    const edge = checkPlacement({ ...good, regions }, tiny, at('3,3 4,3 5,3', 'spares'), 9);
    expect(edge).toContain(`${layer.name} has no live core for its last column in row 3`);
  });
});

describe('rows with spares', () => {
  const wafer = defective({ cores: '3,0 5,0 0,2', spareColumns: 2 }, { width: 6, height: 3 });

  it('skip their dead cores', () => {
    const { column, brokenRows } = repairOf(wafer, 0)!;
    expect([...column]).toEqual([0, 1, 2, 4, 6, 7, 0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]);
    expect(brokenRows).toEqual([]);
  });

  it('lengthen the links across the skipped cores and between rows that moved differently', () => {
    const { row, column } = detoursOf(repairOf(wafer, 0)!, wafer);
    expect(row(0, 2, 3)).toBe(1);
    expect(row(0, 0, 5)).toBe(2);
    expect(row(0, 5, 0)).toBe(2);
    expect(row(1, 0, 5)).toBe(0);
    expect(column(2, 0, 1)).toBe(0);
    expect(column(5, 0, 1)).toBe(2);
    expect(column(5, 2, 0)).toBe(3);
  });

  it('lead past any number of dead cores', () => {
    const cores = Array.from({ length: 300 }, (_, i) => `${i + 1},0`).join(' ');
    const size = { width: 2, height: 2 };
    const gap = defective({ cores, spareColumns: 300 }, size);
    const hops = linkHopsOf(repairOf(gap, 0)!, gap, { x0: 0, y0: 0, ...size });
    expect(hops[EAST]).toBe(301);
    expect(hops[4 + SOUTH]).toBe(301);
  });

  it('retire the core at which a dead link starts', () => {
    const cut = defective({ links: '1,1,east', spareColumns: 1 }, { width: 3, height: 2 });
    expect([...repairOf(cut, 0)!.column]).toEqual([0, 1, 2, 0, 2, 3]);
  });

  it('that have too few make the wafer unfit, which is said', () => {
    const broken = defective({ cores: '3,5 5,5', spareColumns: 1 }, { width: 40, height: 40 });
    expect(() => place(tiny, broken, asking({ maxPositions: 9 }))).toThrow(
      /^wafer 0: row 5 has more dead cores than the 1 spare columns/,
    );
  });
});

describe('the cost of a repair', () => {
  it('is in the cycles of every run: longer links with spares, smaller regions without', async () => {
    const textOf = async (...sets: string[]) => {
      const config = loadConfig('configs/tiny.yaml', ['workload.data=false', ...sets]);
      const host = { shards: 1, memo: true, now: () => 0, rss: () => 0 };
      const run = await simulate(config, { engine: 'fast', ...host });
      return { run, text: runTable(run, { color: false }) };
    };
    const cores = 'hardware.defects.cores=9,3 20,17';
    const whole = await textOf();
    const spares = await textOf(cores);
    const avoid = await textOf(cores, 'hardware.defects.repair=avoid');
    expect(whole.text).not.toContain('dead core');
    const longest = 'links that lead past them are simulated with up to 2 hops';
    expect(spares.text).toContain(`2 dead cores, rows moved on to spares; ${longest}`);
    // The same regions as on a whole wafer, with longer links in them.
    expect(spares.run.placement.regions).toEqual(whole.run.placement.regions);
    expect(spares.run.decode.cyclesPerToken).toBeGreaterThan(whole.run.decode.cyclesPerToken);
    expect(avoid.text).toContain('2 dead cores, which no region holds');
    // What its smaller regions cost (or gain, where lines matter more than memory) is simulated.
    expect(avoid.run.placement.coresUsed).toBeLessThan(whole.run.placement.coresUsed);
    expect(avoid.run.decode.cyclesPerToken).not.toBe(whole.run.decode.cyclesPerToken);
  });
});

describe('drawn defects', () => {
  it('are the same for a seed, others for another seed or wafer', () => {
    const draw = (seed: number, index: number) =>
      deadOnes(defective({ rate: 0.05, seed }, { width: 60, height: 60 }), index).map((core) =>
        core.replace(/^.*\//, ''),
      );
    expect(draw(1, 0)).toEqual(draw(1, 0));
    expect(draw(1, 0)).not.toEqual(draw(2, 0));
    expect(draw(1, 0)).not.toEqual(draw(1, 1));
  });
});

describe('hardware.defects of a configuration', () => {
  const load = (...sets: string[]) =>
    loadConfig(
      'configs/tiny.yaml',
      sets.map((set) => `hardware.defects.${set}`),
    );

  it('reaches the wafer and the hash of the configuration', () => {
    const { wafer, resolved } = load('rate=0.02', 'cores=3,4 5,6');
    expect(wafer.defects).toMatchObject({ repair: 'spares', rate: 0.02, cores: '3,4 5,6' });
    expect(resolved['hardware']).toMatchObject({ defects: { rate: 0.02, spareColumns: 58 } });
    expect(loadConfig('configs/tiny.yaml').wafer.defects).toBeUndefined();
  });

  it.each([
    ['rate=2', /defects\.rate: expected a share, 0 to 0\.5, found 2/],
    ['cores=3;4', /defects\.cores: expected places such as 12,7 30,1/],
    ['rat=0.1', /defects\.rat: .*did you mean rate\?/],
  ])('%s is refused', (set, message) => {
    expect(() => load(set)).toThrow(message);
  });

  it('with dead links and without spares is refused', () => {
    expect(() => load('repair=avoid', 'links=3,4,east')).toThrow(
      /defects\.links: expected no dead/,
    );
  });
});
