/** One or two regions a layer: which form is chosen, of which sizes, and what is refused with which advice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { keyOfPart, type LayerForm } from '../src/mapping/mapping.js';
import { gqa } from '../src/mapping/gqa.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { ModelSpec } from '../src/model/model.js';
import { wafersNeeded } from '../src/placement/capacity.js';
import { triedHeights } from '../src/placement/heights.js';
import { cut } from '../src/placement/pack.js';
import { place } from '../src/placement/place.js';
import { CapacityError, partKindsOf, partsOf, widthsOf } from '../src/placement/placement.js';
import type { Placement, SizedRequest, Sizes } from '../src/placement/placement.js';
import { leastSizes } from '../src/placement/sizes.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { count } from './helpers/full.js';
import { checkPlacement } from './helpers/legal-placement.js';
import {
  asking,
  kept,
  llama70b,
  llama8b,
  models,
  requests,
  wafers,
  wse3,
  tokenCycles,
} from './placement-helpers.js';

/** The placement, undefined if it does not fit. */
function placed(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): Placement | undefined {
  try {
    return place(model, wafer, request);
  } catch (error) {
    if (error instanceof CapacityError) return undefined;
    throw error;
  }
}

function sizesOf({ regions }: Placement): Sizes {
  const columns = Object.fromEntries(regions.map((r) => [keyOfPart(r), r.width]));
  return { rows: regions[0].height, columns };
}

describe('auto', () => {
  it('takes the form of the fewest wafers, then that of the fewest estimated cycles', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(models, wafers, requests, (model, wafer, request) => {
        const [whole, split, auto] = (['whole', 'split', 'auto'] as const).map((layers) =>
          placed(model, wafer, { ...request, layers }),
        );
        const both = [whole, split].filter((of) => of !== undefined);
        expect(auto === undefined).toBe(both.length === 0);
        if (auto === undefined) return;
        const cost = (of: Placement) =>
          [of.wafers, tokenCycles(model, wafer, request, sizesOf(of))] as const;
        const [needed, cycles] = cost(auto);
        const fewest = Math.min(...both.map((of) => of.wafers));
        expect(needed).toBe(fewest);
        const others = both.filter((of) => of.wafers === fewest).map((of) => cost(of)[1]);
        expect(cycles).toBe(Math.min(...others));
        expect(auto).toEqual(auto.layers === 'split' ? split : whole);
        seen.add(`${auto.layers} of ${both.length}`);
      }),
      { seed: 21, numRuns: count(40, 100) },
    );
    // Each form where both fit, and split layers where whole ones do not.
    expect([...seen]).toEqual(expect.arrayContaining(['whole of 2', 'split of 2', 'split of 1']));
  }, 240_000);

  it('splits the layers of the 70B model onto 6 wafers, and leaves those of the 8B model whole', () => {
    const on = (model: ModelSpec, layers: LayerForm | 'auto') => {
      const { wafers, layers: form } = place(
        model,
        wse3({ wafers: 'auto' }),
        asking({ layers, maxPositions: 4097 }),
      );
      return [wafers, form];
    };
    expect(on(llama70b, 'whole')).toEqual([7, 'whole']);
    expect(on(llama70b, 'split')).toEqual([6, 'split']);
    expect(on(llama70b, 'auto')).toEqual([6, 'split']);
    expect(on(llama8b, 'auto')).toEqual([1, 'whole']);
  });

  it('takes the form that the sizes asked for speak of', () => {
    const form = (layerColumns: SizedRequest['layerColumns']) =>
      place(llama8b, wse3({ wafers: 9 }), asking({ layers: 'auto', layerColumns })).layers;
    expect(form(300)).toBe('whole');
    expect(form(llama8b.layers.map(() => 300))).toBe('whole');
    expect(form({ attention: 64, mlp: 200 })).toBe('split');
  });
});

describe('the parts of split layers', () => {
  const windowed = layerWith({ span: { kind: 'window', size: 4 } });
  const wide = { kind: 'dense', inner: 40, act: { fn: 'silu' }, bias: false } as const;
  const model = modelOf([
    ...[layerWith(), windowed, layerWith({}, { mlp: wide })],
    ...[layerWith({}, { norms: 'sandwich' }), windowed],
  ]);

  it('are of one kind where they are alike', () => {
    const parts = partsOf(model, { mapping: 'gqa', layers: 'split' });
    expect(parts.map(keyOfPart)).toEqual([
      'embedding',
      ...['attention 0', 'mlp 0', 'attention 1', 'mlp 0', 'attention 0', 'mlp 2'],
      ...['attention 3', 'mlp 3', 'attention 1', 'mlp 0', 'head'],
    ]);
    expect(parts.map(({ name }) => name).slice(1, 4)).toEqual([
      ...['layer 0 attention', 'layer 0 mlp', 'layer 1 attention'],
    ]);
    expect(partKindsOf(parts).length).toBe(8);
  });

  it('keep together what a whole layer keeps, each only its own', () => {
    for (const [layerKind, { norms }] of model.kinds.entries()) {
      const names = (kind: 'layer' | 'attention' | 'mlp') =>
        gqa
          .buffers({ kind, layerKind }, { model, rows: 4, columns: 5, positions: 9 })
          .map(({ name }) => name);
      const [attention, mlp] = [names('attention'), names('mlp')];
      expect(new Set([...attention, ...mlp])).toEqual(new Set(names('layer')));
      const both = attention.filter((name) => mlp.includes(name));
      expect(both).toEqual(['x', 'normed', ...(norms === 'sandwich' ? ['square'] : [])]);
      expect(attention.slice(0, 2)).toEqual(['x', 'normed']);
      expect(mlp.slice(0, 2)).toEqual(['x', 'normed']);
    }
  });

  it('receive the stream, and the MLP what the norm before it made of it', () => {
    const words = (kind: 'attention' | 'mlp', layerKind: number, of = model) =>
      gqa.received({ kind, layerKind }, { model: of, rows: 4 }).words;
    expect([words('attention', 0), words('mlp', 0), words('mlp', 3)]).toEqual([6, 12, 12]);
    expect(words('mlp', 0, modelOf([layerWith({}, { norms: 'post' })]))).toBe(6);
  });
});

describe('split layers', () => {
  it('are placed legally, with every strategy and growth', () => {
    let fit = 0;
    fc.assert(
      fc.property(models, wafers, requests, (model, wafer, request) => {
        const found = placed(model, wafer, { ...request, layers: 'split' });
        if (found === undefined) return;
        fit++;
        expect(checkPlacement(found, model, wafer, request.maxPositions)).toEqual([]);
      }),
      { seed: 22, numRuns: count(40, 120) },
    );
    expect(fit).toBeGreaterThan(count(15, 40));
  }, 240_000);

  it('fill the wafer with the height and the two widths that are estimated best', () => {
    let tried = 0;
    const small = fc
      .record({ width: fc.integer({ min: 6, max: 26 }), height: fc.integer({ min: 3, max: 24 }) })
      .map((size) => wse3(size));
    fc.assert(
      fc.property(models, small, fc.integer({ min: 1, max: 200 }), (model, wafer, positions) => {
        const request = asking({ layers: 'split', maxPositions: positions });
        const best = bestSplit(model, wafer, request);
        if (best === Infinity) return;
        tried++;
        const found = sizesOf(place(model, wafer, request));
        expect(tokenCycles(model, wafer, request, found)).toBeLessThanOrEqual(best * (1 + 1e-12));
      }),
      { seed: 23, numRuns: count(25, 60) },
    );
    expect(tried).toBeGreaterThan(count(8, 20));
  }, 240_000);

  it('have the widths that are asked for', () => {
    const asked = (layerColumns: SizedRequest['layerColumns']) =>
      place(llama8b, wse3({ wafers: 9 }), asking({ layers: 'split', layerColumns }))
        .regions.slice(1, 5)
        .map(({ width }) => width);
    expect(asked({ attention: 64, mlp: 200 })).toEqual([64, 200, 64, 200]);
    expect(asked(190)).toEqual([190, 190, 190, 190]);
    expect(asked(llama8b.layers.map((_, i) => 200 + i))).toEqual([200, 200, 201, 201]);
  });
});

/** The fewest estimated cycles of all heights of shelves and pairs of widths that fit, tables as narrow as they can be. */
function bestSplit(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): number {
  const formed = { ...request, layers: 'split' as const, latent: undefined };
  const parts = partsOf(model, formed);
  let best = Infinity;
  for (const { rows, columns } of leastSizes(model, wafer, formed, triedHeights(model, wafer)))
    for (let attention = columns['attention 0']; attention <= wafer.width; attention++)
      for (let mlp = columns['mlp 0']; mlp <= wafer.width; mlp++) {
        const sizes = { rows, columns: { ...columns, 'attention 0': attention, 'mlp 0': mlp } };
        if (cut(widthsOf(parts, sizes), rows, wafer, 1) === undefined) break;
        best = Math.min(best, tokenCycles(model, wafer, request, sizes));
      }
  return best;
}

describe('a refusal', () => {
  it('names split layers where they need fewer wafers, and whole ones where those do', () => {
    const request = asking({ maxPositions: 4097 });
    const wafer = wse3({ wafers: 5 });
    expect(() => place(llama70b, wafer, request)).toThrow(
      /it would fit on 7 wafers, .*or with placement\.layers=split on 6 wafers$/,
    );
    expect(() => place(llama70b, wafer, { ...request, layers: 'auto' })).toThrow(
      /there are 5 wafers of 870,000 cores x 30\.6 KiB usable = .*; it would fit on 6 wafers/,
    );
    // Two regions of a layer that is smaller than a core are one too many.
    const tight = wse3({ width: 4, height: 1 });
    const model = modelOf([layerWith(), layerWith()]);
    expect(() => place(model, tight, asking({ layers: 'split', maxPositions: 5 }))).toThrow(
      /or with placement\.layers=whole on 1 wafer$/,
    );
    expect(wafersNeeded(model, tight, asking({ layers: 'auto', maxPositions: 5 }))).toBe(1);
  });

  it.each([
    [
      ['placement.layers=halved'],
      'placement.layers: expected whole or split or auto, found "halved"',
    ],
    [
      ['mapping=waferllm', 'placement.layers=split'],
      'placement.layers: expected whole or auto with mapping: waferllm, found split',
    ],
    [
      ['layers=whole', 'layerColumns.attention=5', 'layerColumns.mlp=6'].map(
        (set) => `placement.${set}`,
      ),
      'placement.layerColumns: expected one width with layers: whole, found a mapping',
    ],
    [
      ['placement.layerColumns.attention=5'],
      'placement.layerColumns.mlp: expected an integer, at least 1',
    ],
    [
      ['placement.layerColumns.attention=0', 'placement.layerColumns.mlp=6'],
      'placement.layerColumns.attention: expected an integer, at least 1',
    ],
  ])('is one line on %j', (sets, message) => {
    expect(() => loadConfig('configs/tiny.yaml', sets)).toThrow(message);
  });

  it('leaves no doubt that waferllm has one region', () => {
    const config = loadConfig('configs/wse2-waferllm.yaml');
    expect(config.placement.layers).toBe('auto');
    expect(
      place(config.model, config.wafer, {
        ...asking(),
        ...kept(9),
        mapping: 'waferllm',
        layers: 'auto',
      }).layers,
    ).toBe('whole');
  });
});
