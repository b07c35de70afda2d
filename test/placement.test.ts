/** Placements of whole models: legal, complete, and as large as their growth says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { ModelSpec } from '../src/model/model.js';
import { keyOfPart } from '../src/mapping/mapping.js';
import { regionBytes } from '../src/placement/budget.js';
import {
  CapacityError,
  partKindsOf,
  partsOf,
  widthsOf,
  type Sizes,
  type Placement,
} from '../src/placement/placement.js';
import { cases, count } from './helpers/full.js';
import { checkPlacement } from './helpers/legal-placement.js';
import { cut, STRATEGIES } from '../src/placement/pack.js';
import { place } from '../src/placement/place.js';
import {
  asking,
  kept,
  llama8b,
  models,
  requests,
  tiny,
  wafers,
  wse3,
  tokenCycles,
} from './placement-helpers.js';

function cores(placement: Placement): number {
  return placement.regions.reduce((sum, r) => sum + r.width * r.height, 0);
}

function sizesOf(placement: Placement): Sizes {
  const { regions } = placement;
  const columns = Object.fromEntries(regions.map((r) => [keyOfPart(r), r.width]));
  return { rows: regions[0].height, columns };
}

/** Every height and layer width that fits on one wafer, tables as narrow as their memory allows. */
function everySize(model: ModelSpec, wafer: WaferSpec, positions: number, users: number): Sizes[] {
  const found: Sizes[] = [];
  const kinds = partKindsOf(partsOf(model, kept(1)));
  for (let rows = 1; rows <= wafer.height; rows++) {
    const columns: Record<string, number> = {};
    let least = 0;
    for (const part of kinds)
      for (let width = wafer.width; width >= 1; width--)
        if (
          regionBytes(part, model, wafer, kept(positions, users), rows, width) <=
          wafer.core.sramBytes
        ) {
          if (part.kind === 'layer') least = width;
          else columns[part.kind] = width;
        }
    if (least === 0 || Object.keys(columns).length < kinds.length - 1) continue;
    for (let width = least; width <= wafer.width; width++) {
      const sizes = { rows, columns: { ...columns, 'layer 0': width } };
      if (cut(widthsOf(partsOf(model, kept(1)), sizes), rows, wafer, 1)) found.push(sizes);
    }
  }
  return found;
}

describe('a placement', () => {
  it('is legal, or refused, for any model on any wafers', () => {
    const numRuns = count(80, 250);
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
        const { maxPositions, batch } = request;
        expect(checkPlacement(placement, model, wafer, maxPositions * batch)).toEqual([]);
        for (const r of placement.regions)
          expect(r.sramBytesPerCore).toBe(regionBytes(r, model, wafer, request, r.height, r.width));
      }),
      { seed: 2, numRuns },
    );
    expect(legal).toBeGreaterThan(numRuns / 4);
    expect(severalWafers).toBeGreaterThan(numRuns / 20);
  });

  it('is refused on one wafer only if no height and no widths would do', () => {
    const numRuns = count(30, 120);
    let refused = 0;
    fc.assert(
      fc.property(models, wafers, requests, (model, any, request) => {
        const wafer = { ...any, wafers: 1 };
        const fits = everySize(model, wafer, request.maxPositions, request.batch).length > 0;
        if (!fits) refused++;
        const placing = () => place(model, wafer, request);
        if (fits) expect(placing().wafers).toBe(1);
        else expect(placing).toThrow(CapacityError);
      }),
      { seed: 3, numRuns },
    );
    expect(refused).toBeGreaterThan(numRuns / 4);
    expect(refused).toBeLessThan((3 * numRuns) / 4);
  });

  it('of Llama-3.1-8B fills one WSE-3', () => {
    const some = ['snake', 'hilbert'];
    const others = Object.keys(STRATEGIES).filter((name) => !some.includes(name));
    for (const strategy of cases(some, others)) {
      const wafer = wse3();
      const placement = place(llama8b, wafer, asking({ strategy }));
      expect(checkPlacement(placement, llama8b, wafer, 4096)).toEqual([]);
      expect(placement).toMatchObject({ strategy, wafers: 1 });
      expect(placement.regions).toHaveLength(34);
      expect(cores(placement)).toBeGreaterThan(0.9 * wafer.width * wafer.height);
    }
  });

  it('keeps the next layer next to or below the last one when it snakes', () => {
    const { regions } = place(llama8b, wse3(), asking({ strategy: 'snake' }));
    regions.slice(1).forEach((r, i) => {
      const before = regions[i];
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
  it('minimal takes within 2 % of the fewest cores of any height and widths', () => {
    const numRuns = count(60, 120);
    let placed = 0;
    fc.assert(
      fc.property(models, wafers, requests, (model, any, request) => {
        const wafer = { ...any, wafers: 1 };
        const all = everySize(model, wafer, request.maxPositions, request.batch);
        if (all.length === 0) return;
        placed++;
        const fewest = Math.min(
          ...all.map((sizes) =>
            widthsOf(partsOf(model, kept(1)), sizes).reduce(
              (sum, width) => sum + sizes.rows * width,
              0,
            ),
          ),
        );
        const found = place(model, wafer, { ...request, growth: 'minimal' });
        expect(cores(found)).toBeLessThanOrEqual(1.02 * fewest);
        // Of those the one whose layers are the nearest to a square, as narrow as their height allows.
        const bent = ({ rows, columns }: Sizes) => Math.abs(Math.log(rows / columns['layer 0']));
        const widths = (sizes: Sizes) =>
          widthsOf(partsOf(model, kept(1)), sizes).reduce((a, b) => a + b);
        const narrowest = all.filter((of, i) => of.rows !== all[i - 1]?.rows);
        const near = narrowest.filter((of) => of.rows * widths(of) <= 1.02 * fewest);
        expect(bent(sizesOf(found))).toBeCloseTo(Math.min(...near.map(bent)), 12);
      }),
      { seed: 4, numRuns },
    );
    expect(placed).toBeGreaterThan(numRuns / 4);
  });

  it('fill is estimated faster than minimal, for which it has more cores', () => {
    const [fill, minimal] = (['fill', 'minimal'] as const).map((growth) =>
      place(llama8b, wse3(), asking({ growth })),
    );
    const cycles = (p: Placement) => tokenCycles(llama8b, wse3(), kept(4096), sizesOf(p));
    expect(cores(fill)).toBeGreaterThan(cores(minimal));
    expect(cycles(fill)).toBeLessThan(cycles(minimal));
  });

  it('fill does not spread a small model until its reductions cost more than they save', () => {
    const { regions } = place(tiny, wse3(), asking({ maxPositions: 100 }));
    expect(regions[1].width).toBeLessThan(100);
    expect(regions[1].height).toBeLessThan(100);
  });
});
