/** Gemma 4 on the wafer: it computes what the plain decoder does, layer kinds of two sizes and all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../src/engine/engines.js';
import type { GqaSpec } from '../src/model/attention-spec.js';
import type { ModelSpec } from '../src/model/model.js';
import { cases, count } from './helpers/full.js';
import { expertLayer } from './helpers/expert-models.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { BESIDE, FULL_HEADS, SLIDING } from './helpers/gemma-models.js';
import { gemma, gemmaLayer, gemmaModels, gemmaOf } from './helpers/gemma-models.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';

const run = (model: ModelSpec, shape: Rectangle, engine: EngineName = 'fast', placement = {}) =>
  runOn(model, shape, { engine, workload: { data: true }, placement });

/** Nothing divides; and a column with several heads, more rows than experts. */
const WIDE = { rows: 3, columns: 13, groups: 2, context: 5, tokens: 3 };
const HIGH = { rows: 9, columns: 1, groups: 1, context: 7, tokens: 2 };

describe.each(['whole', 'split'] as const)('a small Gemma 4 of %s layers', (layers) => {
  const [one, other] =
    layers === 'whole' ? (['wide', 'high'] as const) : (['high', 'wide'] as const);
  it.each(cases([one], [other]))(
    'has the logits and experts of the plain decoder, and both engines agree: %s',
    async (name) => {
      const at = name === 'wide' ? WIDE : HIGH;
      const shape = { ...at, layers };
      const [fast, slow] = [await run(gemma, shape), await run(gemma, shape, 'reference')];
      expect(fast.check).toMatchObject({ passed: true, choice: true });
      expect(fast.check!.logitsMaxRelativeError).toBeLessThan(1e-5);
      const { agree, of } = fast.check!.expertChoices!;
      expect([agree, of]).toEqual([of, 3 * at.tokens]);
      expect(fast.steps).toEqual(slow.steps);
      expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
      expect(fast.check).toEqual(slow.check);
    },
  );

  it('tells of its norms and its scale, and times do not depend on numbers', async () => {
    const shape = { ...WIDE, layers };
    const { decode, steps } = await run(gemma, shape);
    const timed = await runOn(gemma, shape, { workload: { data: false } });
    expect(timed.steps.map(({ cycles }) => cycles)).toEqual(steps.map(({ cycles }) => cycles));
    const all = Object.values(decode.breakdown).reduce((sum, { cycles }) => sum + cycles, 0);
    expect(all).toBe(decode.cyclesPerToken);
    for (const label of [
      'qk norm',
      'attention out norm',
      'mlp norm',
      'mlp out norm',
      'layer scale',
    ])
      expect(decode.breakdown[label].cycles).toBeGreaterThan(0);
  });
});

it('models of any such layers have the logits of the plain decoder, and the same times on both engines', async () => {
  const shapes = fc.record({
    ...{ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 11 }) },
    groups: fc.integer({ min: 1, max: 3 }),
    ...{ context: fc.integer({ min: 0, max: 6 }), tokens: fc.integer({ min: 1, max: 3 }) },
    layers: fc.constantFrom('whole', 'split'),
  });
  await fc.assert(
    fc.asyncProperty(gemmaModels, shapes, async (model, shape) => {
      const [fast, slow] = [await run(model, shape), await run(model, shape, 'reference')];
      expect(fast.check).toMatchObject({ passed: true, choice: true });
      expect(fast.steps).toEqual(slow.steps);
      expect(fast.check).toEqual(slow.check);
    }),
    { seed: 19, numRuns: count(3, 10) },
  );
}, 240_000);

const heads = (of: Partial<GqaSpec>) => modelOf([layerWith(of), layerWith({ headDim: 10, ...of })]);

/** One thing each that Gemma 4 has, with and without what comes with it there. */
const EACH: [string, ModelSpec][] = [
  ['values that are keys', heads({ valueIsKey: true })],
  ['values that are keys with their biases', heads({ valueIsKey: true, bias: true })],
  ['values that are keys before their norm', heads({ valueIsKey: true, qkNorm: 'head' })],
  ['values that are keys before the norm of all', heads({ valueIsKey: true, qkNorm: 'whole' })],
  ['a norm of values alone', heads({ vNorm: true })],
  ['a norm of values with that of all heads', heads({ vNorm: true, qkNorm: 'whole' })],
  ['a norm of values before that after RoPE', heads({ vNorm: true, qkNorm: 'head-after-rope' })],
  ['a norm of values that are keys', heads({ vNorm: true, valueIsKey: true, qkNorm: 'head' })],
  ['heads of two sizes', modelOf([layerWith(SLIDING), layerWith(FULL_HEADS)])],
  ['scaled layers', modelOf([layerWith({}, { scaled: true }), layerWith()])],
  ['a dense MLP next to the experts', modelOf([layerWith({}, { mlp: BESIDE })])],
  ['one after norms of outputs alone', modelOf([layerWith({}, { mlp: BESIDE, norms: 'post' })])],
  [
    'one next to experts with biases that scale their input',
    modelOf([layerWith({}, { mlp: { ...BESIDE, bias: true, router: scalingInput() } })]),
  ],
  [
    'a norm of the router without one before',
    modelOf([expertLayer({ router: { ownNorm: true } }, { norms: 'post' })]),
  ],
  ['dense layers and no experts', gemmaOf([SLIDING, FULL_HEADS].map(denseGemma))],
];

function scalingInput() {
  return { ...BESIDE.router, score: 'sigmoid', renormalise: false, scalesInput: true } as const;
}

function denseGemma(attention: Partial<GqaSpec>) {
  return gemmaLayer(attention, { mlp: layerWith().mlp });
}

describe('a model with', () => {
  it.each(EACH.map(([name, model], i) => [name, model, i] as const))('%s', async (_, model, i) => {
    const shapes = [WIDE, HIGH].map((shape, j) => ({
      ...shape,
      layers: (i + j) % 2 === 0 ? ('whole' as const) : ('split' as const),
    }));
    for (const shape of cases([shapes[i % 2]], [shapes[1 - (i % 2)]])) {
      const { check } = await run(model, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
    }
    const shape = { rows: 2, columns: 3, groups: 1, context: 1, tokens: 2 };
    const types = [{ weightBits: 8 }, { dtype: 'f16', weightBits: 16 }] as const;
    for (const type of cases([types[i % 2]], [types[1 - (i % 2)]]))
      expect((await run({ ...model, ...type }, shape)).check).toMatchObject({ passed: true });
  });

  it('experts in strips next to a dense MLP, and KV replicas, has the same logits', async () => {
    const two = gemmaOf([gemmaLayer(SLIDING, { mlp: { ...BESIDE, count: 6 } })]);
    const shape = { ...WIDE, columns: 14 };
    const plain = await run(two, shape);
    const held = await run(two, shape, 'fast', { kvReplicas: 2 });
    const strips = await run(two, shape, 'fast', { experts: 'strips', strips: 3 });
    for (const { check, steps } of [held, strips]) {
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(steps.map(({ token }) => token)).toEqual(plain.steps.map(({ token }) => token));
    }
  });
});
