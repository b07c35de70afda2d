/** The search for the layers' shape and groups, held against simulating every candidate. */
import { describe, expect, it } from 'vitest';
import { compareStrategies } from '../src/studies/compare/compare.js';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { CapacityError } from '../src/placement/placement.js';
import { layerShape } from '../src/mapping/shapes.js';
import { checkPlacement } from './helpers/legal-placement.js';
import { runTable } from '../src/report/table.js';
import { shapesOf } from '../src/studies/search/search.js';
import { placementOf } from '../src/decode/place.js';
import { simulate } from '../src/studies/run/run.js';
import { cases, FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

function tiny(width: number, height: number, ...sets: string[]): ResolvedConfig {
  return loadConfig('configs/tiny.yaml', [
    'workload.data=false',
    'workload.tokens=1',
    'model.dtype=f16',
    `hardware.width=${width}`,
    `hardware.height=${height}`,
    ...sets,
  ]);
}

type Placed = Partial<ResolvedConfig['placement']>;

/** Cycles of a token with this shape and these groups; Infinity if they are refused. */
async function cyclesOf(config: ResolvedConfig, asked: Placed): Promise<number> {
  const placement = { ...config.placement, growth: 'fill' as const, ...asked };
  try {
    return (await simulateTimes({ ...config, placement }, OPTIONS)).decode.cyclesPerToken;
  } catch (error) {
    if (error instanceof CapacityError) return Infinity;
    throw error;
  }
}

const WHOLE = 'placement.layers=whole';

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** Every set of groups of every shape that the search looks at. */
function everyShapeAndGroups(config: ResolvedConfig): Placed[] {
  const positions = config.workload.context + config.workload.tokens;
  return shapesOf(config)
    .flat()
    .flatMap(({ rows, layerColumns }) => {
      if (typeof layerColumns === 'object') throw new Error('layers are whole');
      const { groupWidth } = layerShape(
        config.model,
        config.model.kinds[0],
        positions,
        rows,
        layerColumns,
      );
      return upTo(rows).flatMap((column) =>
        upTo(layerColumns).flatMap((row) =>
          upTo(groupWidth).map((head) => ({ rows, layerColumns, groups: { column, row, head } })),
        ),
      );
    });
}

async function least(config: ResolvedConfig, candidates: Placed[]): Promise<number> {
  let fewest = Infinity;
  for (const asked of candidates) fewest = Math.min(fewest, await cyclesOf(config, asked));
  return fewest;
}

describe('growth: search', () => {
  it.each(cases([[5, 7]], [[6, 8]]))(
    'finds the fastest of all shapes with all groups, on %i x %i cores, after few of them',
    async (width, height) => {
      const config = tiny(width, height, 'placement.growth=search', WHOLE);
      const candidates = everyShapeAndGroups(config);
      const { decode, placement } = await simulate(config, OPTIONS);
      expect(decode.cyclesPerToken).toBe(await least(config, candidates));
      const { simulated, groupsTried, cycles } = placement.search!;
      expect(cycles).toBe(decode.cyclesPerToken);
      expect(simulated + groupsTried).toBeLessThan(candidates.length / 5);
    },
    120_000,
  );

  it('misses nothing by leaving out widths that only lengthen the lines', async () => {
    const [width, height] = FULL ? [10, 8] : [8, 5];
    const config = tiny(width, height, 'placement.growth=search', WHOLE);
    const rows = [...new Set(shapesOf(config).map((widths) => widths[0].rows))];
    const every = rows.flatMap((height) =>
      upTo(width).map((layerColumns) => ({ rows: height, layerColumns })),
    );
    const kept = shapesOf(config).flat();
    expect(kept.length).toBeLessThan(every.length);
    expect(await least(config, kept)).toBe(await least(config, every));
  }, 120_000);

  it('finds the fastest of all pairs of widths of split layers, which can be asked for', async () => {
    const config = tiny(9, 4, 'placement.growth=search', 'placement.layers=split');
    const every = upTo(8).flatMap((attention) =>
      upTo(8 - attention).flatMap((mlp) =>
        upTo(4).map((rows) => ({ rows, layerColumns: { attention, mlp } })),
      ),
    );
    const { decode, placement } = await simulate(config, OPTIONS);
    expect(decode.cyclesPerToken).toBe(await least(config, every));
    const { rows, layerColumns, groups, candidates, simulated, cycles } = placement.search!;
    expect([groups, cycles]).toEqual([undefined, decode.cyclesPerToken]);
    expect(await cyclesOf(config, { rows, layerColumns })).toBe(cycles);
    expect(simulated).toBeLessThan(candidates);
    expect(shapesOf(config).flat().length).toBe(candidates);
  }, 120_000);

  it('looks at both forms of layers where the configuration leaves them open', () => {
    const forms = (layers: string) => {
      const all = shapesOf(tiny(12, 8, 'placement.growth=search', `placement.layers=${layers}`));
      return all.flat().map(({ layerColumns }) => typeof layerColumns);
    };
    expect(forms('auto')).toEqual([...forms('whole'), ...forms('split')]);
    expect([new Set(forms('whole')), new Set(forms('split'))]).toEqual([
      new Set(['number']),
      new Set(['object']),
    ]);
  });

  it('is never slower than the estimate’s choice, and what it found can be asked for', async () => {
    const config = tiny(16, 14, 'placement.growth=search');
    const found = await simulate(config, OPTIONS);
    expect(found.decode.cyclesPerToken).toBeLessThanOrEqual(await cyclesOf(config, {}));
    const { rows, layerColumns, groups, candidates, simulated } = found.placement.search!;
    expect(runTable(found, { color: false })).toContain(
      `of ${simulated} shapes simulated, of ${candidates} that fit`,
    );
    expect(simulated).toBeLessThan(candidates);
    expect(await cyclesOf(config, { rows, layerColumns, groups: groups! })).toBe(
      found.decode.cyclesPerToken,
    );
    const layers = found.placement.regions.filter(({ name }) => name.startsWith('layer'));
    for (const { width, height, sramBytesPerCore } of layers) {
      expect([width, height]).toEqual([layerColumns, rows]);
      expect(sramBytesPerCore).toBeLessThanOrEqual(config.wafer.core.sramBytes);
    }
  }, 60_000);

  it('looks only at shapes that fit the wafer and its cores’ memory', () => {
    const small = { ...tiny(24, 20).wafer };
    const core = { ...small.core, sramBytes: 21_000 };
    const config = { ...tiny(24, 20), wafer: { ...small, core } };
    const shapes = shapesOf(config).flat();
    expect(shapes.length).toBeGreaterThan(5);
    expect(shapes.length).toBeLessThan(shapesOf(tiny(24, 20)).flat().length);
    for (const shape of shapes) {
      const placed = { ...config, placement: { ...config.placement, ...shape } };
      expect(checkPlacement(placementOf(placed), config.model, config.wafer, 9)).toEqual([]);
    }
  });

  it('gives all strategies of a comparison the same regions', async () => {
    const configs = ['row-major', 'snake'].map((strategy) =>
      tiny(6, 8, 'placement.growth=search', `placement.strategy=${strategy}`),
    );
    const { runs } = await compareStrategies(configs, OPTIONS);
    const sizes = runs.map(({ placement }) => placement.regions.map((r) => [r.width, r.height]));
    expect(sizes[1]).toEqual(sizes[0]);
    expect(runs[1].placement.search).toEqual(runs[0].placement.search);
    const alone = await simulate(configs[0], OPTIONS);
    expect(runs[0].decode.cyclesPerToken).toBe(alone.decode.cyclesPerToken);
  }, 60_000);

  it('refuses a model that does not fit as any other run does', async () => {
    const config = tiny(3, 2, 'placement.growth=search', 'workload.context=400');
    await expect(simulate(config, OPTIONS)).rejects.toThrow(/tiny needs .* it would fit/);
  });

  it('is refused where it would be silently left out', () => {
    const search = 'placement.growth=search';
    expect(() => placementOf(tiny(12, 10, search))).toThrow(/growth: expected fill or minimal/);
    for (const other of ['placement.layerColumns=3', 'placement.groups=2', 'mapping=waferllm'])
      expect(() => tiny(12, 10, search, other)).toThrow(/expected none|mapping: waferllm/);
  });
});

describe('placement.groups', () => {
  it('may be given for each kind of line of the layers', async () => {
    const config = tiny(12, 10);
    const working = async (groups: ResolvedConfig['placement']['groups']) => {
      const placement = { ...config.placement, rows: 5, layerColumns: 6, groups: groups! };
      return (await simulateTimes({ ...config, placement }, OPTIONS)).decode.coreCycles;
    };
    const one = { column: 1, row: 1, head: 1 };
    for (const line of ['column', 'row', 'head'] as const)
      expect(await working({ ...one, [line]: 2 })).not.toEqual(await working(one));
    // One number is for the lines of embedding and head as well.
    expect(await working(1)).not.toEqual(await working({ ...one, row: 2 }));
  });
});

describe('what a search chose', () => {
  it('is not held to be asked for where fewer wafers are spoken of', async () => {
    const on2Wafers = async (growth: string) => {
      const sets = [
        'workload.context=400',
        'hardware.wafers=auto',
        `placement.growth=${growth}`,
        WHOLE,
      ];
      const config = tiny(4, 4, 'model.dtype=f32', ...sets);
      const { placement } = await simulate(config, OPTIONS);
      const { runs } = await compareStrategies([config], OPTIONS);
      expect(runs[0].placement.fewerWafers).toEqual(placement.fewerWafers);
      return placement;
    };
    const [found, filled] = [await on2Wafers('search'), await on2Wafers('fill')];
    expect(found.search).toBeDefined();
    expect(found.wafers).toBe(2);
    expect(found.fewerWafers).toEqual(filled.fewerWafers);
  });
});
