/** Mixtures of experts: the wafer computes what the plain decoder does, whatever their routers do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { EngineName } from '../src/engine/engines.js';
import type { RouterSpec } from '../src/model/mlp-spec.js';
import type { ExpertsWeights, Weights } from '../src/model/model-weights.js';
import type { ModelSpec } from '../src/model/model.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { simulate } from '../src/studies/run/run.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer, expertModels } from './helpers/expert-models.js';
import { count } from './helpers/full.js';
import { logitsOf } from './helpers/wafer-tokens.js';

const host = { shards: 1, memo: true, now: () => 0, rss: () => 0 };

interface Shape {
  rows: number;
  columns: number;
  groups: number;
  context: number;
  tokens: number;
  layers?: 'whole' | 'split';
}

/** Runs a model on regions of that shape, its logits and experts held against the plain decoder's. */
async function run(
  model: ModelSpec,
  shape: Shape,
  engine: EngineName = 'fast',
  data = true,
  seed = 1,
) {
  const { rows, columns: layerColumns, groups, context, tokens, layers = 'whole' } = shape;
  const config = loadConfig('configs/tiny.yaml', [
    'hardware.width=200',
    'hardware.core.sram=1 MiB',
  ]);
  const workload = { ...config.workload, context, tokens, data, seed };
  const sizes = { growth: 'minimal' as const, rows, layerColumns, groups, layers };
  const placement = { ...config.placement, ...sizes };
  return simulate({ ...config, model, workload, placement }, { ...host, engine });
}

const shapes = fc.record({
  ...{ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 9 }) },
  groups: fc.integer({ min: 1, max: 3 }),
  ...{ context: fc.integer({ min: 0, max: 5 }), tokens: fc.integer({ min: 1, max: 3 }) },
  layers: fc.constantFrom('whole', 'split'),
});

describe('models with any experts', () => {
  it('have the logits of the plain decoder on any rectangle, and the same times on both engines', async () => {
    await fc.assert(
      fc.asyncProperty(expertModels, shapes, async (model, shape) => {
        const [fast, slow] = [await run(model, shape), await run(model, shape, 'reference')];
        expect(fast.check).toMatchObject({ passed: true, choice: true });
        expect(fast.check!.expertsAgree!.of).toBeGreaterThan(0);
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.check).toEqual(slow.check);
      }),
      { seed: 17, numRuns: count(12, 60) },
    );
  }, 240_000);
});

const only = (changes: Parameters<typeof expertLayer>[0]) =>
  modelOf([expertLayer(changes), layerWith(), expertLayer({ ...changes, inner: 7 })]);
const router = (of: Partial<RouterSpec>) => only({ count: 9, topK: 3, router: of });
const sigmoid = { score: 'sigmoid', bias: 'choice' } as const;

/** One thing each that routers and experts may have. */
const EACH: [string, ModelSpec][] = [
  ['shares of the chosen', router({})],
  ['shares of all', router({ renormalise: false })],
  ['a softmax of the chosen and a bias', router({ score: 'softmax-of-top', bias: 'logit' })],
  ['sigmoids', router({ score: 'sigmoid', renormalise: false, scale: 2.5 })],
  [
    'sigmoids that scale the input',
    router({ score: 'sigmoid', renormalise: false, scalesInput: true }),
  ],
  ['corrected sigmoids', router({ ...sigmoid, scale: 1.5 })],
  ['corrected sigmoids in groups', router({ ...sigmoid, groups: { count: 3, keep: 2 } })],
  ['logits in groups', router({ score: 'softmax-of-top', groups: { count: 3, keep: 1 } })],
  ['a router with an input of its own', router({ ownNorm: true })],
  ['a factor for each expert', router({ perExpertScale: true })],
  ['all experts chosen', only({ count: 4, topK: 4 })],
  ['a shared expert', only({ shared: { inner: 5, gate: false } })],
  ['a shared expert with a gate', only({ shared: { inner: 5, gate: true } })],
  ['biases', only({ bias: true })],
  ['biases of experts that scale their input', only({ bias: true, router: { scalesInput: true } })],
  ['a clamped activation', only({ act: { fn: 'silu', clamp: 0.6, alpha: 1.7, plusOne: true } })],
  ['a GELU', only({ act: { fn: 'gelu-tanh' } })],
];

describe('experts with', () => {
  it.each(EACH)('%s', async (_, model) => {
    for (const shape of [
      { rows: 3, columns: 7, groups: 2, context: 2, tokens: 3 },
      // More rows than experts, and one column.
      { rows: 11, columns: 1, groups: 1, context: 2, tokens: 2, layers: 'split' as const },
    ]) {
      const { check } = await run(model, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
      const { agree, of } = check!.expertsAgree!;
      expect([agree, of]).toEqual([of, 2 * shape.tokens]);
    }
    const shape = { rows: 2, columns: 3, groups: 1, context: 1, tokens: 2 };
    for (const type of [{ weightBits: 8 }, { dtype: 'f16', weightBits: 16 }] as const)
      expect((await run({ ...model, ...type }, shape)).check).toMatchObject({ passed: true });
  });
});

describe('times of experts', () => {
  const shape = { rows: 3, columns: 5, groups: 2, context: 3, tokens: 2 };
  const model = router({ ...sigmoid, groups: { count: 3, keep: 2 } });

  it('do not depend on numbers, nor on whether there are any', async () => {
    const counted = async (seed: number, data: boolean) => {
      const { decode, fabric, steps, check } = await run(model, shape, 'fast', data, seed);
      const cycles = steps.map((step) => step.cycles);
      return {
        counters: { breakdown: decode.breakdown, fabric, cycles },
        check,
      };
    };
    const [one, other, none] = [
      await counted(1, true),
      await counted(2, true),
      await counted(1, false),
    ];
    expect(one.check!.logitsMaxRelativeError).not.toBe(other.check!.logitsMaxRelativeError);
    expect(other.counters).toEqual(one.counters);
    expect(none.counters).toEqual(one.counters);
  });

  it('are told by operator, and add up to those of a token', async () => {
    for (const layers of ['whole', 'split'] as const) {
      const { decode } = await run(model, { ...shape, layers });
      const all = Object.values(decode.breakdown).reduce((sum, { cycles }) => sum + cycles, 0);
      expect(all).toBe(decode.cyclesPerToken);
      for (const label of [
        'router',
        'experts choice',
        'experts gate up',
        'experts down',
        'gate up',
        'down',
      ])
        expect(decode.breakdown[label].cycles, label).toBeGreaterThan(0);
    }
  });
});

describe('one expert of one', () => {
  const inner = 13;
  const dense = modelOf([
    layerWith({}, { mlp: { kind: 'dense', inner, act: { fn: 'silu' }, bias: false } }),
  ]);
  const single = modelOf([expertLayer({ count: 1, topK: 1, inner })]);
  const config = loadConfig('configs/tiny.yaml', ['hardware.width=200']);

  it('is a gated MLP: the same logits to the bit', async () => {
    const weights = randomWeights(single, seededRandom('one'));
    const mlp = weights.layers[0].mlp as ExpertsWeights;
    const same = { ...weights, layers: [{ ...weights.layers[0], mlp: mlp.experts[0] }] };
    for (const [rows, layerColumns] of [
      [3, 5],
      [1, 1],
    ] as const) {
      const placement = { ...config.placement, rows, layerColumns, groups: 1 };
      const logits = (model: ModelSpec, of: Weights) =>
        logitsOf({ ...config, model, placement }, of, [3, 1, 4, 1]);
      expect(await logits(single, weights)).toEqual(await logits(dense, same));
    }
  });

  it('takes the time of one, that of its router, and of finding it', async () => {
    const shape = { rows: 1, columns: 1, groups: 1, context: 2, tokens: 1 };
    const [one, plain] = [await run(single, shape), await run(dense, shape)];
    const cycles = (of: typeof one, ...labels: string[]) =>
      labels.reduce((sum, label) => sum + of.decode.breakdown[label].cycles, 0);
    const { costs } = config.wafer;
    // Two products whose matrix has a number; gates moved side by side, and units times the weight.
    const perCycle = (fn: 'move' | 'mul') => costs.elementsPerCycle[fn].f32;
    const passes =
      2 * (costs.setup.f32 + costs.issue.f32) + inner / perCycle('move') + inner / perCycle('mul');
    const found = 2 * costs.scalar.step + passes;
    expect(cycles(one, 'experts gate up', 'silu', 'experts down')).toBe(
      cycles(plain, 'gate up', 'silu', 'down') + found,
    );
    expect(one.decode.cyclesPerToken).toBe(
      plain.decode.cyclesPerToken + found + cycles(one, 'router', 'experts choice'),
    );
  });
});

describe('experts on several wafers and for several users', () => {
  it.each(['whole', 'split'] as const)('compute the same: %s layers', async (layers) => {
    const model = router({ ...sigmoid, groups: { count: 3, keep: 2 } });
    const sets = ['hardware.width=12', 'hardware.height=12', 'hardware.wafers=auto'];
    const config = loadConfig('configs/tiny.yaml', sets);
    const workload = { ...config.workload, context: 2, tokens: 2, batch: 2 };
    const sizes = { growth: 'minimal' as const, rows: 7, layerColumns: 6, groups: 1, layers };
    const placement = { ...config.placement, ...sizes };
    const all = { ...config, model, workload, placement };
    const found = await simulate(all, { ...host, engine: 'fast' });
    expect(found.placement.wafers).toBeGreaterThan(1);
    expect(found.check).toMatchObject({ passed: true, expertsAgree: { agree: 4, of: 4 } });
    // An engine that takes every stage anew, and one that moves every wavelet's every step.
    for (const other of [{ engine: 'fast', memo: false }, { engine: 'reference' }] as const) {
      const again = await simulate(all, { ...host, ...other });
      expect(again.steps).toEqual(found.steps);
      expect(again.decode.breakdown).toEqual(found.decode.breakdown);
    }
  });
});
