/** Models in formats of few bits: the wafer computes what the plain decoder does with the same codes and scales. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../src/engine/engines.js';
import { dimsOf } from '../src/lowering/stored.js';
import { layerMatrices, matrixBuffers } from '../src/mapping/matrices.js';
import { blocksTouched } from '../src/mapping/runs.js';
import { MAPPINGS } from '../src/mapping/mappings.js';
import { layerShape } from '../src/mapping/shapes.js';
import { streamRuns } from '../src/mapping/stream.js';
import { BITS, MXFP4, int4Of, type Formats, type WeightFormat } from '../src/model/formats.js';
import type { ModelSpec } from '../src/model/model.js';
import { operatorsOf } from '../src/model/operators.js';
import { bytesOf } from '../src/numeric/types.js';
import { place } from '../src/placement/place.js';
import { storedWeights, wafersByFormat } from '../src/placement/stored-weights.js';
import { denseModels, layerWith, modelOf, ropeWith } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';
import { cases, count, FULL } from './helpers/full.js';
import { asking, llama70b, wse3 } from './placement-helpers.js';
import { runOn } from './helpers/rectangle.js';

const fp8 = (outputs: number, inputs: number): WeightFormat => ({
  type: 'fp8',
  block: [outputs, inputs],
});
const uniform = (format: WeightFormat): Formats => ({
  ...{ experts: format, rest: format, tables: format },
});

/** Slices of these shapes begin and end within blocks. */
const SHAPES = [
  { rows: 3, columns: 7, groups: 2 },
  { rows: 5, columns: 4, groups: 1 },
];

const run = (model: ModelSpec, shape: (typeof SHAPES)[number], engine: EngineName = 'fast') =>
  runOn(model, { ...shape, context: 5, tokens: 2 }, { engine });

const dense = (changes: Partial<ModelSpec> = {}, attention = {}) =>
  modelOf(
    [layerWith({ headDim: 10, rope: ropeWith({ dim: 10, width: 10 }), ...attention }), layerWith()],
    { dim: 70, ...changes },
  );

const FORMATS: [string, WeightFormat][] = [
  ['MXFP4', MXFP4],
  ['int4 in groups of 32', int4Of(32)],
  ['int4 in groups of 6', int4Of(6)],
  ['int4 with a scale for each output', int4Of(2 ** 20)],
  ['FP8 in blocks of 128 x 128', fp8(128, 128)],
  ['FP8 in blocks of 3 x 5', fp8(3, 5)],
];

describe('a dense model', () => {
  it.each(FORMATS)('in %s has the logits of the plain decoder', async (name, format) => {
    const model = dense({ formats: uniform(format) });
    const isOfAKind = ['MXFP4', 'int4 in groups of 6', 'FP8 in blocks of 3 x 5'].includes(name);
    for (const shape of cases([SHAPES[0]], [SHAPES[1]])) {
      const { check, steps } = await run(model, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
      if (shape !== SHAPES[0] || !(FULL || isOfAKind)) continue;
      const reference = await run(model, shape, 'reference');
      expect(reference.steps).toEqual(steps);
      expect(reference.check).toEqual(check);
    }
    if (!(FULL || isOfAKind)) return;
    const narrow = { ...model, dtype: 'f16', weightBits: 16 } as const;
    expect((await run(narrow, SHAPES[0])).check).toMatchObject({ passed: true, choice: true });
  });

  it('has them with a tied table, biases, neighbours, and a part of a head that turns', async () => {
    const formats = uniform(fp8(3, 5));
    const models = [
      dense({ formats, tied: true }),
      dense({ formats }, { bias: true, outBias: true }),
      dense({ formats }, { rope: ropeWith({ dim: 10, width: 10, pairs: 'neighbours' }) }),
      dense({ formats: uniform(int4Of(4)) }, { rope: ropeWith({ dim: 4, width: 4 }) }),
      dense({ formats: { ...formats, rest: { type: 'i8' } } }),
    ];
    for (const [i, model] of models.entries())
      for (const shape of cases([SHAPES[i % 2]], [SHAPES[1 - (i % 2)]]))
        expect((await run(model, shape)).check).toMatchObject({ passed: true, choice: true });
  });

  it('of any layers has them in blocks of any size', async () => {
    const size = fc.integer({ min: 1, max: 9 });
    const format: fc.Arbitrary<WeightFormat> = fc.oneof(
      size.map((group) => int4Of(group)),
      fc.tuple(size, size).map(([outputs, inputs]) => fp8(outputs, inputs)),
    );
    const cut = fc.record({
      ...{ rows: fc.integer({ min: 1, max: 6 }), columns: fc.integer({ min: 1, max: 7 }) },
      groups: fc.constant(1),
    });
    await fc.assert(
      fc.asyncProperty(denseModels, format, cut, async (model, of, shape) => {
        const { check } = await run({ ...model, formats: uniform(of) }, shape);
        expect(check).toMatchObject({ passed: true, choice: true });
      }),
      { seed: 17, numRuns: count(3, 24) },
    );
  }, 120_000);
});

describe('experts', () => {
  const layers = [
    expertLayer({ inner: 37, bias: true }),
    expertLayer({ inner: 37, shared: { inner: 21, gate: true } }),
  ];
  const own: WeightFormat = { type: 'f32' };
  it.each(FORMATS)('in %s have the logits of the plain decoder', async (_, format) => {
    const choices = [uniform(format), { experts: format, rest: own, tables: own }];
    for (const [i, formats] of choices.entries()) {
      if (!FULL && i === 0) continue;
      const model = modelOf(layers, { dim: 70, formats });
      const { check, steps } = await run(model, SHAPES[i]);
      expect(check).toMatchObject({ passed: true, choice: true });
      if (i === 1) expect((await run(model, SHAPES[i], 'reference')).steps).toEqual(steps);
    }
  });
});

describe('blocks that have rows of their own', () => {
  // 64 inputs in two or four blocks, three rows to each: 11, 11 and 10 inputs, or 6, 6 and 4.
  const layers = [
    layerWith(),
    expertLayer({ inner: 37, bias: true, shared: { inner: 21, gate: true } }),
  ];
  it.each([
    ['int4', int4Of(32), { rows: 6, columns: 5, groups: 2 }],
    ['MXFP4', MXFP4, { rows: 6, columns: 3, groups: 1 }],
    ['FP8', fp8(16, 16), { rows: 12, columns: 4, groups: 2 }],
  ] as const)(
    'keep one scale for each output in %s, and compute the same',
    async (_, of, shape) => {
      const model = modelOf(layers, { dim: 64, formats: uniform(of) });
      for (const layer of layers) {
        const s = layerShape(model, layer, 8, shape.rows, shape.columns);
        const { qkv, o, gateUp, down } = layerMatrices(model, layer, s);
        expect([qkv.blocks.inputs, gateUp.blocks.inputs]).toEqual([1, 1]);
        if (of.type === 'fp8') expect([o.blocks.outputs, down.blocks.outputs]).toEqual([1, 1]);
      }
      const { check, steps } = await run(model, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
      expect((await run(model, shape, 'reference')).steps).toEqual(steps);
    },
  );

  it('share out all of the stream, each element to one row', () => {
    for (const [block, rows] of [
      [32, 6],
      [32, 18],
      [16, 12],
      [32, 34],
      [32, 5],
    ]) {
      const model = modelOf(layers, { dim: 64, formats: uniform(int4Of(block)) });
      const of = { rows, dims: Math.ceil(64 / rows) };
      const held = Array.from({ length: rows }, (_, row) => dimsOf(model, of, row));
      expect(held.flat().filter((dim) => dim >= 0)).toEqual(
        Array.from({ length: 64 }, (_, i) => i),
      );
      const touched = held.map((dims) => {
        return new Set(dims.filter((dim) => dim >= 0).map((dim) => Math.floor(dim / block))).size;
      });
      expect(blocksTouched(streamRuns(model, of), block)).toBe(Math.max(...touched));
    }
  });
});

describe('blocks', () => {
  it('that a slice is in are as many as its worst place has, over all places', () => {
    for (let block = 1; block <= 12; block++)
      for (let length = 1; length <= 20; length++) {
        const of = 400;
        const most = Array.from({ length: Math.floor(of / length) }, (_, i) => {
          const [first, last] = [i * length, (i + 1) * length - 1];
          return Math.floor(last / block) - Math.floor(first / block) + 1;
        });
        expect(blocksTouched({ length, of }, block)).toBe(Math.max(...most));
      }
  });

  it('take no index where all of a slice is in one, and one number for each input else', () => {
    const layer = layerWith();
    const named = (dim: number, rows: number) => {
      const model = modelOf([layer], { dim, dtype: 'f16', formats: uniform(MXFP4) });
      const { gateUp } = layerMatrices(model, layer, layerShape(model, layer, 8, rows, 2));
      return matrixBuffers(model, gateUp).map(({ name, type, length }) => [name, type, length]);
    };
    // 16 rows of 64 inputs: half a block each.
    expect(named(64, 4)).toEqual([
      ['wGateUp', 'mxfp4', 16 * 20],
      ['wGateUpScale', 'e8m0', 20],
    ]);
    expect(named(60, 4)).toEqual([
      ['wGateUp', 'mxfp4', 15 * 20],
      ['wGateUpScale', 'e8m0', 2 * 20],
      ['wGateUpInputBlock', 'i8', 15],
    ]);
  });
});

describe('memory', () => {
  it('of every core is within the budget, and matrices are never below their bits', () => {
    const wafer = wse3({ width: 60, height: 30 });
    for (const [, format] of FORMATS) {
      const model = dense({ dtype: 'f16', weightBits: 16, formats: uniform(format) });
      const asked = asking({ maxPositions: 9 });
      const placed = place(model, wafer, asked);
      const { published, stored, padding } = storedWeights(model, placed);
      const numbers = operatorsOf(model).reduce(
        (sum, o) => sum + (o.outputs > 1 ? o.count * o.copies * o.outputs * o.inputs : 0),
        0,
      );
      expect(published).toBeGreaterThanOrEqual((numbers * BITS[format.type]) / 8);
      expect(stored).toBeGreaterThanOrEqual(published);
      expect(padding).toBe(stored - published);
      for (const region of placed.regions) {
        const { width: columns, height: rows } = region;
        const cut = { model, rows, columns, positions: 9 };
        const buffers = MAPPINGS.gqa.buffers(region, cut);
        const bytes = buffers.reduce((sum, b) => sum + bytesOf(b.type, b.length), 0);
        expect(bytes).toBeLessThan(region.sramBytesPerCore);
        expect(region.sramBytesPerCore).toBeLessThanOrEqual(wafer.core.sramBytes);
      }
    }
  });

  it('in fewer bits takes as many wafers or fewer', () => {
    const found = wafersByFormat(llama70b, wse3({ wafers: 'auto' }), asking());
    const in16 = found[0].wafers!;
    const of = (name: number | string) => found.find(({ bits }) => bits.rest === name)!.wafers!;
    expect([of(16), of(8)]).toEqual([
      in16,
      place({ ...llama70b, weightBits: 8 }, wse3({ wafers: 'auto' }), asking()).wafers,
    ]);
    expect(of(8)).toBeLessThan(in16);
    expect(of('fp8')).toBeLessThanOrEqual(in16);
    expect(of('int4/32')).toBeLessThanOrEqual(of(8));
    expect(of('mxfp4')).toBeLessThanOrEqual(of('int4/32'));
  });
});
