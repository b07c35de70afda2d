/** Gated delta nets and gated attention: the wafer computes what the plain decoder does, of any sizes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import type { EngineName } from '../src/engine/engines.js';
import type { DeltaWeights, GqaWeights, Weights } from '../src/model/model-weights.js';
import type { ModelSpec } from '../src/model/model.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { regionBytes } from '../src/placement/budget.js';
import { deploymentOf, usersHeld } from '../src/studies/steps/step-times.js';
import { modelOf } from './helpers/dense-models.js';
import { deltaLayer, deltaModels, gatedLayer, hybrid } from './helpers/delta-models.js';
import { cases, count } from './helpers/full.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';
import { logitsOf } from './helpers/wafer-tokens.js';

const run = (
  model: ModelSpec,
  shape: Rectangle,
  engine: EngineName = 'fast',
  workload: { data?: boolean; seed?: number; batch?: number } = {},
) => runOn(model, shape, { engine, workload: { data: true, seed: 1, ...workload } });

const shapes = fc.record({
  ...{ rows: fc.integer({ min: 1, max: 11 }), columns: fc.integer({ min: 1, max: 9 }) },
  groups: fc.integer({ min: 1, max: 3 }),
  ...{ context: fc.integer({ min: 0, max: 6 }), tokens: fc.integer({ min: 1, max: 6 }) },
  layers: fc.constantFrom('whole', 'split'),
});

describe('models with any delta nets', () => {
  it('have the logits of the plain decoder on any rectangle, and the same times on both engines', async () => {
    await fc.assert(
      fc.asyncProperty(deltaModels, shapes, async (model, shape) => {
        const [fast, slow] = [await run(model, shape), await run(model, shape, 'reference')];
        expect(fast.check).toMatchObject({ passed: true, choice: true });
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.fabric).toEqual(slow.fabric);
        expect(fast.check).toEqual(slow.check);
      }),
      { seed: 19, numRuns: count(3, 8) },
    );
  }, 240_000);
});

/** Several columns of a head, several heads of a column, more rows than values, more columns than keys. */
const WIDE = { rows: 3, columns: 7, groups: 2, context: 2, tokens: 6 };
const NARROW = { rows: 4, columns: 1, groups: 1, context: 5, tokens: 2, layers: 'split' as const };
const HIGH = { rows: 11, columns: 3, groups: 2, context: 0, tokens: 3 };
const WIDEST = { rows: 2, columns: 17, groups: 3, context: 1, tokens: 2 };
const SHAPES = [WIDE, NARROW, HIGH, WIDEST];
const TYPES = [
  { dtype: 'f16', weightBits: 16 },
  { weightBits: 8 },
  { dtype: 'f16', weightBits: 8 },
] as const;

const EACH: [string, ModelSpec][] = [
  ['one value head of each key head', hybrid({ valueHeads: 2 })],
  ['two value heads of each key head', hybrid()],
  ['three value heads of each key head', hybrid({ keyHeads: 3, valueHeads: 9 })],
  ['one head', hybrid({ keyHeads: 1, valueHeads: 1 })],
  ['keys longer than values', hybrid({ keyDim: 11, valueDim: 2 })],
  ['values longer than keys', hybrid({ keyDim: 1, valueDim: 13 })],
  ['a convolution of its own token', hybrid({ conv: 1 })],
  ['a convolution of two tokens', hybrid({ conv: 2 })],
  // Without it the norm of the output hides how queries are scaled.
  ['a norm whose epsilon counts', hybrid({}, { normEpsilon: 0.3 })],
  ['norms after', modelOf([deltaLayer({}, { norms: 'post' }), gatedLayer({ norms: 'post' })])],
];

describe('a delta net with', () => {
  // Shapes and types by turns; each on all of them in the full tests.
  it.each(EACH.map(([name, model], i) => [name, model, i] as const))('%s', async (_, model, i) => {
    const rest = SHAPES.toSpliced(i % SHAPES.length, 1);
    for (const shape of cases([SHAPES[i % SHAPES.length]], rest)) {
      const { check } = await run(model, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
    }
    const shape = { rows: 2, columns: 5, groups: 1, context: 1, tokens: 2 };
    const at = i % TYPES.length;
    for (const type of cases([TYPES[at]], TYPES.toSpliced(at, 1)))
      expect((await run({ ...model, ...type }, shape)).check).toMatchObject({ passed: true });
  });
});

describe('each rule of a delta net', () => {
  const model = modelOf([deltaLayer(), gatedLayer()]);
  const weights = randomWeights(model, seededRandom('rules'));
  const tokens = [3, 17, 29, 8, 40, 5];
  const config = loadConfig('configs/tiny.yaml', ['hardware.width=200']);
  const placement = { ...config.placement, rows: 3, layerColumns: 5, groups: 1 };
  const found = logitsOf({ ...config, model, placement }, weights, tokens);

  /** The largest error against a plain decoder whose first or second layer has other weights. */
  async function errorOf(of: { delta?: Partial<DeltaWeights>; gqa?: Partial<GqaWeights> }) {
    const [first, second] = weights.layers;
    const layers = [
      { ...first, attention: { ...first.attention, ...of.delta } },
      { ...second, attention: { ...second.attention, ...of.gqa } },
    ] as Weights['layers'];
    const plain = createPlainDecoder(model, { ...weights, layers });
    const logits = tokens.map((token) => plain.step(token));
    return Math.max(...(await found).map((row, t) => relativeError(row, logits[t])));
  }

  it('is kept', async () => {
    expect(await errorOf({})).toBeLessThan(1e-5);
  });

  const delta = weights.layers[0].attention as DeltaWeights;
  const gqa = weights.layers[1].attention as GqaWeights;
  const zeros = (of: { length: number }) => new Float64Array(of.length);
  /** Taps one token late: the newest is not seen. */
  const late = delta.conv.map((_, i) => (i % 4 === 3 ? 0 : delta.conv[i + 1]));
  const turned = Float64Array.from(delta.aLog, (_, h) => delta.aLog[(h + 1) % 4]);
  const nothing = (of: DeltaWeights['z']) => ({ ...of, values: zeros(of.values) });
  it.each([
    ['no decay', { delta: { aLog: delta.aLog.map(() => -40) } }],
    ['the decay of another head', { delta: { aLog: turned } }],
    ['no bias of the time step', { delta: { dtBias: zeros(delta.dtBias) } }],
    ['a decay that all tokens share', { delta: { alpha: nothing(delta.alpha) } }],
    ['a step that all tokens share', { delta: { beta: nothing(delta.beta) } }],
    ['a convolution one token late', { delta: { conv: late } }],
    ['no weights of the gated norm', { delta: { norm: delta.norm.map(() => 1) } }],
    ['weights of the gated norm added to one', { delta: { norm: delta.norm.map((w) => 1 + w) } }],
    ['the gate for the values', { delta: { z: delta.v } }],
    ['queries for keys', { delta: { q: delta.k, k: delta.q } }],
    ['half of all that is attended to', { gqa: { gate: nothing(gqa.gate!) } }],
    ['queries for gates', { gqa: { gate: gqa.q } }],
  ])('is told from %s', async (_, of) => {
    expect(await errorOf(of)).toBeGreaterThan(1e-3);
  });

  it('holds of what earlier tokens left too: the state, and what the convolution remembers', async () => {
    // All tokens on the wafer, and the last ones after a state that was handed over.
    const shape = { rows: 3, columns: 5, groups: 1, tokens: 2 };
    for (const context of [0, 1, 3, 7])
      expect((await run(model, { ...shape, context })).check!.logitsMaxRelativeError).toBeLessThan(
        1e-5,
      );
  });
});

describe('times and memory of delta nets', () => {
  const only = modelOf([deltaLayer(), deltaLayer({ conv: 2 })]);
  const shape = { rows: 3, columns: 5, groups: 2, context: 3, tokens: 2 };

  it('do not depend on numbers, nor on whether there are any', async () => {
    const counted = async (seed: number, data: boolean) => {
      const { decode, fabric, steps } = await run(only, shape, 'fast', { seed, data });
      return { breakdown: decode.breakdown, fabric, cycles: steps.map(({ cycles }) => cycles) };
    };
    const one = await counted(1, true);
    expect(await counted(2, true)).toEqual(one);
    expect(await counted(1, false)).toEqual(one);
  });

  it('do not depend on the context', async () => {
    const at = async (context: number) => {
      const { decode, placement } = await run(only, { ...shape, context }, 'fast', { data: false });
      const bytes = placement.regions.map(({ sramBytesPerCore }) => sramBytesPerCore);
      return { breakdown: decode.breakdown, bytes };
    };
    expect(await at(50)).toEqual(await at(0));
  });

  it('are named in the breakdown, whose labels add up', async () => {
    const { decode } = await run(hybrid(), shape, 'fast', { data: false });
    const labels = Object.keys(decode.breakdown);
    for (const label of ['delta qkv', 'conv', 'decay', 'state', 'gated norm', 'output gate'])
      expect(labels).toContain(label);
    const sum = Object.values(decode.breakdown).reduce((all, { cycles }) => all + cycles, 0);
    expect(sum).toBe(decode.cyclesPerToken);
  });

  it('has each user a state and a memory of the convolution', () => {
    const { wafer } = loadConfig('configs/tiny.yaml');
    const bytes = (batch: number, maxPositions: number) => {
      const asked = { mapping: 'gqa', maxPositions, batch } as const;
      return regionBytes({ kind: 'attention', layerKind: 0 }, only, wafer, asked, 3, 5);
    };
    // 2 columns of a group: 3 of 5 key elements, 4 of 7 value elements; 3 of them on a row; 2 value heads.
    const state = 3 * 2 * 3;
    const earlier = 3 * (2 * 3 + 2 * 4);
    expect(bytes(4, 9) - bytes(1, 9)).toBe(3 * 4 * (state + earlier));
    expect(bytes(4, 900)).toBe(bytes(4, 9));
  });

  it('are computed for several users, one after the other, by both engines alike', async () => {
    const [fast, slow] = [
      await run(hybrid(), shape, 'fast', { batch: 3 }),
      await run(hybrid(), shape, 'reference', { batch: 3 }),
    ];
    expect(fast.check).toMatchObject({ passed: true, choice: true });
    expect(fast.steps).toEqual(slow.steps);
    expect(fast.check).toEqual(slow.check);
  });
});

describe('a deployment', () => {
  it('holds as many users as states fit next to each other, and serves no more at once', () => {
    const { wafer, ...config } = loadConfig('configs/tiny.yaml');
    const only = hybrid();
    const placement = { ...config.placement, rows: 3, layerColumns: 5, growth: 'minimal' as const };
    const heldWith = (sramBytes: number) => {
      const small = { ...wafer, core: { ...wafer.core, sramBytes } };
      return deploymentOf({ ...config, model: only, wafer: small, placement });
    };
    const { states, placement: placed, ...held } = heldWith(wafer.core.sramBytes);
    const full = usersHeld({ ...held, placement: placed, states: 1 }, 1);
    expect(states).toBeGreaterThan(1);
    // Layers with caches have to hold a position of each too.
    expect(full).toBeLessThanOrEqual(states!);
    // 2 columns of a group, 3 rows: see above. One state more needs so many bytes more.
    const more = 4 * (3 * 2 * 3 + 3 * (2 * 3 + 2 * 4));
    expect(heldWith(wafer.core.sramBytes + more).states).toBe(states! + 1);
    const plain = modelOf([gatedLayer()]);
    expect(deploymentOf({ ...config, wafer, model: plain, placement })).not.toHaveProperty(
      'states',
    );
  });
});
