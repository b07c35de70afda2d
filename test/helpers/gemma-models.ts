/** Small models like Gemma 4: heads of two sizes, values that are keys, a dense MLP next to the experts. */
import fc from 'fast-check';
import type { GqaSpec } from '../../src/model/attention-spec.js';
import type { LayerSpec, ModelSpec } from '../../src/model/model.js';
import { layerWith, modelOf, ropeWith } from './dense-models.js';
import { expertsWith } from './expert-models.js';

const GEMMA = { qkNorm: 'head', vNorm: true, scale: 1 } as const;

/** Heads of a window, and those of all positions, whose values are their keys and of which a part turns. */
export const SLIDING: Partial<GqaSpec> = {
  ...GEMMA,
  ...{ heads: 6, kvHeads: 3, headDim: 6, span: { kind: 'window', size: 4 } },
};
export const FULL_HEADS: Partial<GqaSpec> = {
  ...GEMMA,
  ...{ heads: 6, kvHeads: 2, headDim: 10, valueIsKey: true },
  rope: ropeWith({ dim: 4, width: 10, theta: 1000 }),
};

/** Experts and a dense MLP next to them. */
export const BESIDE = expertsWith({
  ...{ count: 7, topK: 3, inner: 5, act: { fn: 'gelu-tanh' }, parallel: { inner: 11 } },
  router: { ownNorm: true, perExpertScale: true },
});

export function gemmaLayer(
  attention: Partial<GqaSpec>,
  rest: Partial<Omit<LayerSpec, 'attention'>> = {},
): LayerSpec {
  return layerWith(attention, { mlp: BESIDE, norms: 'sandwich', scaled: true, ...rest });
}

/** Of these layers, with what the family has besides. */
export function gemmaOf(layers: LayerSpec[], changes: Partial<ModelSpec> = {}): ModelSpec {
  const { dim = 22 } = changes;
  const rest = { embeddingScale: Math.sqrt(dim), logitCap: 30, tied: true };
  return modelOf(layers, { family: 'gemma4', ...rest, ...changes });
}

export const gemma = gemmaOf([gemmaLayer(SLIDING), gemmaLayer(SLIDING), gemmaLayer(FULL_HEADS)]);

const whole = (min: number, max: number) => fc.integer({ min, max });

const heads: fc.Arbitrary<Partial<GqaSpec>> = fc
  .record({
    ...{ kvHeads: whole(1, 4), shared: whole(1, 3), pairs: whole(1, 6), turning: whole(1, 6) },
    ...{ valueIsKey: fc.boolean(), vNorm: fc.boolean(), window: whole(1, 6), bias: fc.boolean() },
    qkNorm: fc.constantFrom('head', 'head', 'none', 'whole', 'head-after-rope'),
  })
  .map(({ kvHeads, shared, pairs, turning, window, ...rest }) => {
    const headDim = 2 * pairs;
    const dim = 2 * Math.min(turning, pairs);
    const span =
      window > 4 ? ({ kind: 'full' } as const) : ({ kind: 'window', size: window } as const);
    const rope = ropeWith({ dim, width: headDim });
    return { ...rest, heads: kvHeads * shared, kvHeads, headDim, scale: 1, rope, span };
  });

const mlps = fc.record({
  ...{ count: whole(1, 9), topK: whole(1, 4), inner: whole(1, 9), parallel: whole(1, 13) },
  ...{ ownNorm: fc.boolean(), perExpertScale: fc.boolean(), bias: fc.boolean() },
});

const layers: fc.Arbitrary<LayerSpec> = fc
  .record({
    ...{ attention: heads, scaled: fc.boolean(), dense: whole(0, 3), mlp: mlps },
    norms: fc.constantFrom('sandwich', 'sandwich', 'pre', 'post'),
  })
  .map(({ attention, dense, mlp: { parallel, ownNorm, perExpertScale, ...mlp }, ...rest }) => {
    const router = { ownNorm, perExpertScale };
    const topK = Math.min(mlp.topK, mlp.count);
    const experts = expertsWith({ ...mlp, topK, parallel: { inner: parallel }, router });
    return layerWith(attention, { ...rest, ...(dense > 0 && { mlp: experts }) });
  });

/** Of sizes that divide nothing. */
export const gemmaModels: fc.Arbitrary<ModelSpec> = fc
  .record({
    kinds: fc.array(layers, { minLength: 1, maxLength: 3 }),
    ...{ dim: whole(2, 30), vocab: whole(2, 50), tied: fc.boolean() },
    logitCap: fc.option(fc.constantFrom(0.7, 30), { nil: undefined }),
    types: fc.constantFrom(['f32', 32], ['f32', 32], ['f32', 8], ['f32', 4], ['f16', 16]),
  })
  .map(({ kinds, types: [dtype, weightBits], logitCap, ...rest }) => {
    const cap = logitCap !== undefined && { logitCap };
    const numbers = { dtype, weightBits } as Pick<ModelSpec, 'dtype' | 'weightBits'>;
    return modelOf(kinds, { ...rest, ...cap, ...numbers, embeddingScale: Math.sqrt(rest.dim) });
  });
