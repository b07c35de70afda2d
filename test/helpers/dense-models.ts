/** Small models whose layers are of several kinds, with whatever dense families have. */
import fc from 'fast-check';
import type { GqaSpec, Rope, RopeScaling, Span } from '../../src/model/attention-spec.js';
import type { Act } from '../../src/model/mlp-spec.js';
import { kindsOf, type LayerSpec, type ModelSpec } from '../../src/model/model.js';

/** What the layers of a plain Llama have, of odd sizes, but for what is given. */
export function layerWith(
  attention: Partial<GqaSpec> = {},
  rest: Partial<Omit<LayerSpec, 'attention'>> = {},
): LayerSpec {
  const headDim = attention.headDim ?? 6;
  return {
    attention: {
      ...({ kind: 'gqa', heads: 4, kvHeads: 2, headDim } as const),
      ...({ bias: false, outBias: false, qkNorm: 'none', vNorm: false } as const),
      ...{ valueIsKey: false, gate: false, sinks: false, scale: 1 / Math.sqrt(headDim) },
      ...({ rope: ropeWith({ dim: headDim, width: headDim }), span: { kind: 'full' } } as const),
      ...attention,
    },
    mlp: { kind: 'dense', inner: 19, act: { fn: 'silu' }, bias: false },
    ...({ norms: 'pre', scaled: false } as const),
    ...rest,
  };
}

export function ropeWith(changes: Partial<Rope>): Rope {
  return { dim: 6, width: 6, theta: 100, pairs: 'halves', ...changes };
}

/** A model of these layers, of odd sizes. */
export function modelOf(layers: LayerSpec[], changes: Partial<ModelSpec> = {}): ModelSpec {
  return {
    ...{ name: 'small', family: 'llama', dim: 22, vocab: 41, normEpsilon: 1e-5 },
    ...{ normPlusOne: false, embeddingScale: 1, tied: false, maxContext: 64 },
    ...({ dtype: 'f32', weightBits: 32 } as const),
    ...kindsOf(layers),
    ...changes,
  };
}

const whole = (min: number, max: number) => fc.integer({ min, max });
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });

const spans: fc.Arbitrary<Span> = fc.oneof(
  fc.constant<Span>({ kind: 'full' }),
  fc.record({ kind: fc.constantFrom('window', 'chunk'), size: whole(1, 9) }),
);

function scalingOf(pairs: number): fc.Arbitrary<RopeScaling> {
  const factors = fc.array(fc.double({ min: 1, max: 4, noNaN: true }), {
    minLength: pairs,
    maxLength: pairs,
  });
  const amplitude = fc.constantFrom(1, 1.25);
  return fc.oneof(
    fc.constant<RopeScaling>({ factor: 3 }),
    fc.constant<RopeScaling>({
      ...{ factor: 4, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPosition: 16 },
    }),
    fc.record({
      ...{ factor: fc.constant(4), betaFast: fc.constant(3), betaSlow: fc.constant(0.5) },
      ...{ truncate: fc.boolean(), originalMaxPosition: fc.constant(16), amplitude },
    }),
    // Some runs are longer than the original length.
    fc.record({ short: factors, long: factors, originalMaxPosition: whole(4, 16), amplitude }),
  );
}

/** Rotary embedding of a part of a head, or of a few of its pairs far apart. */
function ropesOf(headDim: number): fc.Arbitrary<Rope> {
  return whole(1, headDim / 2).chain((pairs) => {
    const dim = 2 * pairs;
    return fc.record({
      ...{ dim: fc.constant(dim), width: fc.constantFrom(dim, headDim), theta: whole(10, 1000) },
      pairs: fc.constantFrom('halves', 'neighbours'),
      scaling: fc.option(scalingOf(pairs), { nil: undefined }),
    }) as fc.Arbitrary<Rope>;
  });
}

const attentions: fc.Arbitrary<Partial<GqaSpec>> = fc
  .record({ kvHeads: whole(1, 4), shared: whole(1, 3), pairs: whole(1, 5) })
  .chain(({ kvHeads, shared, pairs }) =>
    fc.record({
      kvHeads: fc.constant(kvHeads),
      heads: fc.constant(kvHeads * shared),
      headDim: fc.constant(2 * pairs),
      ...{ bias: fc.boolean(), outBias: fc.boolean() },
      qkNorm: fc.constantFrom('none', 'head', 'whole', 'head-after-rope'),
      sinks: fc.boolean(),
      temperature: maybe(fc.record({ floor: whole(1, 9), scale: fc.constantFrom(0.1, 0.7) })),
      scale: fc.constantFrom(0.3, 0.5),
      ...{ scoreCap: maybe(fc.constantFrom(1.5, 4)), rope: maybe(ropesOf(2 * pairs)) },
      span: spans,
    }),
  )
  .map(({ scoreCap, temperature, ...rest }) => {
    const given = { ...(scoreCap && { scoreCap }), ...(temperature && { temperature }) };
    return { ...rest, ...given } as GqaSpec;
  });

/** Some with limits that many gates and ups of a small model are beyond. */
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ fn: fc.constantFrom<Act['fn']>('silu', 'gelu-tanh') }),
  fc.record({
    ...{ fn: fc.constant<Act['fn']>('silu'), clamp: fc.constantFrom(0.3, 1, 7) },
    ...{ alpha: fc.constantFrom(1, 1.702), plusOne: fc.boolean() },
  }),
);

const layers: fc.Arbitrary<LayerSpec> = fc
  .record({
    attention: attentions,
    ...{ inner: whole(1, 23), bias: fc.boolean(), act: acts },
    norms: fc.constantFrom('pre', 'post', 'sandwich'),
  })
  .map(({ attention, norms, inner, bias, act }) =>
    layerWith(attention, { norms, mlp: { kind: 'dense', inner, act, bias } }),
  );

/** Models of up to four layers of up to three kinds, in any type of numbers and weights. */
export const denseModels: fc.Arbitrary<ModelSpec> = fc
  .record({
    kinds: fc.array(layers, { minLength: 1, maxLength: 3 }),
    order: fc.array(whole(0, 2), { minLength: 1, maxLength: 4 }),
    ...{ dim: whole(2, 30), vocab: whole(2, 50), tied: fc.boolean() },
    normPlusOne: fc.boolean(),
    embeddingScale: fc.constantFrom(1, Math.sqrt(30)),
    logitCap: maybe(fc.constantFrom(0.7, 3)),
    types: fc.constantFrom(['f32', 32], ['f32', 8], ['f16', 16], ['f16', 8]),
  })
  .map(({ kinds, order, types, logitCap, ...rest }) =>
    modelOf(
      order.map((kind) => kinds[kind % kinds.length]),
      {
        ...rest,
        ...(logitCap !== undefined && { logitCap }),
        dtype: types[0],
        weightBits: types[1],
      },
    ),
  );
