/** Refusals of models that do not fit: every number in them is held against the placement itself. */
import { beforeAll, describe, expect, it } from 'vitest';
import { waferllmBuffers } from '../src/mapping/waferllm-shape.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { ModelSpec } from '../src/model/model.js';
import { bytesOf, regionBytes } from '../src/placement/budget.js';
import { wafersNeeded } from '../src/placement/capacity.js';
import { CapacityError, type SizedRequest } from '../src/placement/placement.js';
import { place } from '../src/placement/place.js';
import { FULL } from './helpers/full.js';
import { asking, llama70b, llama8b, tiny, wse3, LAYER } from './placement-helpers.js';
import { resized, sizesOf } from './helpers/small-model.js';

function refusal(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): string {
  try {
    place(model, wafer, request);
  } catch (error) {
    expect(error).toBeInstanceOf(CapacityError);
    const { message } = error as Error;
    expect(message).not.toMatch(/\n|NaN|undefined|Infinity/);
    return message;
  }
  throw new Error('was not refused');
}

function numberIn(message: string, pattern: RegExp): number {
  const found = pattern.exec(message);
  expect(found, message).not.toBeNull();
  return Number(found![1]);
}

/** A refusal, which looks for all that would fit, only in the full tests; else that more wafers are needed. */
function isRefused(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): void {
  if (FULL) refusal(model, wafer, request);
  else expect(wafersNeeded(model, wafer, request)).toBeGreaterThan(Number(wafer.wafers));
}

describe('a model too large for its wafers', () => {
  let of70b: string;
  beforeAll(() => {
    of70b = refusal(llama70b, wse3(), asking());
  });

  it('learns what it needs and what there is', () => {
    expect(of70b).toContain(
      'llama-3.1-70b needs 141.1 GB of weights in 16 bits + 1.3 GB of KV cache',
    );
    expect(of70b).toContain('there is 1 wafer of 870,000 cores x 28.8 KiB usable = 25.7 GB');
  });

  it('learns the fewest cores, which growth minimal keeps to within 2 %', () => {
    const cores = Number(/at least ([\d,]+) cores/.exec(of70b)![1].replaceAll(',', ''));
    const { regions } = place(llama70b, wse3({ wafers: 99 }), asking({ growth: 'minimal' }));
    const placed = regions.reduce((sum, r) => sum + r.width * r.height, 0);
    expect(placed).toBeGreaterThanOrEqual(cores);
    expect(placed).toBeLessThanOrEqual(1.02 * cores);
    expect(cores).toBeGreaterThan(141.1e9 / 49_152);
  });

  it.each([16, 8] as const)('learns how many wafers hold it in %i bits', (weightBits) => {
    const wafers = numberIn(
      of70b,
      weightBits === 16 ? /fit on (\d+) wafers/ : /model.weightBits=8 on (\d+) wafers/,
    );
    const model = { ...llama70b, weightBits };
    expect(place(model, wse3({ wafers }), asking()).wafers).toBe(wafers);
    expect(place(model, wse3({ wafers: 'auto' }), asking()).wafers).toBe(wafers);
    isRefused(model, wse3({ wafers: wafers - 1 }), asking());
  });

  it.each([1, 64])('learns the longest context that fits with a batch of %i', (batch) => {
    const request = asking({ maxPositions: 131_072, batch });
    const message = refusal(llama8b, wse3(), request);
    const context = numberIn(message, /a context of at most (\d+)/);
    expect(place(llama8b, wse3(), { ...request, maxPositions: context }).wafers).toBe(1);
    isRefused(llama8b, wse3(), { ...request, maxPositions: context + 1 });
  });

  it('learns the region that no number of wafers holds', () => {
    const wafer = wse3({ width: 1, height: 1, wafers: 'auto' });
    expect(refusal(llama8b, wafer, asking())).toMatch(
      /no number of such wafers holds it: one region \(head\) on all 1x1 cores needs [\d,]+ bytes/,
    );
  });

  /** What these sizes were refused with: looking for all that would fit takes long. */
  const known = new Map<string, string>();
  const refusedWith = (model: ModelSpec, sizes: Partial<SizedRequest>) => {
    const key = JSON.stringify([model.name, sizes]);
    const message = known.get(key) ?? refusal(model, wse3(), asking(sizes));
    known.set(key, message);
    return message;
  };

  it('learns that the sizes asked for are at fault, if they are', () => {
    for (const sizes of [{ rows: 1161 }, { rows: 10 }, { layerColumns: 9 }, { layerColumns: 751 }])
      expect(refusedWith(llama8b, sizes)).toContain('it would fit without the sizes asked for');
    expect(refusedWith(llama70b, { rows: 10 })).not.toContain('sizes asked for');
  });

  it('learns the nearest height on which it fits with all else as it is', () => {
    for (const sizes of [{ rows: 10 }, { rows: 1161 }, { rows: 300, layerColumns: 60 }]) {
      const rows = numberIn(refusedWith(llama8b, sizes), /with placement\.rows=(\d+)/);
      const asked = asking(sizes);
      expect(place(llama8b, wse3(), { ...asked, rows }).regions[0].height).toBe(rows);
      const towards = rows + Math.sign(sizes.rows - rows);
      isRefused(llama8b, wse3(), { ...asked, rows: towards });
    }
    expect(refusedWith(llama70b, { rows: 10 })).not.toContain('placement.rows');
  });

  it('learns of fewer KV replicas with which it fits', () => {
    const asked = asking({
      maxPositions: 40_001,
      growth: 'minimal',
      kvReplicas: 4,
      layers: 'auto',
    });
    const kvReplicas = numberIn(refusal(llama8b, wse3(), asked), /placement\.kvReplicas=(\d)/);
    expect(kvReplicas).toBeLessThan(4);
    expect(place(llama8b, wse3(), { ...asked, kvReplicas }).wafers).toBe(1);
    if (kvReplicas === 1) isRefused(llama8b, wse3(), { ...asked, kvReplicas: 2 });
  });

  it('is refused on a wafer of one core, and fits on one core per region', () => {
    const core = { width: 1, height: 1 };
    const request = asking({ maxPositions: 100 });
    expect(refusal(tiny, wse3(core), request)).toContain('it would fit on 4 wafers');
    expect(place(tiny, wse3({ ...core, wafers: 4 }), request).regions).toHaveLength(4);
  });

  it('is refused where the code alone fills a core', () => {
    const core = { ...wse3().core, sramBytes: 16 * 1024 };
    expect(refusal(tiny, wse3({ core }), asking())).toContain('0.0 KiB usable = 0 bytes');
  });
});

describe('mapping waferllm', () => {
  it('puts one layer on the largest square, or on the square asked for', () => {
    const largest = place(llama8b, wse3(), asking({ mapping: 'waferllm' })).regions;
    expect(largest).toHaveLength(1);
    expect(largest[0]).toMatchObject({ name: 'layer 0', width: 750, height: 750 });
    const asked = place(llama8b, wse3(), asking({ mapping: 'waferllm', rows: 420 })).regions[0];
    expect(asked).toMatchObject({ width: 420, height: 420 });
  });

  it.each([32, 160, 420, 750])(
    'counts on a side of %i cores the bytes that lowering lays out',
    (side) => {
      const wafer = wse3({ core: { ...wse3().core, sramBytes: 2 ** 20 } });
      const model = resized(llama8b, { headDim: 136 });
      const request = asking({ mapping: 'waferllm', rows: side });
      const found = place(model, wafer, request).regions[0].sramBytesPerCore;
      const { dim, ffn, heads, headDim, normEpsilon, dtype } = sizesOf(model);
      const options = { dim, ffn, heads, headDim, normEpsilon, dtype, exact: false };
      const buffers = waferllmBuffers({ ...options, context: 4096, P: side, groups: 1 });
      expect(found).toBe(bytesOf(buffers) + 5120 + 8000 + 4700 + 1800);
    },
  );

  it('is refused on too small or too large a square, and learns which would do', () => {
    const request = asking({ mapping: 'waferllm', rows: 50 });
    const message = refusal(llama8b, wse3(), request);
    const side = numberIn(message, /it would fit on (\d+)x/);
    expect(place(llama8b, wse3(), { ...request, rows: side }).regions[0].width).toBe(side);
    const bytes = regionBytes(LAYER, llama8b, wse3(), request, side - 1, side - 1);
    expect(bytes).toBeGreaterThan(49_152);
    expect(refusal(llama8b, wse3(), { ...request, rows: 751 })).toContain(
      'does not fit the 750x1160 of the wafer',
    );
  });

  it('learns the longest context of the square', () => {
    const request = asking({ mapping: 'waferllm', rows: 200, maxPositions: 131_072 });
    const context = numberIn(refusal(llama8b, wse3(), request), /longest context is (\d+)/);
    expect(place(llama8b, wse3(), { ...request, maxPositions: context }).wafers).toBe(1);
    refusal(llama8b, wse3(), { ...request, maxPositions: context + 1 });
  });

  it('has no layer columns of its own', () => {
    const request = asking({ mapping: 'waferllm', layerColumns: 3 });
    expect(() => place(llama8b, wse3(), request)).toThrow('give placement.rows');
  });
});
