/** Layers of sparse attention on the simulated wafer beyond the positions that they choose, against the plain decoder. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import { MAPPINGS } from '../src/mapping/mappings.js';
import type { IndexerSpec } from '../src/model/attention-spec.js';
import type { ModelSpec } from '../src/model/model.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { BYTES } from '../src/numeric/types.js';
import { seededRandom } from '../src/numeric/random.js';
import { modelOf } from './helpers/dense-models.js';
import { expertsWith } from './helpers/expert-models.js';
import { cases, count, FULL } from './helpers/full.js';
import { latentLayer, latentSpecs, latentWith } from './helpers/latent-models.js';
import { OPTIONS } from './helpers/options.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';
import { logitsOf } from './helpers/wafer-tokens.js';
import { simulateTimes } from './helpers/times.js';

type Cache = 'expanded' | 'latent';
const CACHES: Cache[] = ['expanded', 'latent'];

const indexer: IndexerSpec = { heads: 4, dim: 7, topK: 5, own: true, pairs: 'neighbours' };
const mlp = expertsWith({ count: 6, topK: 2, router: { score: 'sigmoid', bias: 'choice' } });
const layer = (own: boolean, changes: Partial<IndexerSpec> = {}) =>
  latentLayer(latentWith({ indexer: { ...indexer, own, ...changes } }), own ? {} : { mlp });
/** The second and third layers take the choice of the first. */
const sparse = (changes: Partial<IndexerSpec> = {}) =>
  modelOf([true, false, false, true].map((own) => layer(own, changes)));

const run = (
  model: ModelSpec,
  shape: Rectangle,
  latent: Cache,
  asked: Parameters<typeof runOn>[2] = {},
) =>
  runOn(model, shape, { ...asked, sets: ['hardware.core.sram=1 MiB', `mapping.latent=${latent}`] });

/** None divides the sizes; runs begin beyond the positions that are chosen, and before. */
const SHAPES: Rectangle[] = [
  { rows: 3, columns: 7, groups: 1, context: 11, tokens: 2 },
  { rows: 11, columns: 5, groups: 1, context: 14, tokens: 2, layers: 'split' },
  { rows: 13, columns: 2, groups: 1, context: 3, tokens: 4, layers: 'split' },
  { rows: 1, columns: 1, groups: 1, context: 9, tokens: 2 },
  { rows: 4, columns: 11, groups: 2, context: 4, tokens: 3 },
];

describe.each(CACHES)('sparse attention, the cache %s', (latent) => {
  it('attends to the positions that it chooses', async () => {
    const [first, second, third, ...rest] = SHAPES;
    const [one, other] = latent === 'latent' ? [first, third] : [third, first];
    for (const shape of cases([one], [other, second, ...rest])) {
      const { check, placement } = await run(sparse(), shape, latent);
      expect(placement.latent).toBe(latent);
      expect(check).toMatchObject({ passed: true, choice: true, expertsAgree: true });
      expect(check).toMatchObject({ positionsAgree: true });
      expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
      // Two layers choose, for each token that has more positions than they choose.
      const { context = 0, tokens = 0 } = shape;
      const beyond = Math.min(tokens, context + tokens - indexer.topK);
      expect(check!.positionChoices).toEqual({ agree: 2 * beyond, of: 2 * beyond });
    }
  });

  it('takes times that do not depend on numbers, the same on every engine', async () => {
    const shape = { rows: 4, columns: 5, groups: 1, context: 6, tokens: 1 };
    const forms = ['split', 'whole'] as const;
    for (const layers of latent === 'latent' ? forms : cases<'split' | 'whole'>([], [...forms])) {
      const counted = async (
        seed: number,
        data: boolean,
        engine: 'fast' | 'reference' = 'fast',
      ) => {
        const asked = { workload: { seed, data }, engine };
        const { decode, fabric, steps } = await run(sparse(), { ...shape, layers }, latent, asked);
        return { breakdown: decode.breakdown, fabric, cycles: steps.map((step) => step.cycles) };
      };
      const one = await counted(1, true);
      expect(await counted(2, false)).toEqual(one);
      expect(await counted(1, false, 'reference')).toEqual(one);
    }
  });

  it.runIf(FULL || latent === 'expanded')(
    'tells its time by operator, which adds up to that of a token',
    async () => {
      const [shape] = SHAPES;
      const { decode } = await run(sparse(), shape, latent);
      const all = Object.values(decode.breakdown).reduce((sum, { cycles }) => sum + cycles, 0);
      expect(all).toBe(decode.cyclesPerToken);
      const dense = await run(sparse({ dense: true }), shape, latent, {
        workload: { data: false },
      });
      const { selection, indexer: scored } = decode.breakdown;
      expect(selection.cycles).toBeGreaterThan(0);
      expect(scored.cycles).toBeGreaterThan(0);
      expect(dense.decode.breakdown['selection']?.cycles ?? 0).toBe(0);
      expect(dense.decode.cyclesPerToken).toBeLessThan(decode.cyclesPerToken);
      // Within what is chosen nothing is selected either.
      const within = await run(sparse(), { ...shape, context: 2 }, latent);
      expect(within.decode.breakdown['selection']?.cycles ?? 0).toBe(0);
    },
  );

  it.runIf(FULL || latent === 'latent')('computes in half precision', async () => {
    const model = { ...sparse(), dtype: 'f16', weightBits: 16 } as const;
    const { check } = await run(model, SHAPES[1], latent);
    expect(check).toMatchObject({ passed: true });
    expect(check!.positionChoices!.of).toBe(4);
  });

  it.runIf(FULL || latent === 'expanded')(
    'notices one position more or less, and layers that choose for themselves',
    async () => {
      const weights = randomWeights(sparse(), seededRandom('sparse'));
      const tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
      const sets = ['hardware.width=200', 'hardware.core.sram=1 MiB', `mapping.latent=${latent}`];
      const config = loadConfig('configs/tiny.yaml', sets);
      const sizes = { rows: 4, layerColumns: 7, groups: 1 };
      const placement = { ...config.placement, ...sizes };
      const found = await logitsOf({ ...config, model: sparse(), placement }, weights, tokens);
      const errorOf = (of: ModelSpec) => {
        const plain = createPlainDecoder(of, weights);
        return Math.max(...tokens.map((token, t) => relativeError(found[t], plain.step(token))));
      };
      expect(errorOf(sparse())).toBeLessThan(1e-5);
      expect(errorOf(sparse({ topK: 4 }))).toBeGreaterThan(1e-4);
      expect(errorOf(sparse({ topK: 6 }))).toBeGreaterThan(1e-4);
      expect(errorOf(sparse({ dense: true }))).toBeGreaterThan(1e-4);
    },
  );
});

/** Models of two layers, of which the second takes the choice of the first or has its own. */
const models = fc
  .record({
    spec: latentSpecs.filter(({ qRank }) => qRank !== undefined),
    heads: fc.integer({ min: 1, max: 5 }),
    ...{ more: fc.integer({ min: 0, max: 6 }), topK: fc.integer({ min: 1, max: 7 }) },
    pairs: fc.constantFrom('halves', 'neighbours'),
    own: fc.boolean(),
    dtype: fc.constantFrom('f32', 'f32', 'f16'),
  })
  .map(({ spec, heads, more, topK, pairs, own, dtype }): ModelSpec => {
    const of: IndexerSpec = { heads, dim: spec.rope.dim + more, topK, own: true, pairs };
    const layers = [
      latentLayer({ ...spec, indexer: of }),
      latentLayer({ ...spec, indexer: { ...of, own } }),
    ];
    return modelOf(layers, { dtype, weightBits: dtype === 'f16' ? 16 : 32 });
  });

it('sparse attention of any sizes is that of the plain decoder', async () => {
  await fc.assert(
    fc.asyncProperty(
      models,
      fc.record({ rows: fc.integer({ min: 1, max: 9 }), columns: fc.integer({ min: 1, max: 9 }) }),
      fc.integer({ min: 0, max: 12 }),
      fc.constantFrom(...CACHES),
      fc.constantFrom('whole', 'split'),
      async (model, sizes, context, latent, layers) => {
        const { check } = await run(
          model,
          { ...sizes, groups: 1, context, tokens: 2, layers },
          latent,
        );
        expect(check).toMatchObject({ passed: true });
      },
    ),
    { numRuns: count(2, 10), seed: 11 },
  );
}, 120_000);

it('sparse attention on several wafers and for several users is the same', async () => {
  for (const latent of cases<Cache>(['latent'], ['expanded'])) {
    const sets = ['hardware.width=12', 'hardware.height=12', 'hardware.wafers=auto'];
    const config = loadConfig('configs/tiny.yaml', [...sets, `mapping.latent=${latent}`]);
    const wafer = { ...config.wafer, core: { ...config.wafer.core, sramBytes: 2 ** 20 } };
    const workload = { ...config.workload, context: 12, tokens: 2, batch: 2 };
    const sizes = { growth: 'minimal' as const, rows: 7, layerColumns: 6, groups: 1 };
    const placement = { ...config.placement, ...sizes };
    const all = { ...config, wafer, model: sparse(), workload, placement };
    const found = await simulateTimes(all, OPTIONS);
    expect(found.placement.wafers).toBeGreaterThan(1);
    expect(found.check).toMatchObject({ passed: true, positionsAgree: true });
    const again = FULL && (await simulateTimes(all, { ...OPTIONS, engine: 'reference' }));
    if (again) expect(again.steps).toEqual(found.steps);
  }
});

describe('what sparse attention keeps', () => {
  const model = sparse();
  const rows = 3;
  const bytesOf = (kind: 'attention' | 'mlp', layerKind: number, positions: number, users = 1) => {
    const cut = { model, rows, columns: 7, positions, users };
    const buffers = MAPPINGS.gqa.buffers({ kind, layerKind, latent: 'latent' }, cut);
    const own =
      /^(chosen|choice[A-Z].*|thresholds?|ownCounts|counts|found|wanted.*|digit|unit|parts|numbers|powers)$/;
    return buffers
      .filter(({ name }) => own.test(name))
      .reduce((sum, { type, length }) => sum + length * BYTES[type], 0);
  };
  const { layers } = model;
  const [first, second, third, fourth] = layers;

  it('is the choice in all layers that attend by it, and what choosing takes in those that have an indexer', () => {
    // 17 positions are six on a row. On seven columns digits have up to three bits: three digits of exponents (2, 3 and
    // 3 bits), eight of fractions, two of places. A column has one number of each, and two of the nine of the last
    // fraction, which are counted in five parts; another is for columns that have none of these.
    const digits = 3 + 8 + 2;
    const numbers = digits + 1;
    const choosing = 4 * (3 * 6 + 1 + 2 + 2 + 12 + 2 + 4 + 2 + digits + numbers + (4 + 8 + 8));
    expect(bytesOf('attention', first, 17)).toBe(4 * 6 + choosing);
    expect(bytesOf('attention', second, 17)).toBe(4 * 6);
    expect(bytesOf('attention', fourth, 17)).toBe(4 * 6 + choosing);
    // One user's choice at a time.
    expect(bytesOf('attention', second, 17, 3)).toBe(4 * 6);
    // MLPs hand it on where the next layer takes it.
    expect([first, second, third, fourth].map((kind) => bytesOf('mlp', kind, 17))).toEqual([
      ...[24, 24, 0, 0],
    ]);
  });

  it('is nothing in runs that choose all positions', () => {
    for (const kind of layers)
      expect(bytesOf('attention', kind, 5) + bytesOf('mlp', kind, 5)).toBe(0);
    expect(bytesOf('attention', first, 6)).toBeGreaterThan(0);
  });

  it('goes along with the token, a number for each position of a row', () => {
    const words = (kind: 'layer' | 'attention' | 'mlp', layerKind: number, positions: number) =>
      MAPPINGS.gqa.received({ kind, layerKind }, { model, rows, positions }).words;
    const more = (kind: 'layer' | 'attention' | 'mlp', layerKind: number) =>
      words(kind, layerKind, 17) - words(kind, layerKind, 5);
    expect(layers.map((kind) => more('attention', kind))).toEqual([0, 6, 6, 0]);
    expect(layers.map((kind) => more('layer', kind))).toEqual([0, 6, 6, 0]);
    expect(layers.map((kind) => more('mlp', kind))).toEqual([6, 6, 0, 0]);
  });
});
