/** Wafers, models and requests for the placement's tests. */
import fc from 'fast-check';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { ModelSpec } from '../src/model/model.js';
import type { Kept } from '../src/placement/budget.js';
import { estimator } from '../src/placement/estimate.js';
import { STRATEGIES } from '../src/placement/pack.js';
import type { SizedRequest, Sizes } from '../src/placement/placement.js';
import { denseModel, resized } from './helpers/small-model.js';

/** What a core has to keep of the caches, in the default mapping. */
export function kept(maxPositions: number, batch = 1) {
  return { mapping: 'gqa', maxPositions, batch } as const;
}

const same = (value: number) => ({ f16: value, f32: value });

/** The usable part of a WSE-3 with the code sizes of the machine model. */
export function wse3(changes: Partial<WaferSpec> = {}): WaferSpec {
  const rates = { f16: 4, f32: 1 };
  return {
    name: 'WSE-3',
    width: 750,
    height: 1160,
    clockHz: 1e9,
    wafers: 1,
    powerWatts: 23_000,
    io: { bitsPerSecond: 1.2e12, latencySeconds: 5e-6 },
    fabric: { colors: 24, hopCycles: 1, rampCycles: 2, queueDepth: 4 },
    core: {
      sramBytes: 49_152,
      codeBytes: {
        stack: 5120,
        runtime: 8000,
        attention: 4700,
        mlp: 1800,
        router: 600,
        experts: 300,
        embedding: 1000,
        head: 1500,
      },
    },
    costs: {
      programStart: 35,
      routeChange: 5,
      setup: { f16: 8, f32: 21 },
      issue: same(1),
      latency: { f16: 15, f32: 1 },
      task: 31,
      libraryCall: 550,
      elementsPerCycle: {
        move: rates,
        add: rates,
        sub: rates,
        mul: rates,
        max: rates,
        min: rates,
        fma: rates,
        dot: { f16: 2, f32: 1 },
        rank: { f32: 1 },
      },
      matmul: {
        instruction: { f16: 0, f32: 0 },
        granularity: { f16: 1, f32: 1 },
        loop: 0,
        clear: { f16: 0, f32: 0 },
      },
      transfer: { setup: 0, end: 0 },
      matvec: {
        call: 15,
        row: { f16: 4.84, f32: 1 },
        widenPerCycle: { i8: 4, fp8: 1, mxfp4: 1, int4: 1 },
      },
      scalar: {
        exp: 40,
        silu: 60,
        rsqrt: 60,
        reciprocal: 50,
        sigmoid: 60,
        tanh: 60,
        gelu: 70,
        softplus: 70,
        step: 10,
      },
      vectorForm: {
        exp: 10,
        silu: 13,
        rsqrt: 8,
        reciprocal: 5,
        sigmoid: 12,
        tanh: 14,
        gelu: 16,
        softplus: 22,
      },
    },
    ...changes,
  };
}

/** Llama-3.1-8B in 16 bits, as published. */
export const llama8b = denseModel({
  name: 'llama-3.1-8b',
  family: 'llama',
  dim: 4096,
  layers: 32,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  ffn: 14_336,
  vocab: 128_256,
  ropeTheta: 500_000,
  normEpsilon: 1e-5,
  tied: false,
  qkNorm: false,
  maxContext: 131_072,
  dtype: 'f16',
  weightBits: 16,
});

/** Llama-3.1-70B in 16 bits, as published. */
export const llama70b = resized(llama8b, {
  name: 'llama-3.1-70b',
  dim: 8192,
  layers: 80,
  heads: 64,
  ffn: 28_672,
});

/** A model of two layers that fits a core or two. */
export const tiny = resized(llama8b, {
  name: 'tiny',
  dim: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ffn: 64,
  vocab: 96,
});

export function asking(changes: Partial<SizedRequest> = {}): SizedRequest {
  return {
    strategy: 'row-major',
    growth: 'fill',
    mapping: 'gqa',
    maxPositions: 4096,
    batch: 1,
    ...changes,
  };
}

/** Small models of all kinds, most of them uneven on any rectangle. */
export const models: fc.Arbitrary<ModelSpec> = fc
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
  .map(({ share, pairs, narrow, ...m }) =>
    resized(tiny, {
      ...m,
      heads: m.kvHeads * share,
      headDim: 2 * pairs,
      weightBits: narrow ? 8 : m.dtype === 'f16' ? 16 : 32,
    }),
  );

/** The layers of these models, which are all alike. */
export const LAYER = { kind: 'layer', layerKind: 0 } as const;

/** Small wafers, alone and several. */
export const wafers: fc.Arbitrary<WaferSpec> = fc
  .record({
    width: fc.integer({ min: 1, max: 60 }),
    height: fc.integer({ min: 1, max: 60 }),
    wafers: fc.constantFrom(1, 2, 5, 'auto' as const),
    sramKiB: fc.integer({ min: 24, max: 64 }),
  })
  .map(({ sramKiB, ...w }) => wse3({ ...w, core: { ...wse3().core, sramBytes: sramKiB * 1024 } }));

/** Strategies that search little, for tests with many cases. */
export const QUICK = Object.keys(STRATEGIES).filter((s) => s !== 'anneal' && s !== 'optimal');

/** What a run may ask of them, sizes left to the placement. */
export const requests = fc
  .record({
    strategy: fc.constantFrom(...QUICK),
    growth: fc.constantFrom('fill' as const, 'minimal' as const),
    maxPositions: fc.integer({ min: 1, max: 2000 }),
    batch: fc.integer({ min: 1, max: 3 }),
  })
  .map((r) => asking(r));

/** Estimated cycles of one token of one user, its context being `asked.maxPositions` tokens long. */
export function tokenCycles(model: ModelSpec, wafer: WaferSpec, asked: Kept, sizes: Sizes): number {
  const isSplit = Object.keys(sizes.columns).some((key) => key.startsWith('attention '));
  const layers = isSplit ? 'split' : 'whole';
  return estimator(model, wafer, { ...asked, layers }).token(sizes);
}
