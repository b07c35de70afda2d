/** Small models with experts: whatever routers do, any sizes, among dense layers. */
import fc from 'fast-check';
import type { ExpertsSpec, RouterSpec } from '../../src/model/mlp-spec.js';
import type { LayerSpec, ModelSpec } from '../../src/model/model.js';
import { layerWith, modelOf } from './dense-models.js';

type Changes = Partial<Omit<ExpertsSpec, 'router' | 'kind'>> & { router?: Partial<RouterSpec> };

/** Six experts of which two are chosen by a softmax, but for what is given. */
export function expertsWith({ router, ...changes }: Changes = {}): ExpertsSpec {
  return {
    ...({
      kind: 'experts',
      count: 6,
      topK: 2,
      inner: 9,
      act: { fn: 'silu' },
      bias: false,
    } as const),
    router: {
      ...({ score: 'softmax', bias: 'none', renormalise: true, scale: 1 } as const),
      ...{ scalesInput: false, ownNorm: false, perExpertScale: false },
      ...router,
    },
    ...changes,
  };
}

export function expertLayer(changes: Changes = {}, rest: Partial<LayerSpec> = {}): LayerSpec {
  return { ...layerWith({}, { mlp: expertsWith(changes) }), ...rest };
}

const whole = (min: number, max: number) => fc.integer({ min, max });

const routers: fc.Arbitrary<RouterSpec> = fc.record({
  score: fc.constantFrom('softmax', 'softmax-of-top', 'sigmoid'),
  bias: fc.constantFrom('none', 'logit', 'choice'),
  scale: fc.constantFrom(1, 2.5),
  ...{ renormalise: fc.boolean(), scalesInput: fc.boolean() },
  ...{ ownNorm: fc.boolean(), perExpertScale: fc.boolean() },
});

export const expertSpecs: fc.Arbitrary<ExpertsSpec> = fc
  .record({
    ...{ groups: whole(1, 4), size: whole(2, 5), keep: whole(1, 4), topK: whole(1, 5) },
    ...{ router: routers, inner: whole(1, 13), bias: fc.boolean() },
    shared: fc.option(fc.record({ inner: whole(1, 13), gate: fc.boolean() }), { nil: undefined }),
    fn: fc.constantFrom('silu', 'gelu-tanh'),
  })
  .map(({ groups, size, keep, topK, router, shared, fn, ...rest }) => {
    const count = groups * size;
    const isGrouped = groups > 1;
    const kept = Math.min(keep, groups);
    return {
      ...({ kind: 'experts', act: { fn }, count } as const),
      topK: Math.min(topK, isGrouped ? kept * size : count),
      ...(shared && { shared }),
      router: { ...router, ...(isGrouped && { groups: { count: groups, keep: kept } }) },
      ...rest,
    };
  });

/** Models of up to three layers, dense ones among them, in any type of numbers and weights. */
export const expertModels: fc.Arbitrary<ModelSpec> = fc
  .record({
    specs: fc.array(fc.option(expertSpecs, { nil: undefined }), { minLength: 1, maxLength: 3 }),
    first: expertSpecs,
    norms: fc.constantFrom('pre', 'post', 'sandwich'),
    ...{ dim: whole(2, 30), tied: fc.boolean() },
    types: fc.constantFrom(['f32', 32], ['f32', 8], ['f16', 16], ['f16', 8]),
  })
  .map(({ specs, first, norms, types, ...rest }) => {
    const layers = [first, ...specs].map((mlp) => {
      if (mlp === undefined) return layerWith();
      const router = { ...mlp.router, ownNorm: mlp.router.ownNorm && norms !== 'post' };
      return layerWith({}, { norms, mlp: { ...mlp, router } });
    });
    return modelOf(layers, {
      ...rest,
      dtype: types[0],
      weightBits: types[1],
    });
  });
