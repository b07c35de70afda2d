/**
 * Sinks, temperatures and norms after RoPE, next to windows, chunks and layers without RoPE, as gpt-oss,
 * Llama 4 and GLM-4 mix them: the wafer computes what the plain decoder does.
 */
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import { planToken } from '../src/lowering/token.js';
import { valueCache } from '../src/lowering/values.js';
import type { GqaSpec } from '../src/model/attention-spec.js';
import { layerOf, type LayerSpec, type ModelSpec } from '../src/model/model.js';
import type { GqaWeights, Vector, Weights } from '../src/model/model-weights.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { place } from '../src/placement/place.js';
import { simulate } from '../src/studies/run/run.js';
import { layerWith, modelOf, ropeWith } from './helpers/dense-models.js';
import { OPTIONS } from './helpers/options.js';
import { runOn } from './helpers/rectangle.js';
import { gqaShape } from './helpers/shapes.js';
import { logitsOf } from './helpers/wafer-tokens.js';
import { asking, wse3 } from './placement-helpers.js';
import { cases, FULL } from './helpers/full.js';

const HEADS = { heads: 9, kvHeads: 3, headDim: 10 } as const;
const rope = (changes: object = {}) => ropeWith({ dim: 10, width: 10, ...changes });

/** A layer with three query heads for each of three KV heads. */
function layer(attention: Partial<GqaSpec>, act: object = { fn: 'silu' }, bias = false): LayerSpec {
  const mlp = { kind: 'dense', inner: 17, act, bias } as LayerSpec['mlp'];
  return layerWith({ ...HEADS, rope: rope(), ...attention }, { mlp });
}

function unturned(attention: Partial<GqaSpec>): LayerSpec {
  const made = layer(attention);
  const { rope: _, ...rest } = made.attention as GqaSpec;
  return { ...made, attention: rest };
}

const yarn = { factor: 4, betaFast: 3, betaSlow: 0.5, truncate: false, originalMaxPosition: 16 };
const clamped = { fn: 'silu', clamp: 0.5, alpha: 1.702, plusOne: true };
const biased = {
  ...{ bias: true, outBias: true, sinks: true },
  rope: rope({ scaling: { ...yarn, amplitude: 1.14 } }),
};
const near = { kind: 'window', size: 4 } as const;
const temperature = { floor: 3, scale: 0.4 };

const MODELS: [string, ModelSpec][] = [
  [
    'gpt-oss',
    modelOf([layer({ ...biased, span: near }, clamped, true), layer(biased, clamped, true)]),
  ],
  [
    'Llama 4',
    modelOf([
      layer({
        qkNorm: 'head-after-rope',
        rope: rope({ pairs: 'neighbours' }),
        span: { kind: 'chunk', size: 4 },
      }),
      unturned({ temperature }),
    ]),
  ],
  [
    'GLM-4',
    modelOf([layer({ bias: true, qkNorm: 'head', rope: rope({ dim: 4, width: 4 }) }), layer({})]),
  ],
  [
    'all of it in one layer',
    modelOf([
      layer(
        {
          ...biased,
          ...{ temperature, scoreCap: 2, scale: 0.8, qkNorm: 'head-after-rope', span: near },
        },
        clamped,
      ),
      layer({ sinks: true, qkNorm: 'whole', temperature: { floor: 2, scale: -0.3 } }),
    ]),
  ],
];

/** No shape divides the models' sizes. */
const SHAPES = {
  'columns that share a KV head': { rows: 5, columns: 7, groups: 2 },
  'groups of almost as many columns as pairs': { rows: 3, columns: 13, groups: 1 },
  'groups of more columns than pairs': { rows: 2, columns: 20, groups: 2 },
  'a column of two KV heads, and one of which is padded': { rows: 4, columns: 2, groups: 2 },
  'a column of all KV heads': { rows: 7, columns: 1, groups: 3 },
  'one core': { rows: 1, columns: 1, groups: 1 },
  'more rows than positions': { rows: 19, columns: 4, groups: 3 },
};

interface Shape {
  rows: number;
  columns: number;
  groups: number;
}

async function checkOf(
  model: ModelSpec,
  shape: Shape,
  placement: Partial<ResolvedConfig['placement']> = {},
  batch = 1,
) {
  // Positions 7 to 11: past the window, over the edge of a chunk and a floor.
  const steps = { context: 7, tokens: 5 };
  const asked = { workload: { batch }, placement };
  return (await runOn(model, { ...shape, ...steps }, asked)).check!;
}

describe.each(MODELS.map(([name, model], i) => [name, model, i] as const))(
  'layers as in %s',
  (_, model, i) => {
    const shapes = Object.entries(SHAPES);
    const some = shapes.filter((__, j) => (i + j) % 2 === 0);
    const more = shapes.filter((__, j) => (i + j) % 2 === 1);
    it.each(cases(some, more))('have the logits of the plain decoder on %s', async (__, shape) => {
      const check = await checkOf(model, shape);
      expect(check).toMatchObject({ passed: true, choice: true });
      expect(check.logitsMaxRelativeError).toBeLessThan(1e-5);
    });

    const shape = SHAPES['columns that share a KV head'];
    it('have them in 16 bits and with 8-bit weights', async () => {
      const narrow = SHAPES['groups of almost as many columns as pairs'];
      // In 16 bits caches of values lie by positions where heads are wide on a column, and by elements where narrow.
      const types = [
        [{ weightBits: 8 }, shape],
        [{ dtype: 'f16', weightBits: 16 }, shape],
        [{ dtype: 'f16', weightBits: 16 }, narrow],
      ] as const;
      for (const [type, of] of FULL ? types : [types[i % 3]])
        expect(await checkOf({ ...model, ...type }, of)).toMatchObject({ passed: true });
    });

    it('have them in two regions a layer, and for several users', async () => {
      if (FULL || i % 2 === 0) {
        const split = await checkOf(model, shape, { layers: 'split' });
        expect(split).toMatchObject({ passed: true, choice: true });
      }
      if (!FULL && i % 2 === 0) return;
      const three = await checkOf(model, shape, {}, 3);
      expect(three).toMatchObject({ passed: true, choice: true });
      expect(three.users).toMatchObject({ of: 3 });
    });
  },
);

const TOKENS = [5, 0, 17, 40, 5, 3, 8, 21, 9];

function plainLogits(model: ModelSpec, weights: Weights): Float64Array[] {
  const decoder = createPlainDecoder(model, weights, TOKENS.length);
  return TOKENS.map((token) => decoder.step(token));
}

/** The largest error of the wafer's logits, token by token from an empty cache. */
async function errorOf(model: ModelSpec, weights: Weights, rows = 3, layerColumns = 7) {
  const sets = ['hardware.width=200', 'hardware.core.sram=1 MiB'];
  const config = loadConfig('configs/tiny.yaml', sets);
  const growth = 'minimal' as const;
  const placement = { ...config.placement, growth, rows, layerColumns, groups: 2 };
  const found = await logitsOf({ ...config, model, placement }, weights, TOKENS);
  const expected = plainLogits(model, weights);
  return Math.max(...found.map((logits, t) => relativeError(logits, expected[t])));
}

const weightsOf = (model: ModelSpec) => randomWeights(model, seedrandom.alea('flags'));
const gqaWeights = ({ layers }: Weights) => layers.map(({ attention }) => attention as GqaWeights);
const times = (values: Vector, factor: number) => {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
};

describe('what is left out', () => {
  const change = (model: ModelSpec, kind: number, attention: Partial<GqaSpec>): ModelSpec => ({
    ...model,
    kinds: model.kinds.map((own, i) =>
      i === kind ? { ...own, attention: { ...(own.attention as GqaSpec), ...attention } } : own,
    ),
  });
  const withClamp = (model: ModelSpec, clamp: number): ModelSpec => ({
    ...model,
    kinds: model.kinds.map((own) => ({
      ...own,
      mlp: { ...own.mlp, act: { ...own.mlp.act, clamp } },
    })),
  });
  const [[, gptOss], [, llama4]] = MODELS;
  const full = { span: { kind: 'full' } } as const;
  it.each([
    ['a sink', gptOss, change(gptOss, 1, { sinks: false })],
    ['the window', gptOss, change(gptOss, 0, full)],
    ['the chunk', llama4, change(llama4, 0, full)],
    ['the clamp', gptOss, withClamp(gptOss, 1e9)],
    ['the temperature', llama4, change(llama4, 1, { temperature: { floor: 3, scale: 0 } })],
    [
      'one position of the floor',
      llama4,
      change(llama4, 1, { temperature: { floor: 4, scale: 0.4 } }),
    ],
    ['the norm after RoPE', llama4, change(llama4, 0, { qkNorm: 'none' })],
  ])('would be seen: %s', (_, model, without) => {
    const weights = weightsOf(model);
    const [all, fewer] = [plainLogits(model, weights), plainLogits(without, weights)];
    const differences = all.map((logits, t) => relativeError(fewer[t], logits));
    expect(Math.max(...differences)).toBeGreaterThan(3e-3);
  });
});

describe('a sink', () => {
  const model = modelOf([layer({ sinks: true }), layer({ sinks: true })]);

  it.each([
    ['far below all scores', -1e5],
    ['a little above them', 3],
    ['of which exp overflows', 200],
  ])('is right %s', async (_, sink) => {
    const weights = weightsOf(model);
    for (const { sinks } of gqaWeights(weights)) sinks!.fill(sink);
    expect(await errorOf(model, weights)).toBeLessThan(1e-5);
  });

  it('is one of those that the maximum is of', async () => {
    const one = modelOf([layer({ sinks: true })]);
    const weights = weightsOf(one);
    const [{ q, v, o, sinks }] = gqaWeights(weights);
    // All scores are 0 and shares near exp(-90), of values so large that these count; exp(90) is no f32.
    q.values.fill(0);
    sinks!.fill(90);
    times(v.values, 1e36);
    times(o.values, 1e4);
    const [[first], [none]] = [one, modelOf([layer({})])].map((of) => plainLogits(of, weights));
    expect(relativeError(first, none)).toBeGreaterThan(0.1);
    for (const [rows, columns] of [
      [3, 7],
      [1, 1],
      [6, 2],
    ])
      expect(await errorOf(one, weights, rows, columns)).toBeLessThan(1e-4);
  });

  it('takes no time on cores but the root of each column', async () => {
    const operations = (sinks: boolean) => {
      const { program } = plan(modelOf([layer({ sinks })]), 8).stages[1].write();
      return program.roles.map((role) => {
        const kinds = role.operations.map((op) => (op.kind === 'vector' ? op.fn : op.kind));
        return [role.name, kinds.join(' ')].join(' ');
      });
    };
    const [plain, sunk] = [operations(false), operations(true)];
    const more = sunk.filter((role, i) => role !== plain[i]);
    expect(sunk).toHaveLength(plain.length);
    expect(more.length).toBeGreaterThan(0);
    for (const role of more) expect(role).toMatch(/ min .* sub special /);
    expect(plain.filter((role) => / min /.test(role)).length).toBeGreaterThan(more.length);
  });
});

describe('the cache of values', () => {
  it('lies in the rows that are cheaper, whatever the number of positions', () => {
    const { costs } = loadConfig('configs/wse3.yaml').wafer;
    const formOf = (type: 'f16' | 'f32', columns: number, positions: number) =>
      valueCache(costs, type, gqaShape(modelOf([layer({})]), layer({}), positions, 3, columns));
    for (const positions of [1, 40, 4000]) {
      expect(formOf('f16', 1, positions)).toEqual({ form: 'axpy', slot: 30, element: 1 });
      expect(formOf('f16', 7, positions)).toEqual({ form: 'axpy', slot: 6, element: 1 });
      const element = Math.ceil(positions / 3);
      expect(formOf('f16', 13, positions)).toEqual({ form: 'dot', slot: 1, element });
      expect(formOf('f32', 1, positions)).toEqual({ form: 'dot', slot: 1, element });
    }
  });
});

/** One step of a model with layers of six rows and nine columns. */
function plan(model: ModelSpec, context: number) {
  const wafer = wse3({ core: { ...wse3().core, sramBytes: 1e9 } });
  const sizes = { rows: 6, layerColumns: 9, growth: 'minimal' as const, maxPositions: 40 };
  const placement = place(model, wafer, asking(sizes));
  const groupsOf = () => ({ column: 2, row: 2, head: 1 });
  return planToken({ model, wafer, placement, groupsOf }, { context, maxPositions: 40 });
}

describe('a temperature', () => {
  const model = modelOf([layer({ span: near, temperature: { floor: 6, scale: 0.5 } }), layer({})]);
  const keyOf = (context: number) => plan(model, context).stages[1].key;

  it('changes the program where it changes, and only there', () => {
    // The window is full, and its slots come again after four positions.
    for (let p = 4; p < 30; p++) {
      const isSame = Math.floor((p + 1) / 6) === Math.floor((p + 5) / 6);
      expect(keyOf(p) === keyOf(p + 4), `${p}`).toBe(isSame);
    }
  });

  it('takes no time', async () => {
    const config = loadConfig('configs/tiny.yaml');
    const cycles = async (attention: Partial<GqaSpec>) => {
      const of = { ...config, model: modelOf([layer(attention)]) };
      return (await simulate(of, OPTIONS)).steps.map((step) => step.cycles);
    };
    expect(await cycles({ temperature })).toEqual(await cycles({}));
  });

  it('is right at every position around its floors', async () => {
    for (const floor of cases([2], [1, 5])) {
      const of = modelOf([layer({ temperature: { floor, scale: 1.5 }, sinks: true })]);
      expect(layerOf(of, 0).attention).toMatchObject({ sinks: true });
      expect(await errorOf(of, weightsOf(of))).toBeLessThan(1e-5);
    }
  });
});
