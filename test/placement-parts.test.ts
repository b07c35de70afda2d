/** The parts of placement: strategies, the SRAM budget, and the checker that the other tests trust. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../src/numeric/random.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { RegionKind } from '../src/mapping/mapping.js';
import { layerBuffers } from '../src/mapping/buffers.js';
import { layerShape } from '../src/mapping/shapes.js';
import { bytesOf, leastColumns, modelBytes, regionBytes } from '../src/placement/budget.js';
import { checkPlacement } from './helpers/legal-placement.js';
import { handOffCosts } from '../src/placement/hand-off-cost.js';
import { cut, cutAnywhere, pack, runsOf, shareOut, STRATEGIES } from '../src/placement/pack.js';
import { partKindsOf, partsOf } from '../src/placement/placement.js';
import { place } from '../src/placement/place.js';
import { rowMajor, type Task, snake } from '../src/placement/strategies/shelves.js';
import { asking, kept, llama8b, models, tiny, wafers, wse3 } from './placement-helpers.js';
import { resized } from './helpers/small-model.js';

describe('strategies', () => {
  const wafer = wse3({ width: 10, height: 11 });
  const task: Task = {
    widths: [3, 4, 2, 6, 5, 5],
    runs: runsOf(wafer, 3, 0),
    ...handOffCosts(tiny, wafer, 3, { index: 0, wafers: 1 }),
    random: seededRandom(1),
  };

  it('row-major fills every shelf from west to east', () => {
    expect(rowMajor(task)?.positions).toEqual([
      { x: 0, y: 0 },
      { x: 3, y: 0 },
      { x: 7, y: 0 },
      { x: 0, y: 3 },
      { x: 0, y: 6 },
      { x: 5, y: 6 },
    ]);
  });

  it('snake turns round at the end of each shelf', () => {
    expect(snake(task)?.positions).toEqual([
      { x: 0, y: 0 },
      { x: 3, y: 0 },
      { x: 7, y: 0 },
      { x: 4, y: 3 },
      { x: 0, y: 6 },
      { x: 5, y: 6 },
    ]);
  });

  it('find no layout where there is no room', () => {
    for (const strategy of Object.values(STRATEGIES)) {
      expect(strategy(task)?.positions).toHaveLength(6);
      for (const rows of [4, 12])
        expect(strategy({ ...task, runs: runsOf(wafer, rows, 0) })).toBeUndefined();
      expect(strategy({ ...task, widths: [11] })).toBeUndefined();
    }
  });

  it('put no more on a wafer than there is room for', () => {
    expect(cut(task.widths, 3, wafer, 1)).toEqual([6]);
    expect(cut(task.widths, 4, wafer, 2)).toEqual([4, 2]);
    expect(cut(task.widths, 4, wafer, 1)).toBeUndefined();
    expect(cut(task.widths, 12, wafer, 9)).toBeUndefined();
    expect(cut([11], 1, wafer, 9)).toBeUndefined();
  });

  it('lay regions wherever there is room, where those one after the other take more wafers', () => {
    // On shelves of ten columns: two and eight, nine and one.
    const widths = [2, 9, 8, 1, 9, 1, 10];
    expect(cut(widths, 5, wafer, 9)).toEqual([2, 4, 1]);
    expect(cutAnywhere(widths, 5, wafer, 9)).toEqual([4, 3]);
    expect(cutAnywhere(widths, 5, wafer, 1)).toBeUndefined();
    expect(shareOut(widths, 5, wafer, 3)).toEqual([2, 4, 1]);
    expect(shareOut(widths, 5, wafer, 2)).toEqual([4, 3]);
    for (const strategy of Object.values(STRATEGIES)) {
      const { positions } = pack(tiny, { widths }, 5, wafer, [4, 3], strategy);
      const taken = positions.flatMap(({ wafer: on, x, y }, i) =>
        Array.from({ length: widths[i] }, (_, column) => `${on} ${x + column} ${y}`),
      );
      expect(new Set(taken).size).toBe(taken.length);
      for (const [i, { x, y }] of positions.entries()) {
        expect([0, 5]).toContain(y);
        expect(x + widths[i]).toBeLessThanOrEqual(10);
      }
    }
  });

  it('are refused by name if unknown', () => {
    expect(() => place(tiny, wse3(), asking({ strategy: 'snail' }))).toThrow(
      "placement.strategy: expected one of row-major, snake, hilbert, greedy, anneal, optimal, found 'snail'",
    );
  });
});

describe('the SRAM budget', () => {
  it('finds by bisection the columns that a linear search finds', () => {
    fc.assert(
      fc.property(models, wafers, fc.integer({ min: 1, max: 3000 }), (model, wafer, positions) => {
        for (const kind of partKindsOf(partsOf(model, kept(1)))) {
          let first: number | undefined;
          for (let columns = wafer.width; columns >= 1; columns--) {
            const bytes = regionBytes(kind, model, wafer, kept(positions), wafer.height, columns);
            if (bytes <= wafer.core.sramBytes) first = columns;
          }
          expect(leastColumns(kind, model, wafer, kept(positions), wafer.height)).toBe(first);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('counts stack, runtime and only the code that a region runs', () => {
    const wafer = wse3();
    const code = (kind: RegionKind, zero: Partial<typeof codes>) => {
      const core = { ...wafer.core, codeBytes: { ...codes, ...zero } };
      const bytes = (of: WaferSpec) =>
        regionBytes({ kind, layerKind: 0 }, tiny, of, kept(10), 4, 4);
      return bytes(wafer) - bytes({ ...wafer, core });
    };
    const codes = wafer.core.codeBytes;
    expect(code('layer', { attention: 0, mlp: 0 })).toBe(6500);
    expect(code('layer', { embedding: 0, head: 0 })).toBe(0);
    expect(code('attention', { attention: 0, mlp: 0 })).toBe(4700);
    expect(code('mlp', { attention: 0, mlp: 0 })).toBe(1800);
    expect(code('embedding', { embedding: 0, head: 0 })).toBe(1000);
    expect(code('head', { embedding: 0, head: 0 })).toBe(1500);
    expect(code('embedding+head', { embedding: 0, head: 0 })).toBe(2500);
    expect(code('head', { stack: 0, runtime: 0, attention: 0, mlp: 0 })).toBe(13_120);
  });

  it.each([
    [16, { groupWidth: 8, headsPerColumn: 1, attentionColumns: 16, pairs: 1, queryHeads: 2 }],
    [7, { groupWidth: 3, headsPerColumn: 1, attentionColumns: 6, pairs: 2, queryHeads: 2 }],
    [5, { groupWidth: 2, headsPerColumn: 1, attentionColumns: 4, pairs: 2, queryHeads: 2 }],
    [2, { groupWidth: 1, headsPerColumn: 1, attentionColumns: 2, pairs: 4, queryHeads: 2 }],
    [1, { groupWidth: 1, headsPerColumn: 2, attentionColumns: 1, pairs: 4, queryHeads: 4 }],
  ])('deals 2 KV heads of 4 pairs over %i columns', (columns, shape) => {
    // 4 query heads, 32 dims, 64 inner units, 10 positions of each of 3 users on 4 rows.
    const { pairs, headsPerColumn, queryHeads } = shape;
    expect(layerShape(tiny, tiny.kinds[0], 10, 4, columns, 3)).toEqual({
      rows: 4,
      columns,
      dims: 8,
      kind: 'gqa',
      ...shape,
      keyDims: headsPerColumn * 2 * pairs,
      queryDims: queryHeads * 2 * pairs,
      projectedDims: (queryHeads + 2 * headsPerColumn) * 2 * pairs,
      positions: 3,
      slots: 9,
      inner: Math.ceil(64 / columns),
    });
  });

  it('counts a layer on one core as the matrices, norms and caches of the model', () => {
    const model = resized(tiny, { qkNorm: true, layers: 1, tied: true });
    const kept = layerBuffers(
      model,
      model.kinds[0],
      layerShape(model, model.kinds[0], 77, 1, 1),
      'layer',
    ).filter((b) => /^w[A-Z]|Norm$|^keys$|^values$/.test(b.name) && b.preloaded);
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

describe('the checker of placements', () => {
  const wafer = wse3({ width: 40, height: 40 });
  const good = place(tiny, wafer, asking({ maxPositions: 9, rows: 8, layerColumns: 8 }));
  const problemsWith = (region: number, change: object) => {
    const regions = good.regions.map((r, i) => (i === region ? { ...r, ...change } : r));
    return checkPlacement({ ...good, regions }, tiny, wafer, 9).join();
  };

  it('finds each broken rule', () => {
    const { regions } = good;
    expect(problemsWith(0, {})).toBe('');
    expect(problemsWith(2, { x: regions[1].x + 7, y: regions[1].y })).toMatch(/overlaps/);
    expect(problemsWith(3, { x: 40 })).toMatch(/outside/);
    expect(problemsWith(3, { y: 33 })).toMatch(/outside/);
    expect(problemsWith(3, { wafer: 1 })).toMatch(/outside/);
    expect(problemsWith(1, { layer: 1 })).toMatch(/regions are/);
    expect(problemsWith(1, { height: 7 })).toMatch(/another height/);
    expect(problemsWith(1, { sramBytesPerCore: 50_000 })).toMatch(/needs 50000 bytes/);
    expect(problemsWith(1, { sramBytesPerCore: 13_200 })).toMatch(/holds/);
  });
});
