/** What layers of dense families have beyond a plain Llama's: the wafer computes it as the plain decoder does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../src/engine/engines.js';
import type { GqaSpec, Span } from '../src/model/attention-spec.js';
import type { ModelSpec } from '../src/model/model.js';
import { cases, count } from './helpers/full.js';
import { denseModels, layerWith, modelOf, ropeWith } from './helpers/dense-models.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';

/** Runs a model on regions of that shape, its logits held against the plain decoder's. */
const run = (model: ModelSpec, shape: Rectangle, engine: EngineName = 'fast') =>
  runOn(model, shape, { engine, sets: [] });

const shapes = fc.record({
  ...{ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 9 }) },
  groups: fc.integer({ min: 1, max: 3 }),
  ...{ context: fc.integer({ min: 0, max: 12 }), tokens: fc.integer({ min: 1, max: 4 }) },
});

describe('models of any layers', () => {
  it('have the logits of the plain decoder on any rectangle, and the same times on both engines', async () => {
    await fc.assert(
      fc.asyncProperty(denseModels, shapes, async (model, shape) => {
        const [fast, slow] = [await run(model, shape), await run(model, shape, 'reference')];
        expect(fast.check).toMatchObject({ passed: true, choice: true });
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.check).toEqual(slow.check);
      }),
      { seed: 16, numRuns: count(6, 16) },
    );
  }, 240_000);
});

const whole = (attention: Partial<GqaSpec>) => modelOf([layerWith(attention), layerWith()]);
const mlpWith = (mlp: object) =>
  modelOf([
    layerWith({}, { mlp: { kind: 'dense', inner: 19, act: { fn: 'silu' }, bias: false, ...mlp } }),
  ]);
const rope = (changes: object) => whole({ rope: ropeWith(changes) });
/** gpt-oss's, with a limit that many gates and ups of a small model are beyond. */
const CLAMPED = { fn: 'silu', clamp: 0.4, alpha: 1.702, plusOne: true } as const;
const amplified = {
  factor: 4,
  betaFast: 3,
  betaSlow: 0.5,
  truncate: true,
  originalMaxPosition: 16,
};

/** One thing each that a plain Llama does not have, and perhaps what it is of no use without. */
const EACH: [string, ModelSpec][] = [
  ['biases of queries, keys and values', whole({ bias: true })],
  ['a bias of the output projection', whole({ outBias: true })],
  ['biases in the MLP', mlpWith({ bias: true })],
  ['a norm of each query and key head', whole({ qkNorm: 'head' })],
  ['a norm of all query heads and one of all key heads', whole({ qkNorm: 'whole' })],
  ['norms after the blocks alone', modelOf([layerWith({}, { norms: 'post' })])],
  ['norms before and after the blocks', modelOf([layerWith({}, { norms: 'sandwich' })])],
  [
    'norms whose weights are added to one',
    modelOf([layerWith({ qkNorm: 'head' })], { normPlusOne: true }),
  ],
  ['a scaled embedding', modelOf([layerWith()], { embeddingScale: 3 })],
  ['a scaled embedding in a tied table', modelOf([layerWith()], { embeddingScale: 3, tied: true })],
  ['a scale of scores of its own', whole({ scale: 0.9 })],
  ['capped scores', whole({ scale: 1, scoreCap: 1.5 })],
  ['capped logits', modelOf([layerWith()], { logitCap: 1.2 })],
  ['a GELU', mlpWith({ act: { fn: 'gelu-tanh' } })],
  ['a clamped act that is steeper, and up + 1', mlpWith({ act: CLAMPED, bias: true })],
  [
    'no rotary embedding in some layers',
    modelOf([{ ...layerWith(), attention: unturned() }, layerWith()]),
  ],
  ['rotary embedding of the first third of a head', rope({ dim: 2, width: 2 })],
  ['rotary pairs far apart of which a third turns', rope({ dim: 2, width: 6 })],
  ['rotary pairs of neighbours', rope({ pairs: 'neighbours' })],
  [
    'rotary pairs of neighbours in a part of a head',
    rope({ dim: 4, width: 4, pairs: 'neighbours' }),
  ],
  ['linear scaling', rope({ scaling: { factor: 3 } })],
  [
    'scaling by wavelength',
    rope({ scaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPosition: 16 } }),
  ],
  ['YaRN and its amplitude', rope({ scaling: { ...amplified, amplitude: 1.3 } })],
  [
    'YaRN of a part of a head, of which the amplitude is',
    rope({ dim: 4, width: 4, scaling: { ...amplified, amplitude: 1.3 } }),
  ],
  ['LongRoPE within the original length', rope({ scaling: longrope(16) })],
  ['LongRoPE beyond it', rope({ scaling: longrope(11) })],
  ['sinks', whole({ sinks: true })],
  ['queries scaled by position', whole({ temperature: { floor: 5, scale: 0.7 } })],
  ['a norm of each query and key head after RoPE', whole({ qkNorm: 'head-after-rope' })],
  ['a window', whole({ span: { kind: 'window', size: 5 } })],
  ['a chunk', whole({ span: { kind: 'chunk', size: 5 } })],
];

function unturned(): GqaSpec {
  const { rope: _, ...rest } = layerWith().attention as GqaSpec;
  return rest;
}

function longrope(originalMaxPosition: number) {
  return { short: [1, 1.5, 2], long: [2, 4, 8], originalMaxPosition, amplitude: 1.2 };
}

describe('a model with', () => {
  it.each(EACH)('%s', async (_, model) => {
    for (const shape of [
      { rows: 3, columns: 7, groups: 2, context: 9, tokens: 3 },
      // A column with several heads, and one without any.
      { rows: 5, columns: 1, groups: 1, context: 9, tokens: 3 },
    ])
      expect((await run(model, shape)).check).toMatchObject({ passed: true, choice: true });
    const shape = { rows: 2, columns: 3, groups: 1, context: 4, tokens: 2 };
    for (const type of [{ weightBits: 8 }, { dtype: 'f16', weightBits: 16 }] as const) {
      const { check } = await run({ ...model, ...type }, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
    }
  });
});

describe('times', () => {
  const shape = { rows: 3, columns: 7, groups: 2, context: 9, tokens: 2 };
  const cyclesOf = async (model: ModelSpec) =>
    (await run(model, shape)).steps.map(({ cycles }) => cycles);
  const plain = whole({});

  it('are the same with biases, and with norms of 1 + w', async () => {
    const mlp = { kind: 'dense', inner: 19, act: { fn: 'silu' }, bias: true } as const;
    const biased = modelOf([
      layerWith({ bias: true, outBias: true }, { mlp }),
      layerWith({}, { mlp }),
    ]);
    expect(await cyclesOf(biased)).toEqual(await cyclesOf(plain));
    expect(await cyclesOf({ ...plain, normPlusOne: true })).toEqual(await cyclesOf(plain));
    const narrow = { weightBits: 8 } as const;
    expect(await cyclesOf({ ...biased, ...narrow })).toEqual(
      await cyclesOf({ ...plain, ...narrow }),
    );
  });

  it('have the operators of a plain Llama, and those of what a model has in addition', async () => {
    const operators = async (model: ModelSpec) =>
      Object.keys((await run(model, shape)).decode.breakdown);
    const own = await operators(plain);
    expect(own).toEqual([
      ...['token', 'embedding', 'position', 'hand-off', 'attention norm', 'qkv', 'rope'],
      ...['kv append', 'scores', 'softmax', 'values', 'attention out', 'mlp norm', 'gate up'],
      ...['silu', 'down', 'prepare head', 'final norm', 'head', 'choice'],
    ]);
    const gemma = modelOf(
      [
        layerWith(
          { qkNorm: 'whole', scoreCap: 2 },
          {
            norms: 'sandwich',
            mlp: { kind: 'dense', inner: 9, act: { fn: 'gelu-tanh' }, bias: false },
          },
        ),
      ],
      { logitCap: 2 },
    );
    const more = await operators(gemma);
    expect(own.filter((name) => !more.includes(name))).toEqual(['silu']);
    expect(more.filter((name) => !own.includes(name))).toEqual([
      ...['qk norm', 'score cap', 'attention out norm', 'gelu', 'mlp out norm', 'logit cap'],
    ]);
  });

  it('of a layer with a full window do not grow, those of a chunk begin anew', async () => {
    const cycles = async (span: Span) => {
      const model = modelOf([layerWith({ span })]);
      const from = { rows: 1, columns: 4, groups: 1, context: 0, tokens: 12 };
      return (await run(model, from)).steps.map((step) => step.cycles);
    };
    const [full, window, chunk] = [
      await cycles({ kind: 'full' }),
      await cycles({ kind: 'window', size: 4 }),
      await cycles({ kind: 'chunk', size: 4 }),
    ];
    expect(window).toEqual([...full.slice(0, 4), ...full.slice(0, 8).map(() => full[3])]);
    expect(chunk).toEqual([...full.slice(0, 4), ...full.slice(0, 4), ...full.slice(0, 4)]);
    expect(new Set(full.slice(0, 4)).size).toBe(4);
  });
});

describe('a window and a chunk', () => {
  const spans = (['window', 'chunk'] as const).flatMap((kind) =>
    cases([1, 3], [4, 2, 6]).map((size): Span => ({ kind, size })),
  );

  it.each(spans)('are right at every position around their edges: %j', async (span) => {
    for (const rows of cases([1, 3], [4])) {
      const shape = { rows, columns: 3, groups: 1, context: 0, tokens: 9 };
      const { check } = await run(whole({ span }), shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      const later = await run(whole({ span }), { ...shape, context: 7, tokens: 2 });
      expect(later.check).toMatchObject({ passed: true, choice: true });
    }
  });
});
