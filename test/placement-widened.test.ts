/** What the search for widths leaves out by a bound is not what it looks for. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { keyOfPart } from '../src/mapping/mapping.js';
import type { ModelSpec } from '../src/model/model.js';
import { leastColumns } from '../src/placement/budget.js';
import { estimator } from '../src/placement/estimate.js';
import { cut } from '../src/placement/pack.js';
import {
  partKindsOf,
  partsOf,
  widthsOf,
  type Formed,
  type Sizes,
} from '../src/placement/placement.js';
import { everyHeight, triedHeights } from '../src/placement/heights.js';
import { chooseSizes, leastSizes } from '../src/placement/sizes.js';
import { KINDS, modelOf } from './helpers/all-kinds.js';
import { deltaModels } from './helpers/delta-models.js';
import { expertLayer, expertModels } from './helpers/expert-models.js';
import { count } from './helpers/full.js';
import { asking, kept, models, wafers, wse3 } from './placement-helpers.js';

const forms = fc.constantFrom('whole' as const, 'split' as const);
const replicas = fc.constantFrom<(number | 'auto')[]>(1, 'auto');

it('no width of a range takes fewer cycles than the bound of the range', () => {
  const range = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 2 });
  const rows = fc.integer({ min: 1, max: 40 });
  const check = (model: ModelSpec, ...[layers, kvReplicas, rows, widths]: Asked) => {
    const asked = { ...kept(500), layers, kvReplicas, strips: 'auto' as const };
    const { partsAtLeast } = estimator(model, wse3(), asked);
    const [from, to] = widths.toSorted((a, b) => a - b);
    for (const key of partKindsOf(partsOf(model, asked)).map(keyOfPart)) {
      const bound = partsAtLeast(key, rows, from, to);
      for (let width = from; width <= to; width++)
        expect(bound).toBeLessThanOrEqual(partsAtLeast(key, rows, width, width));
    }
  };
  // A router of many experts has more columns where there are more.
  const kinds = [...Object.values(KINDS), expertLayer({ count: 128 })].map((layer) =>
    modelOf([layer]),
  );
  type Asked = ['whole' | 'split', number | 'auto', number, number[]];
  for (const of of [models, deltaModels, expertModels, fc.constantFrom(...kinds)])
    fc.assert(fc.property(of, forms, replicas, rows, range, check), {
      seed: 1,
      numRuns: count(15, 100),
    });
});

/** Of all heights and widths of layers that fit, with the least tables. */
function fastestOfAll(model: ModelSpec, wafer: ReturnType<typeof wse3>, asked: Formed) {
  const parts = partsOf(model, asked);
  const { token } = estimator(model, wafer, asked);
  const knobs = ['layer 0', 'attention 0', 'mlp 0'].filter((key) =>
    parts.some((part) => keyOfPart(part) === key),
  );
  const fits = (sizes: Sizes) =>
    cut(widthsOf(parts, sizes), sizes.rows, wafer, wafer.wafers as number) !== undefined;
  let fewest = Infinity;
  for (const least of leastSizes(model, wafer, asked, triedHeights(model, wafer))) {
    const wider = knobs.reduce(
      (all, key) =>
        all.flatMap((sizes) => {
          const { columns, rows } = sizes;
          return Array.from({ length: wafer.width - columns[key] + 1 }, (_, i): Sizes => {
            return { rows, columns: { ...columns, [key]: columns[key] + i } };
          });
        }),
      [least],
    );
    for (const sizes of wider) if (fits(sizes)) fewest = Math.min(fewest, token(sizes));
  }
  return fewest;
}

it('finds the sizes that trying all of them finds', () => {
  const small = wafers.map((wafer) => ({ ...wafer, width: Math.min(wafer.width, 30) }));
  fc.assert(
    fc.property(models, small, forms, replicas, (model, any, layers, kvReplicas) => {
      const wafer = { ...any, wafers: any.wafers === 'auto' ? 1 : any.wafers };
      const asked: Formed = {
        ...asking({ maxPositions: 300 }),
        kvReplicas,
        layers,
        latent: undefined,
      };
      const fewest = fastestOfAll(model, wafer, asked);
      const chosen = chooseSizes(model, wafer, asked, wafer.wafers);
      if (fewest === Infinity) return;
      const { token } = estimator(model, wafer, asked);
      const { rows, columns } = chosen!.sizes;
      const tables = leastSizes(model, wafer, asked, [rows])[0].columns;
      const layersOf = Object.entries(columns).filter(([key]) => key.includes(' '));
      const sizes = { rows, columns: { ...tables, ...Object.fromEntries(layersOf) } };
      expect(token(sizes)).toBe(fewest);
      expect(token(chosen!.sizes)).toBeLessThanOrEqual(fewest);
    }),
    { seed: 2, numRuns: count(25, 150) },
  );
});

it('finds the least columns from any guess', () => {
  const guess = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(models, wafers, guess, (model, wafer, share) => {
      for (const kind of partKindsOf(partsOf(model, kept(1))))
        for (const rows of everyHeight(wafer).slice(-3)) {
          const least = (guess?: number) =>
            leastColumns(kind, model, wafer, kept(800), rows, guess);
          expect(least(1 + Math.floor(share * (wafer.width - 1)))).toBe(least());
        }
    }),
    { seed: 3, numRuns: count(60, 300) },
  );
});

it('finds for split layers of 8B what trying all widths of both at all heights found', () => {
  const { model, wafer } = loadConfig('configs/wse3.yaml');
  const asked: Formed = { ...asking(), kvReplicas: 'auto', layers: 'split', latent: undefined };
  const columns = { embedding: 472, 'attention 0': 160, 'mlp 0': 214, head: 729 };
  expect(chooseSizes(model, wafer, asked, 1)!.sizes).toEqual({ rows: 64, columns });
});
