/** Placement: strategies, sizes from SRAM, and the two growths, checked by an independent checker. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { ModelSpec } from '../src/model/model.js';
import { leastColumns, modelBytes, regionBytes } from '../src/placement/budget.js';
import { CapacityError } from '../src/placement/errors.js';
import { tokenCycles } from '../src/placement/estimate.js';
import { checkPlacement } from '../src/placement/legal.js';
import { pack, STRATEGIES } from '../src/placement/pack.js';
import { kindsOf, partsOf, type Sizes } from '../src/placement/parts.js';
import { place } from '../src/placement/place.js';
import type { Placement } from '../src/placement/placement.js';
import { bytesOf, layerBuffers, layerShape } from '../src/placement/shapes.js';
import { rowMajor } from '../src/placement/strategies/row-major.js';
import { snake } from '../src/placement/strategies/snake.js';
import { asking, llama8b, tiny, wse3 } from './placement-helpers.js';

const models: fc.Arbitrary<ModelSpec> = fc
  .record({
    dim: fc.integer({ min: 4, max: 300 }),
    layers: fc.integer({ min: 1, max: 12 }),
    kvHeads: fc.integer({ min: 1, max: 8 }),
    share: fc.integer({ min: 1, max: 4 }),
    pairs: fc.integer({ min: 1, max: 16 }),
    ffn: fc.integer({ min: 1, max: 600 }),
    vocab: fc.integer({ min: 1, max: 900 }),
    tied: fc.boolean(),
    qkNorm: fc.boolean(),
    dtype: fc.constantFrom('f16' as const, 'f32' as const),
    narrow: fc.boolean(),
  })
  .map(({ share, pairs, narrow, ...m }) => ({
    ...tiny,
    ...m,
    heads: m.kvHeads * share,
    headDim: 2 * pairs,
    weightBits: narrow ? 8 : m.dtype === 'f16' ? 16 : 32,
  }));

const wafers: fc.Arbitrary<WaferSpec> = fc
  .record({
    width: fc.integer({ min: 1, max: 60 }),
    height: fc.integer({ min: 1, max: 60 }),
    wafers: fc.constantFrom(1, 2, 5, 'auto' as const),
    sramKiB: fc.integer({ min: 24, max: 64 }),
  })
  .map(({ sramKiB, ...w }) => wse3({ ...w, core: { ...wse3().core, sramBytes: sramKiB * 1024 } }));

const requests = fc
  .record({
    strategy: fc.constantFrom(...Object.keys(STRATEGIES)),
    growth: fc.constantFrom('fill' as const, 'minimal' as const),
    maxPositions: fc.integer({ min: 1, max: 2000 }),
    batch: fc.integer({ min: 1, max: 3 }),
  })
  .map((r) => asking(r));

function cores(placement: Placement): number {
  return placement.regions.reduce((sum, r) => sum + r.width * r.height, 0);
}

function sizesOf(placement: Placement): Sizes {
  const columns = Object.fromEntries(placement.regions.map((r) => [r.kind, r.width]));
  return { rows: placement.regions[0]!.height, columns };
}

/** Every height and layer width that fits on one wafer, tables as narrow as their memory allows. */
function everySize(model: ModelSpec, wafer: WaferSpec, positions: number): Sizes[] {
  const found: Sizes[] = [];
  for (let rows = 1; rows <= wafer.height; rows++) {
    const columns: Sizes['columns'] = {};
    for (const kind of kindsOf(model))
      for (let width = wafer.width; width >= 1; width--)
        if (regionBytes(kind, model, positions, rows, width, wafer) <= wafer.core.sramBytes)
          columns[kind] = width;
    if (Object.keys(columns).length < kindsOf(model).length) continue;
    for (let width = columns.layer!; width <= wafer.width; width++) {
      const sizes = { rows, columns: { ...columns, layer: width } };
      if (pack(partsOf(model), sizes, rowMajor, wafer, 1)) found.push(sizes);
    }
  }
  return found;
}

describe('strategies', () => {
  const sizes = [3, 4, 2, 6, 5, 5].map((width) => ({ width }));
  const wafer = wse3({ width: 10, height: 11 });

  it('row-major fills every shelf from west to east', () => {
    expect(rowMajor(sizes, 3, wafer)).toEqual([
      { x: 0, y: 0 },
      { x: 3, y: 0 },
      { x: 7, y: 0 },
      { x: 0, y: 3 },
      { x: 0, y: 6 },
      { x: 5, y: 6 },
    ]);
  });

  it('snake turns round at the end of each shelf', () => {
    expect(snake(sizes, 3, wafer)).toEqual([
      { x: 0, y: 0 },
      { x: 3, y: 0 },
      { x: 7, y: 0 },
      { x: 4, y: 3 },
      { x: 0, y: 6 },
      { x: 5, y: 6 },
    ]);
  });

  it('lay no more than there is room for', () => {
    for (const strategy of Object.values(STRATEGIES)) {
      expect(strategy(sizes, 4, wafer)).toHaveLength(4);
      expect(strategy(sizes, 12, wafer)).toEqual([]);
      expect(strategy([{ width: 11 }], 1, wafer)).toEqual([]);
    }
  });

  it('are refused by name if unknown', () => {
    expect(() => place(tiny, wse3(), asking({ strategy: 'snail' }))).toThrow(
      "placement.strategy: expected row-major or snake, found 'snail'",
    );
  });
});

describe('the SRAM budget', () => {
  it('finds by bisection the columns that a linear search finds', () => {
    fc.assert(
      fc.property(models, wafers, fc.integer({ min: 1, max: 3000 }), (model, wafer, positions) => {
        for (const kind of kindsOf(model)) {
          let first: number | undefined;
          for (let columns = wafer.width; columns >= 1; columns--) {
            const bytes = regionBytes(kind, model, positions, wafer.height, columns, wafer);
            if (bytes <= wafer.core.sramBytes) first = columns;
          }
          expect(leastColumns(kind, model, positions, wafer.height, wafer)).toBe(first);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('counts stack, runtime and only the code that a region runs', () => {
    const wafer = wse3();
    const code = (kind: Parameters<typeof regionBytes>[0], zero: Partial<typeof codes>) => {
      const core = { ...wafer.core, codeBytes: { ...codes, ...zero } };
      const bytes = (of: WaferSpec) => regionBytes(kind, tiny, 10, 4, 4, of);
      return bytes(wafer) - bytes({ ...wafer, core });
    };
    const codes = wafer.core.codeBytes;
    expect(code('layer', { attention: 0, mlp: 0 })).toBe(6500);
    expect(code('layer', { embedding: 0, head: 0 })).toBe(0);
    expect(code('embedding', { embedding: 0, head: 0 })).toBe(1000);
    expect(code('head', { embedding: 0, head: 0 })).toBe(1500);
    expect(code('embedding+head', { embedding: 0, head: 0 })).toBe(2500);
    expect(code('head', { stack: 0, runtime: 0, attention: 0, mlp: 0 })).toBe(13_120);
  });

  it('counts a layer on one core as the matrices, norms and caches of the model', () => {
    const model: ModelSpec = { ...tiny, qkNorm: true, layers: 1, tied: true };
    const kept = layerBuffers(model, layerShape(model, 77, 1, 1), true).filter(
      (b) => /^w[A-Z]|Norm$|^keys$|^values$/.test(b.name) && b.preloaded,
    );
    const { weights, cache } = modelBytes(model, 77);
    const table = model.vocab * model.dim * 2;
    expect(bytesOf(kept)).toBe(weights + cache - table - model.dim * 2);
  });

  it('counts Llama-3.1-8B as its 8,030,261,248 published parameters', () => {
    expect(modelBytes(llama8b, 1).weights).toBe(2 * 8_030_261_248);
  });

  it('gives every user of a batch a cache', () => {
    const one = place(llama8b, wse3(), asking({ maxPositions: 8192, growth: 'minimal' }));
    const two = place(llama8b, wse3(), asking({ batch: 2, growth: 'minimal' }));
    expect(two.regions).toEqual(one.regions);
  });
});

describe('a placement', () => {
  it('is legal, or refused, for any model on any wafers', () => {
    let legal = 0;
    let severalWafers = 0;
    fc.assert(
      fc.property(models, wafers, requests, (model, wafer, request) => {
        let placement: Placement;
        try {
          placement = place(model, wafer, request);
        } catch (error) {
          expect(error).toBeInstanceOf(CapacityError);
          return;
        }
        legal++;
        if (placement.wafers > 1) severalWafers++;
        const positions = request.maxPositions * request.batch;
        expect(checkPlacement(placement, model, wafer, positions)).toEqual([]);
        for (const r of placement.regions)
          expect(r.sramBytesPerCore).toBe(
            regionBytes(r.kind, model, positions, r.height, r.width, wafer),
          );
      }),
      { seed: 2, numRuns: 400 },
    );
    expect(legal).toBeGreaterThan(100);
    expect(severalWafers).toBeGreaterThan(20);
  });

  it('is refused on one wafer only if no height and no widths would do', () => {
    let refused = 0;
    fc.assert(
      fc.property(models, wafers, requests, (model, any, request) => {
        const wafer = { ...any, wafers: 1 };
        const fits = everySize(model, wafer, request.maxPositions * request.batch).length > 0;
        if (!fits) refused++;
        const placing = expect(() => place(model, wafer, request));
        if (fits) placing.not.toThrow();
        else placing.toThrow(CapacityError);
      }),
      { seed: 3, numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(100);
    expect(refused).toBeLessThan(300);
  });

  it('of Llama-3.1-8B fills one WSE-3', () => {
    for (const strategy of Object.keys(STRATEGIES)) {
      const wafer = wse3();
      const placement = place(llama8b, wafer, asking({ strategy }));
      expect(checkPlacement(placement, llama8b, wafer, 4096)).toEqual([]);
      expect(placement).toMatchObject({ strategy, wafers: 1 });
      expect(placement.regions).toHaveLength(34);
      expect(cores(placement)).toBeGreaterThan(0.9 * wafer.width * wafer.height);
    }
  });

  it('keeps the next layer beside or below the last one when it snakes', () => {
    const { regions } = place(llama8b, wse3(), asking({ strategy: 'snake' }));
    regions.slice(1).forEach((r, i) => {
      const before = regions[i]!;
      const touches =
        r.y === before.y
          ? r.x === before.x + before.width || before.x === r.x + r.width
          : r.y === before.y + before.height &&
            r.x < before.x + before.width &&
            before.x < r.x + r.width;
      expect(touches, r.name).toBe(true);
    });
  });

  it('visits a tied table first and has no head of its own', () => {
    const { regions } = place({ ...tiny, tied: true }, wse3(), asking({ maxPositions: 9 }));
    expect(regions.map((r) => r.name)).toEqual(['embedding+head', 'layer 0', 'layer 1']);
  });

  it('takes rows and layer columns as asked', () => {
    const request = asking({ rows: 165, layerColumns: 138 });
    const { regions } = place(llama8b, wse3(), request);
    expect(new Set(regions.map((r) => r.height))).toEqual(new Set([165]));
    const layers = regions.filter((r) => r.kind === 'layer');
    expect(new Set(layers.map((r) => r.width))).toEqual(new Set([138]));
    expect(checkPlacement(place(llama8b, wse3(), request), llama8b, wse3(), 4096)).toEqual([]);
  });

  it('lies on consecutive wafers, each packed from its corner', () => {
    const wafer = wse3({ wafers: 'auto', width: 200, height: 300 });
    const { regions, wafers: used } = place(llama8b, wafer, asking());
    expect(used).toBeGreaterThan(5);
    expect(regions.at(-1)!.wafer).toBe(used - 1);
    for (let i = 0; i < used; i++)
      expect(regions.find((r) => r.wafer === i)).toMatchObject({ x: 0, y: 0 });
  });

  it('has positive integers for sizes', () => {
    for (const wrong of [{ rows: 0 }, { layerColumns: 1.5 }, { batch: -1 }, { maxPositions: NaN }])
      expect(() => place(tiny, wse3(), asking(wrong))).toThrow(
        `${Object.keys(wrong)[0]}: expected a positive integer`,
      );
  });
});

describe('growth', () => {
  const wafer = wse3({ width: 40, height: 30 });
  const model: ModelSpec = { ...tiny, dim: 160, heads: 8, kvHeads: 4, headDim: 20, ffn: 700 };

  it('minimal takes within 2 % of the fewest cores that any height has', () => {
    const placement = place(model, wafer, asking({ growth: 'minimal', maxPositions: 700 }));
    const fewest = everySize(model, wafer, 700).map((sizes) =>
      partsOf(model).reduce((sum, part) => sum + sizes.rows * sizes.columns[part.kind]!, 0),
    );
    expect(cores(placement)).toBeLessThanOrEqual(1.02 * Math.min(...fewest));
  });

  it('fill is estimated within 1 % of the best of all heights and widths', () => {
    const placement = place(model, wafer, asking({ maxPositions: 700 }));
    const all = everySize(model, wafer, 700).map((s) => tokenCycles(model, wafer, 700, s));
    const chosen = tokenCycles(model, wafer, 700, sizesOf(placement));
    expect(all.length).toBeGreaterThan(100);
    expect(chosen).toBeLessThanOrEqual(1.01 * Math.min(...all));
  });

  it('fill is estimated faster than minimal, for which it has more cores', () => {
    const [fill, minimal] = (['fill', 'minimal'] as const).map((growth) =>
      place(llama8b, wse3(), asking({ growth })),
    );
    const cycles = (p: Placement) => tokenCycles(llama8b, wse3(), 4096, sizesOf(p));
    expect(cores(fill!)).toBeGreaterThan(cores(minimal!));
    expect(cycles(fill!)).toBeLessThan(cycles(minimal!));
  });

  it('fill does not spread a small model until its reductions cost more than they save', () => {
    const { regions } = place(tiny, wse3(), asking({ maxPositions: 100 }));
    expect(regions[1]!.width).toBeLessThan(100);
    expect(regions[1]!.height).toBeLessThan(100);
  });
});

describe('the checker of placements', () => {
  const wafer = wse3({ width: 40, height: 40 });
  const good = place(tiny, wafer, asking({ maxPositions: 9, rows: 8, layerColumns: 8 }));
  const problemsWith = (region: number, change: Partial<Placement['regions'][number]>) => {
    const regions = good.regions.map((r, i) => (i === region ? { ...r, ...change } : r));
    return checkPlacement({ ...good, regions }, tiny, wafer, 9).join();
  };

  it('finds each broken rule', () => {
    const { regions } = good;
    expect(problemsWith(0, {})).toBe('');
    expect(problemsWith(2, { x: regions[1]!.x + 7, y: regions[1]!.y })).toMatch(/overlaps/);
    expect(problemsWith(3, { x: 40 })).toMatch(/outside/);
    expect(problemsWith(3, { y: 33 })).toMatch(/outside/);
    expect(problemsWith(3, { wafer: 1 })).toMatch(/outside/);
    expect(problemsWith(1, { layer: 1 })).toMatch(/regions are/);
    expect(problemsWith(1, { height: 7 })).toMatch(/another height/);
    expect(problemsWith(2, { width: 7 })).toMatch(/2 widths/);
    expect(problemsWith(1, { sramBytesPerCore: 50_000 })).toMatch(/needs 50000 bytes/);
    expect(problemsWith(1, { sramBytesPerCore: 13_200 })).toMatch(/holds/);
  });
});
