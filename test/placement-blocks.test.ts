/** Regions of models whose weights come in blocks: heights that cut blocks evenly, and widths that truly fit. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { Formats } from '../src/model/formats.js';
import { int4Of } from '../src/model/formats.js';
import type { ModelSpec } from '../src/model/model.js';
import { holds, leastColumns, regionBytes } from '../src/placement/budget.js';
import { everyHeight, triedHeights } from '../src/placement/heights.js';
import { place } from '../src/placement/place.js';
import { keyOfPart } from '../src/mapping/mapping.js';
import { blocksTouched } from '../src/mapping/runs.js';
import { streamRuns } from '../src/mapping/stream.js';
import { layerSizes } from '../src/placement/sizes.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';
import { asking, llama8b, wse3 } from './placement-helpers.js';

const int4: Formats = { experts: int4Of(), rest: int4Of(), tables: int4Of() };
const loaded = (name: string, ...sets: string[]) =>
  loadConfig('configs/wse3.yaml', [`model=../models/${name}.json`, ...sets]).model;

describe('the heights that are tried', () => {
  const tallest = (height: number) => [
    ...new Set(everyHeight({ height }).map((shelves) => Math.floor(height / shelves))),
  ];

  it('are the tallest of each number of shelves, where weights have no blocks', () => {
    for (const height of [1, 7, 100, 1160])
      expect(triedHeights(llama8b, { height })).toEqual(tallest(height));
  });

  it('are those too whose rows keep to one block, or to whole ones', () => {
    for (const [name, sets, even] of [
      ['gpt-oss-120b', [], [360, 180, 90, 45]],
      ['llama-4-maverick', ['model.weightBits=4'], [640, 480, 320, 160, 80]],
      ['qwen3-235b-a22b', ['model.weightBits=4'], [1024, 512, 256, 128]],
    ] as const) {
      const model = loaded(name, ...sets);
      const heights = triedHeights(model, { height: 1160 });
      expect(heights).toEqual(expect.arrayContaining([...even, ...tallest(1160)]));
      for (const rows of heights.filter((of) => !tallest(1160).includes(of))) {
        const dims = Math.ceil(model.dim / rows);
        expect(dims % 32 === 0 || blocksTouched(streamRuns(model, { rows, dims }), 32) === 1).toBe(
          true,
        );
      }
      expect(heights).toEqual([...new Set(heights)].sort((a, b) => b - a));
    }
  });

  it('are taken where they are estimated faster', () => {
    // 256 rows of 16 inputs are fewer than two shelves have, and hold experts on the fewest wafers.
    const model = loaded('qwen3-235b-a22b', 'model.weightBits=4');
    const request = asking({ layers: 'split', maxPositions: 4097, kvReplicas: 'auto' });
    const { regions, wafers } = place(model, wse3({ wafers: 'auto' }), request);
    expect([wafers, regions[0].height]).toEqual([8, 256]);
  });
});

/** A layer whose experts' slices lie in one block or in two, so that more columns may need more memory. */
const uneven: ModelSpec = modelOf(
  [expertLayer({ count: 40, topK: 2, inner: 96 }), layerWith({}, { mlp: layerWith().mlp })],
  { dim: 64, dtype: 'f16', weightBits: 4, formats: int4 },
);
const part = { kind: 'mlp', layerKind: 0 } as const;
const { latent: _, ...asked } = asking({ maxPositions: 9 });
const formed = { ...asked, layers: 'split' as const };
const bytesAt = (rows: number, columns: number) =>
  regionBytes(part, uneven, wse3(), formed, rows, columns);
const withSram = (sramBytes: number, size = { width: 120, height: 12 }) => {
  const wafer = wse3(size);
  return { ...wafer, core: { ...wafer.core, sramBytes } };
};

describe('the widths of regions', () => {
  const rows = 4;
  // Where memory rises: the columns before fit what those after do not.
  const rising = everyHeight({ height: 60 }).filter(
    (columns) => bytesAt(rows, columns) < bytesAt(rows, columns + 1),
  );

  it('are the least that fit, where memory rises with columns', () => {
    expect(rising.length).toBeGreaterThan(0);
    for (const columns of rising) {
      const wafer = withSram(bytesAt(rows, columns));
      const least = leastColumns(part, uneven, wafer, formed, rows)!;
      const fitting = everyHeight({ height: 120 }).filter(
        (at) => bytesAt(rows, at) <= wafer.core.sramBytes,
      );
      expect(least).toBe(fitting[0]);
      expect(fitting).not.toContain(columns + 1);
    }
  });

  it('are none that cores do not hold, chosen or asked for', () => {
    for (const columns of rising) {
      const wafer = withSram(bytesAt(rows, columns));
      for (const sizes of layerSizes(uneven, wafer, { ...formed, rows }, 1).flat())
        for (const [key, width] of Object.entries(sizes.columns)) {
          if (key !== keyOfPart(part)) continue;
          expect(holds(part, uneven, wafer, formed, sizes.rows, width)).toBe(true);
        }
      const asked = (mlp: number) =>
        place(uneven, wafer, { ...formed, rows, layerColumns: { attention: 8, mlp } });
      expect(() => asked(columns + 1)).toThrow(/does not fit|would fit/);
      for (const { sramBytesPerCore } of place(uneven, wafer, { ...formed, rows }).regions)
        expect(sramBytesPerCore).toBeLessThanOrEqual(wafer.core.sramBytes);
    }
  });
});
