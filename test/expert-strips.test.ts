/** Experts in strips of columns: the same numbers as sliced over all of them, and times by the load of the strips. */
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { lookAhead, relativeError, type Numbers } from '../src/decode/compute.js';
import { loweredOf } from '../src/decode/lowered.js';
import { placementOf } from '../src/decode/place.js';
import { noRouting } from '../src/decode/routing-check.js';
import { createRunner } from '../src/decode/runner.js';
import { beginStep, createStageRunner, runOn as runOnWafer } from '../src/decode/stages.js';
import { timedStages } from '../src/decode/stages.js';
import { computeToken } from '../src/decode/step.js';
import { simulateSteps } from '../src/decode/simulate.js';
import type { EngineName } from '../src/engine/engines.js';
import { reference } from '../src/engine/reference/reference.js';
import type { Engine, RunInput } from '../src/engine/engine.js';
import type { ModelSpec } from '../src/model/model.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { checkpointOn, heldAgainstReference } from './helpers/checkpoint-runs.js';
import { CHECKPOINTS } from './helpers/checkpoints.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer, expertSpecs } from './helpers/expert-models.js';
import { cases, count } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { overwrite } from './helpers/overwrite.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';
import { runnerOf } from './helpers/runner.js';
import { outcomesOf } from './helpers/wafer-tokens.js';

type Strips = {
  strips: number;
  expertOrder?: 'contiguous' | 'in-turn' | 'popular' | 'apart';
};

/** A run that computes, unless `data` is false, with experts in strips. */
function run(
  model: ModelSpec,
  shape: Rectangle,
  { strips, expertOrder = 'in-turn' }: Strips,
  { engine = 'fast', ...workload }: { engine?: EngineName; data?: boolean; seed?: number } = {},
) {
  const placement = { experts: 'strips', strips, expertOrder } as const;
  return runOn(model, shape, { engine, workload: { data: true, ...workload }, placement });
}

const NAMES = [
  ...['mixtral', 'qwen3_moe', 'glm4_moe', 'gpt_oss', 'gpt_oss-mxfp4', 'llama4'],
  ...['deepseek_v3', 'qwen3_next', 'qwen3_5_moe'],
].map((name) => `public-${name}`);
/** Neither number of strips divides the columns. */
const WIDE = { rows: 7, layerColumns: 9, strips: 2 };
const HIGH = { rows: 11, layerColumns: 5, strips: 2 };
/** Both shapes, forms and orders of every checkpoint in the full tests, each shape with one form. */
const ALL = NAMES.flatMap((name, i) => {
  const [whole, split] = i % 2 === 0 ? [WIDE, HIGH] : [HIGH, WIDE];
  const both = [
    { name, ...whole, layers: 'whole' as const, expertOrder: 'contiguous' as const },
    { name, ...split, layers: 'split' as const, expertOrder: 'in-turn' as const },
  ];
  const some = i % 2 === 0 ? [both[(i / 2) % 2]] : [];
  return cases(
    some,
    both.filter((each) => !some.includes(each)),
  );
});

describe.skipIf(!existsSync(CHECKPOINTS))(
  'checkpoints (skipped where ../shared/checkpoints is absent)',
  () => {
    it.each(ALL)(
      'have their logits and experts on strips: $name, $rows x $layerColumns, $layers, $expertOrder',
      async ({ name, ...shape }) => {
        const of = checkpointOn(name, { ...shape, experts: 'strips' });
        const { error, chosen, known } = await heldAgainstReference(name, of);
        expect(error).toBeLessThan(1e-5);
        expect(Object.keys(known).length).toBeGreaterThan(0);
        expect(chosen).toEqual(known);
      },
      120_000,
    );
  },
);

const shapes = fc.record({
  ...{ rows: fc.integer({ min: 1, max: 7 }), columns: fc.integer({ min: 2, max: 11 }) },
  groups: fc.integer({ min: 1, max: 3 }),
  ...{ context: fc.integer({ min: 0, max: 3 }), tokens: fc.integer({ min: 1, max: 2 }) },
  layers: fc.constantFrom('whole', 'split'),
});

describe('models with any experts in strips', () => {
  it('have the logits and experts of the plain decoder, and the same times on both engines', async () => {
    const orders = fc.constantFrom('contiguous', 'in-turn');
    const bits = fc.constantFrom(32 as const, 8 as const);
    await fc.assert(
      fc.asyncProperty(
        ...[expertSpecs, shapes, orders, bits, fc.nat()],
        async (spec, shape, expertOrder, weightBits, pick) => {
          // A row of many columns can hold any number of strips that divides that of experts.
          const divisors = Array.from({ length: spec.count }, (_, i) => i + 1).filter(
            (strips) => spec.count % strips === 0 && strips > 1 && strips <= shape.columns,
          );
          fc.pre(divisors.length > 0);
          const strips = divisors[pick % divisors.length];
          const mlps = [spec, { ...spec, inner: spec.inner + 3 }];
          const layers = mlps.map((mlp) => layerWith({}, { mlp }));
          const model = modelOf([layers[0], layerWith(), layers[1]], { weightBits });
          const own = { strips, expertOrder };
          const [fast, slow] = [
            await run(model, shape, own),
            await run(model, shape, own, { engine: 'reference' }),
          ];
          expect(fast.check).toMatchObject({ passed: true, choice: true, expertsAgree: true });
          expect(fast.check!.logitsMaxRelativeError).toBeLessThan(1e-5);
          expect(fast.steps).toEqual(slow.steps);
          expect(fast.decode).toEqual(slow.decode);
          expect(fast.check).toEqual(slow.check);
        },
      ),
      { seed: 23, numRuns: count(3, 8) },
    );
  }, 240_000);
});

const twelve = (changes: Parameters<typeof expertLayer>[0] = {}) =>
  modelOf([
    expertLayer({ count: 12, topK: 4, inner: 13, ...changes }),
    layerWith(),
    expertLayer({ count: 12, topK: 4, inner: 13, ...changes }),
  ]);
/** As of Gemma 4: with norms of their own, and a factor for each expert. */
const besideDense = () => {
  const changes = { count: 12, topK: 2, inner: 13, parallel: { inner: 10 } };
  const router = { ownNorm: true, perExpertScale: true };
  const layer = expertLayer({ ...changes, router }, { norms: 'sandwich' });
  return modelOf([layer, layerWith(), layer]);
};
const SHAPE = { rows: 3, columns: 11, groups: 2, context: 2, tokens: 3 };

describe('twelve experts in three strips', () => {
  const sigmoid = { score: 'sigmoid', bias: 'choice' } as const;
  const each: [string, ModelSpec][] = [
    ['plain', twelve()],
    ['with biases', twelve({ bias: true })],
    ['with biases that scale their input', twelve({ bias: true, router: { scalesInput: true } })],
    ['with a shared expert and its gate', twelve({ shared: { inner: 5, gate: true } })],
    ['with factors of their own', twelve({ router: { perExpertScale: true } })],
    ['beside a dense MLP', besideDense()],
    ['in groups', twelve({ router: { ...sigmoid, groups: { count: 4, keep: 3 } } })],
    ['of which one is chosen', twelve({ topK: 1 })],
    ['of which all are chosen', twelve({ topK: 12 })],
    ['with a clamped activation', twelve({ act: { fn: 'silu', clamp: 0.6, plusOne: true } })],
    ['in 8 bits', { ...twelve({ bias: true }), weightBits: 8 as const }],
  ];
  const orders = ['contiguous', 'in-turn'] as const;
  // Orders by turns; each in both in the full tests.
  it.each(each.map(([name, model], i) => [name, model, i] as const))('%s', async (_, model, i) => {
    for (const layers of cases(['split'] as const, ['whole'] as const))
      for (const expertOrder of cases([orders[i % 2]], [orders[1 - (i % 2)]])) {
        const own = { strips: 3, expertOrder };
        const { check, placement } = await run(model, { ...SHAPE, layers }, own);
        expect(check).toMatchObject({ passed: true, expertsAgree: true });
        expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
        expect(placement.regions.filter(({ strips }) => strips === 3)).toHaveLength(2);
      }
  });
});

describe('one strip', () => {
  it('is what is sliced, to the cycle', async () => {
    const model = twelve({ shared: { inner: 5, gate: false } });
    for (const data of [true, false]) {
      const one = await run(model, SHAPE, { strips: 1 }, { data });
      const sliced = await runOn(model, SHAPE, { workload: { data } });
      for (const part of ['decode', 'steps', 'fabric', 'placement', 'check'] as const)
        expect(one[part]).toEqual(sliced[part]);
    }
  });

  it('has the logits of several', async () => {
    const model = twelve();
    const weights = randomWeights(model, seededRandom('strips'));
    const config = loadConfig('configs/tiny.yaml', ['hardware.width=200']);
    const logitsOf = async (strips: number) => {
      const sizes = { rows: 3, layerColumns: 13, groups: 2, strips };
      const placement = { ...config.placement, ...sizes, experts: 'strips' as const };
      const found = await outcomesOf({ ...config, model, placement }, weights, [3, 1, 4]);
      return found.map(({ logits }) => logits);
    };
    const one = await logitsOf(1);
    for (const strips of [2, 4, 12])
      for (const [t, logits] of (await logitsOf(strips)).entries())
        expect(relativeError(logits, one[t])).toBeLessThan(1e-5);
  });
});

/** A run on three strips with an engine whose runs of layer 0 are spoilt. */
function spoilt(spoil: (input: RunInput) => void, engine: EngineName) {
  const sets = ['placement.rows=4', 'placement.layerColumns=9', 'placement.experts=strips'];
  const config = loadConfig('configs/tiny.yaml', [...sets, 'placement.strips=3']);
  const own = { ...config, model: twelve() };
  const spoiling: Engine = (input) => {
    if (input.program.name.startsWith('layer 0') && input.memory !== undefined) spoil(input);
    return reference(input);
  };
  const runner = engine === 'reference' ? { runner: runnerOf(spoiling) } : {};
  return simulateSteps(own, placementOf(own), { ...OPTIONS, engine, ...runner });
}

/** A token on three strips whose programs are for other experts than those that its routers choose. */
async function lowered(layers: 'whole' | 'split', change: (chosen: number[]) => number[]) {
  const sets = ['placement.rows=4', 'placement.layerColumns=9', 'placement.experts=strips'];
  const own = [...sets, 'placement.strips=3', `placement.layers=${layers}`];
  const config = { ...loadConfig('configs/tiny.yaml', own), model: twelve() };
  const weights = randomWeights(config.model, seededRandom('other'));
  const { wafer, model } = config;
  const programs = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
  const { routing, plan, images } = await loweredOf(config, placementOf(config), 4, programs);
  const step = { context: 0, maxPositions: 4, users: 1 };
  const caches = model.layers.map(() => ({ keys: [], values: [] }));
  const memory = images(step, weights, caches);
  const plain = createPlainDecoder(model, weights, 4);
  const runner = createStageRunner({
    ...{ wafer, memo: true, shared: undefined, run: runOnWafer(programs, wafer) },
  });
  const numbers = {
    model,
    memory,
    plain,
    token: 3,
    checks: [],
    inPrompt: [],
    routing: noRouting(),
  };
  const known = { ...numbers, computes: routing!.computes } as Numbers;
  lookAhead(known);
  const experts = known.ahead!.experts.map((of) => of && change([...of]));
  known.ahead = { ...known.ahead!, experts };
  const planned = plan({ ...step, slots: routing!.slotsOf(experts) });
  beginStep(runner, planned);
  const stages = await timedStages(runner, planned, programs);
  await computeToken(runner, planned, stages, known, 0, programs);
}

describe.each(['whole', 'split'] as const)('programs of strips for other experts: %s', (layers) => {
  it.each([
    ['none of them is', (chosen: number[]) => chosen.map((expert) => (expert + 1) % 12)],
    ['one of a strip is another', ([first, ...rest]: number[]) => [(first + 3) % 12, ...rest]],
    ['they have other slots', ([a, b, c, d]: number[]) => [b, c, d, a]],
  ])('are an error, whether cores find their way or not: %s', async (_, change) => {
    await expect(lowered(layers, change)).rejects.toMatchObject({ code: 'other-experts' });
  });

  it('are none if the strips have the same experts', async () => {
    await expect(lowered(layers, (chosen) => chosen)).resolves.toBeUndefined();
  });
});

describe('a router that does not choose what strips were written for', () => {
  it('is an error of the machine, in one line with both choices', async () => {
    const wrong = spoilt((input) => overwrite(input, 'wRouter', (weight) => -weight), 'reference');
    await expect(wrong).rejects.toMatchObject({
      name: 'MachineError',
      code: 'other-experts',
      message: expect.stringMatching(
        /^the router of layer 0 chose experts \d+, \d+, \d+, \d+ for token 0, where the strips' programs are for \d+, \d+, \d+, \d+, .*placement\.experts=sliced/,
      ),
    });
    await expect(spoilt(() => {}, 'reference')).resolves.toMatchObject({ check: { passed: true } });
  });
});
