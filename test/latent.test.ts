/** Latent attention on the simulated wafer, in both forms of its cache, against the plain decoder. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import { latentAttention } from '../src/model/plain/latent.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import type { LatentWeights, Weights } from '../src/model/model-weights.js';
import type { ModelSpec } from '../src/model/model.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { cases, count } from './helpers/full.js';
import { latentModel, latentModels, latentWith, withoutRank } from './helpers/latent-models.js';
import { OPTIONS } from './helpers/options.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';
import { logitsOf } from './helpers/wafer-tokens.js';
import { simulateTimes } from './helpers/times.js';

type Cache = 'expanded' | 'latent';

const run = (
  model: ModelSpec,
  shape: Rectangle,
  latent: Cache,
  kvReplicas: number | 'auto' = 'auto',
  asked: Parameters<typeof runOn>[2] = {},
) =>
  runOn(model, shape, {
    ...asked,
    sets: ['hardware.core.sram=1 MiB', `mapping.latent=${latent}`, ...(asked.sets ?? [])],
    placement: { kvReplicas },
  });

const own = (changes: Parameters<typeof latentWith>[0] = {}) => latentModel(latentWith(changes));

/** One thing each that latent attention may have. */
const EACH: [string, ModelSpec][] = [
  ['both latent vectors', own()],
  ['queries without a latent vector', latentModel(withoutRank(latentWith()))],
  ['biases', own({ bias: true })],
  ['biases, and queries without one', latentModel(withoutRank(latentWith({ bias: true })))],
  ['one head', own({ heads: 1 })],
  ['more heads than rows and columns', own({ heads: 12 })],
  ['values wider than keys', own({ value: 11, nope: 2 })],
  ['pairs of halves', own({ rope: { dim: 6, width: 6, theta: 100, pairs: 'halves' } })],
];

/** None divides the sizes of the models. Copies of the latent cache: groups of heads. */
const SHAPES = [
  { rows: 3, columns: 7, groups: 1, context: 2, tokens: 3 },
  { rows: 11, columns: 2, groups: 1, context: 4, tokens: 2, layers: 'split' },
  { rows: 1, columns: 1, groups: 1, context: 2, tokens: 2 },
  { rows: 13, columns: 17, groups: 1, context: 1, tokens: 2 },
] as const;

describe('latent attention with', () => {
  it.each(EACH.map(([name, model], i) => [name, model, i] as const))('%s', async (_, model, i) => {
    const [first, ...rest] = [...SHAPES.slice(i % 4), ...SHAPES.slice(0, i % 4)];
    const caches =
      i % 4 < 2 ? (['expanded', 'latent'] as const) : (['latent', 'expanded'] as const);
    for (const shape of cases([first], rest))
      for (const latent of cases([caches[0]], [caches[1]])) {
        const { check, placement } = await run(model, shape, latent);
        expect(placement.latent).toBe(latent);
        expect(check).toMatchObject({ passed: true, choice: true, expertsAgree: true });
        expect(check!.logitsMaxRelativeError, latent).toBeLessThan(1e-5);
      }
  });

  it('any sizes, in any type of numbers', async () => {
    await fc.assert(
      fc.asyncProperty(
        latentModels,
        fc.record({
          rows: fc.integer({ min: 1, max: 9 }),
          columns: fc.integer({ min: 1, max: 9 }),
        }),
        fc.constantFrom<Cache>('expanded', 'latent'),
        fc.constantFrom('whole', 'split'),
        async (model, sizes, latent, layers) => {
          const shape = { ...sizes, groups: 1, context: 3, tokens: 1, layers } as const;
          const { check } = await run(model, shape, latent);
          expect(check).toMatchObject({ passed: true });
        },
      ),
      { numRuns: count(8, 24), seed: 7 },
    );
  }, 120_000);
});

describe('both forms of the cache', () => {
  const model = own();
  const weights = randomWeights(model, seededRandom('forms'));
  const tokens = [3, 1, 4, 1, 5];
  const logits = (latent: Cache, kvReplicas: number, of: Weights = weights) => {
    const sets = ['hardware.width=200', 'hardware.core.sram=1 MiB', `mapping.latent=${latent}`];
    const config = loadConfig('configs/tiny.yaml', sets);
    const sizes = { rows: 4, layerColumns: 7, groups: 1, kvReplicas };
    return logitsOf({ ...config, model, placement: { ...config.placement, ...sizes } }, of, tokens);
  };

  it('compute the same, whatever the copies of the latent one', async () => {
    const expanded = await logits('expanded', 1);
    for (const copies of [1, 3]) {
      const latent = await logits('latent', copies);
      for (const [t, of] of latent.entries())
        expect(relativeError(of, expanded[t]), `${copies}`).toBeLessThan(1e-5);
    }
  });

  it('notice the values of a neighbouring head, and a scale without mscale', async () => {
    const found = await logits('latent', 1);
    const errorOf = (of: ModelSpec, numbers: Weights) => {
      const plain = createPlainDecoder(of, numbers);
      return Math.max(...tokens.map((token, t) => relativeError(found[t], plain.step(token))));
    };
    expect(errorOf(model, weights)).toBeLessThan(1e-5);
    const unscaled = latentModel(latentWith({ scale: 0.4 / 1.6 }));
    expect(errorOf(unscaled, weights)).toBeGreaterThan(1e-4);
    const turned = weights.layers.map((layer) => ({
      ...layer,
      attention: withValuesOfNeighbours(layer.attention as LatentWeights),
    }));
    expect(errorOf(model, { ...weights, layers: turned })).toBeGreaterThan(1e-2);
  });
});

/** Each head has the value matrix of the next one. */
function withValuesOfNeighbours(weights: LatentWeights): LatentWeights {
  const { heads, nope, value, kvRank } = latentWith();
  const { values } = weights.kvUp;
  const next = Float64Array.from(values);
  for (let head = 0; head < heads; head++) {
    const first = (of: number) => ((of % heads) * (nope + value) + nope) * kvRank;
    const from = first(head + 1);
    next.set(values.subarray(from, from + value * kvRank), first(head));
  }
  return { ...weights, kvUp: { ...weights.kvUp, values: next } };
}

const FORMS = ['whole', 'split'] as const;

describe('times of latent attention', () => {
  const shape = { rows: 5, columns: 7, groups: 2, context: 3, tokens: 2 };

  it.each(['expanded', 'latent'] as const)('do not depend on numbers: %s', async (latent) => {
    const placement = { groups: { column: 2, row: 2, head: 1 } };
    const counted = async (seed: number, data: boolean) => {
      const asked = { workload: { seed, data }, placement };
      const found = await run(own(), { ...shape, groups: 1 }, latent, 'auto', asked);
      const { decode, fabric, steps } = found;
      return { breakdown: decode.breakdown, fabric, cycles: steps.map((step) => step.cycles) };
    };
    const one = await counted(1, true);
    expect(await counted(2, true)).toEqual(one);
    expect(await counted(1, false)).toEqual(one);
  });

  it.each(['expanded', 'latent'] as const)('are those of every engine: %s', async (latent) => {
    const [one, other] = latent === 'latent' ? FORMS : FORMS.toReversed();
    for (const layers of cases([one], [other])) {
      const of = { ...shape, groups: 1, layers };
      const fast = await run(own({ bias: true }), of, latent);
      const slow = await run(own({ bias: true }), of, latent, 'auto', { engine: 'reference' });
      expect(slow.steps).toEqual(fast.steps);
      expect(slow.decode.breakdown).toEqual(fast.decode.breakdown);
      expect(slow.fabric).toEqual(fast.fabric);
    }
  });

  it.each([
    ['expanded', ['latent down', 'latent norm', 'latent up']],
    ['latent', ['latent down', 'latent norm', 'latent up', 'absorb', 'values up']],
  ] as const)('are told by operator, and add up to those of a token: %s', async (latent, own_) => {
    for (const layers of ['whole', 'split'] as const) {
      const { decode } = await run(own(), { ...shape, groups: 1, layers }, latent);
      const all = Object.values(decode.breakdown).reduce((sum, { cycles }) => sum + cycles, 0);
      expect(all).toBe(decode.cyclesPerToken);
      for (const label of own_) expect(decode.breakdown[label].cycles, label).toBeGreaterThan(0);
    }
  });
});

it('latent attention on several wafers and for several users is the same', async () => {
  for (const latent of ['expanded', 'latent'] as const) {
    const sets = ['hardware.width=12', 'hardware.height=12', 'hardware.wafers=auto'];
    const config = loadConfig('configs/tiny.yaml', [...sets, `mapping.latent=${latent}`]);
    const workload = { ...config.workload, context: 2, tokens: 2, batch: 2 };
    const sizes = { growth: 'minimal' as const, rows: 7, layerColumns: 6, groups: 1 };
    const placement = { ...config.placement, ...sizes };
    const all = { ...config, model: own(), workload, placement };
    const found = await simulateTimes(all, OPTIONS);
    expect(found.placement.wafers).toBeGreaterThan(1);
    expect(found.check).toMatchObject({ passed: true, expertsAgree: true });
    const again = await simulateTimes(all, { ...OPTIONS, engine: 'reference' });
    expect(again.steps).toEqual(found.steps);
  }
});

it('the plain decoder keeps latent vectors and turned keys, and what is made of them', () => {
  const spec = latentWith({ heads: 2 });
  const model = latentModel(spec);
  const weights = randomWeights(model, seededRandom('cache')).layers[0].attention as LatentWeights;
  const cache = { keys: [], values: [] };
  const attention = latentAttention(spec, weights, model, 8, cache);
  attention(
    Float64Array.from({ length: 22 }, (_, i) => Math.sin(i)),
    0,
  );
  const { keys, values } = cache as { keys: Float64Array[]; values: Float64Array[] };
  expect(keys.map((key) => key.length)).toEqual([spec.kvRank + spec.rope.dim]);
  expect(values.map((value) => value.length)).toEqual([2 * (spec.nope + spec.value)]);
});
