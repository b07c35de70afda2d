/** Small models with latent attention: any sizes, dense layers and experts. */
import fc from 'fast-check';
import type { LatentSpec } from '../../src/model/attention-spec.js';
import type { LayerSpec, ModelSpec } from '../../src/model/model.js';
import { layerWith, modelOf, ropeWith } from './dense-models.js';
import { expertsWith } from './expert-models.js';

/** Three heads of odd sizes, but for what is given. */
export function latentWith(changes: Partial<LatentSpec> = {}): LatentSpec {
  const dim = changes.rope?.dim ?? 4;
  return {
    ...({ kind: 'latent', heads: 3, qRank: 10, kvRank: 7, nope: 5, value: 3 } as const),
    rope: ropeWith({ dim, width: dim, pairs: 'neighbours' }),
    ...{ bias: false, scale: 0.4 },
    ...changes,
  };
}

export function latentLayer(
  changes: Partial<LatentSpec> = {},
  rest: Partial<LayerSpec> = {},
): LayerSpec {
  return { ...layerWith(), attention: latentWith(changes), ...rest };
}

/** Without a latent vector of queries. */
export function withoutRank({ qRank: _, ...spec }: LatentSpec): LatentSpec {
  return spec;
}

/** A dense layer and one with experts, as DeepSeek's are. */
export function latentModel(spec: LatentSpec, changes: Partial<ModelSpec> = {}): ModelSpec {
  const router = { score: 'sigmoid', bias: 'choice', groups: { count: 3, keep: 2 } } as const;
  const experts = expertsWith({ count: 9, topK: 3, shared: { inner: 5, gate: false }, router });
  return modelOf([latentLayer(spec), latentLayer(spec, { mlp: experts })], changes);
}

const whole = (min: number, max: number) => fc.integer({ min, max });

export const latentSpecs: fc.Arbitrary<LatentSpec> = fc
  .record({
    ...{ heads: whole(1, 6), qRank: fc.option(whole(1, 12)), kvRank: whole(1, 12) },
    ...{ nope: whole(1, 9), value: whole(1, 9), pairs: whole(1, 4), bias: fc.boolean() },
    lie: fc.constantFrom('halves', 'neighbours'),
    yarn: fc.boolean(),
    scale: fc.constantFrom(0.2, 0.5),
  })
  .map(({ qRank, pairs, lie, yarn, ...rest }) => {
    const dim = 2 * pairs;
    const scaling = {
      ...{ factor: 4, betaFast: 3, betaSlow: 0.5, truncate: true, originalMaxPosition: 16 },
      amplitude: 1.25,
    };
    const rope = ropeWith({ dim, width: dim, pairs: lie, ...(yarn && { scaling }) });
    const spec = latentWith({ ...rest, rope });
    return qRank === null ? withoutRank(spec) : { ...spec, qRank };
  });

/** Models of two layers, in any type of numbers and weights. */
export const latentModels: fc.Arbitrary<ModelSpec> = fc
  .record({
    spec: latentSpecs,
    norms: fc.constantFrom('pre', 'post', 'sandwich'),
    ...{ dim: whole(2, 30), normPlusOne: fc.boolean() },
    types: fc.constantFrom(['f32', 32], ['f32', 8], ['f32', 4], ['f16', 16], ['f16', 8]),
  })
  .map(({ spec, norms, types, ...rest }) => {
    const changes = { ...rest, dtype: types[0], weightBits: types[1] } as Partial<ModelSpec>;
    const model = latentModel(spec, changes);
    return { ...model, kinds: model.kinds.map((layer) => ({ ...layer, norms })) };
  });
