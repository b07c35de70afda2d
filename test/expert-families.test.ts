/** Mixtures of experts: the wafer computes what the plain decoder does, whatever their routers do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import type { EngineName } from '../src/engine/engines.js';
import type { RouterSpec } from '../src/model/mlp-spec.js';
import type { ExpertsWeights, Weights } from '../src/model/model-weights.js';
import type { ModelSpec } from '../src/model/model.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer, expertModels } from './helpers/expert-models.js';
import { cases, count, FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';
import { logitsOf } from './helpers/wafer-tokens.js';
import { simulateTimes } from './helpers/times.js';

/** Runs a model on regions of that shape, its logits and experts held against the plain decoder's. */
const run = (
  model: ModelSpec,
  shape: Rectangle,
  engine: EngineName = 'fast',
  data = true,
  seed = 1,
) => runOn(model, shape, { engine, workload: { data, seed } });

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
        expect(fast.check!.expertChoices!.of).toBeGreaterThan(0);
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.check).toEqual(slow.check);
      }),
      { seed: 17, numRuns: count(3, 8) },
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

/** More rows than experts, and one column. */
const HIGH = { rows: 11, columns: 1, groups: 1, context: 2, tokens: 2, layers: 'split' as const };
const WIDE = { rows: 3, columns: 7, groups: 2, context: 2, tokens: 3 };
const TYPES = [{ weightBits: 8 }, { dtype: 'f16', weightBits: 16 }] as const;

describe('experts with', () => {
  // Shapes and types by turns; each on all of them in the full tests.
  it.each(EACH.map(([name, model], i) => [name, model, i] as const))('%s', async (_, model, i) => {
    for (const shape of cases([[WIDE, HIGH][i % 2]], [[HIGH, WIDE][i % 2]])) {
      const { check } = await run(model, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
      const { agree, of } = check!.expertChoices!;
      expect([agree, of]).toEqual([of, 2 * shape.tokens]);
    }
    const shape = { rows: 2, columns: 3, groups: 1, context: 1, tokens: 2 };
    const at = Math.floor(i / 2) % 2;
    for (const type of cases([TYPES[at]], [TYPES[1 - at]]))
      expect((await run({ ...model, ...type }, shape)).check).toMatchObject({ passed: true });
  });
});

it('experts that scale their input are not those that scale their output', async () => {
  const [scaling, other] = [true, false].map((scalesInput) =>
    router({ score: 'sigmoid', renormalise: false, scalesInput }),
  );
  const weights = randomWeights(scaling, seededRandom('scales'));
  const config = loadConfig('configs/tiny.yaml', ['hardware.width=200']);
  const placement = { ...config.placement, rows: 3, layerColumns: 5, groups: 1 };
  const [found] = await logitsOf({ ...config, model: scaling, placement }, weights, [3]);
  const errorOf = (model: ModelSpec) =>
    relativeError(found, createPlainDecoder(model, weights).step(3));
  expect(errorOf(scaling)).toBeLessThan(1e-5);
  expect(errorOf(other)).toBeGreaterThan(1e-2);
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

  it.each([
    [1, 1],
    [3, 5],
  ])(
    'takes the time of one, that of its router, and of finding it: %i x %i',
    async (rows, columns) => {
      const shape = { rows, columns, groups: 1, context: 2, tokens: 1 };
      const units = Math.ceil(inner / columns);
      const [one, plain] = [await run(single, shape), await run(dense, shape)];
      const cycles = (of: typeof one, ...labels: string[]) =>
        labels.reduce((sum, label) => sum + of.decode.breakdown[label].cycles, 0);
      const { costs } = config.wafer;
      // Two products whose matrix has a number; gates moved side by side, and units times the weight.
      const perCycle = (fn: 'move' | 'mul') => costs.elementsPerCycle[fn].f32;
      const passes =
        2 * (costs.setup.f32 + costs.issue.f32) +
        units / perCycle('move') +
        units / perCycle('mul');
      const found = 2 * costs.scalar.step + passes;
      expect(cycles(one, 'experts gate up', 'silu', 'experts down')).toBe(
        cycles(plain, 'gate up', 'silu', 'down') + found,
      );
      expect(one.decode.cyclesPerToken).toBe(
        plain.decode.cyclesPerToken + found + cycles(one, 'router', 'experts choice'),
      );
    },
  );
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
    const found = await simulateTimes(all, OPTIONS);
    expect(found.placement.wafers).toBeGreaterThan(1);
    expect(found.check).toMatchObject({
      passed: true,
      expertsAgree: true,
      expertChoices: { agree: 4, of: 4 },
    });
    // An engine that takes every stage anew, and one that moves every wavelet's every step.
    const others = [{ engine: 'fast', memo: false }, { engine: 'reference' }] as const;
    for (const other of FULL ? others : [others[layers === 'whole' ? 0 : 1]]) {
      const again = await simulateTimes(all, { ...OPTIONS, ...other });
      expect(again.steps).toEqual(found.steps);
      expect(again.decode.breakdown).toEqual(found.decode.breakdown);
    }
  });
});
