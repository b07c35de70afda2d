/** Small models with gated delta nets of any sizes, among layers of gated attention. */
import fc from 'fast-check';
import type { DeltaSpec } from '../../src/model/attention-spec.js';
import type { LayerSpec, ModelSpec } from '../../src/model/model.js';
import { layerWith, modelOf, ropeWith } from './dense-models.js';
import { expertsWith } from './expert-models.js';

export function deltaWith(changes: Partial<DeltaSpec> = {}): DeltaSpec {
  const heads = { keyHeads: 2, valueHeads: 4, keyDim: 5, valueDim: 7 };
  return { kind: 'delta', ...heads, conv: 4, ...changes };
}

export function deltaLayer(
  changes: Partial<DeltaSpec> = {},
  rest: Partial<LayerSpec> = {},
): LayerSpec {
  return { ...layerWith({}, rest), attention: deltaWith(changes) };
}

/** As Qwen3-Next has it, a part of each head turned. */
export const gatedLayer = (rest: Partial<LayerSpec> = {}) =>
  layerWith({ gate: true, qkNorm: 'head', rope: ropeWith({ dim: 2, width: 2 }) }, rest);

/** Layers of both kinds; those with a delta net are of the given sizes. */
export function hybrid(changes: Partial<DeltaSpec> = {}, more: Partial<ModelSpec> = {}): ModelSpec {
  const shared = expertsWith({ shared: { inner: 5, gate: true } });
  const layers = [deltaLayer(changes), gatedLayer(), deltaLayer(changes, { mlp: shared })];
  return modelOf(layers, { normPlusOne: true, ...more });
}

const whole = (min: number, max: number) => fc.integer({ min, max });

const deltas: fc.Arbitrary<DeltaSpec> = fc
  .record({
    ...{ keyHeads: whole(1, 4), each: whole(1, 3), keyDim: whole(1, 9), valueDim: whole(1, 9) },
    conv: whole(1, 5),
  })
  .map(({ each, ...of }) => ({ kind: 'delta', ...of, valueHeads: each * of.keyHeads }));

export const deltaModels: fc.Arbitrary<ModelSpec> = fc
  .record({
    specs: fc.array(deltas, { minLength: 1, maxLength: 2 }),
    ...{ gated: fc.boolean(), experts: fc.boolean(), dim: whole(2, 30), tied: fc.boolean() },
    norms: fc.constantFrom('pre', 'post', 'sandwich'),
    types: fc.constantFrom(['f32', 32], ['f32', 8], ['f16', 16], ['f16', 8]),
    normPlusOne: fc.boolean(),
  })
  .map(({ specs, gated, experts, norms, types: [dtype, weightBits], ...rest }) => {
    const mlp = experts ? { mlp: expertsWith({ shared: { inner: 4, gate: true } }) } : {};
    const layers = specs.map((attention) => ({ ...layerWith({}, { norms, ...mlp }), attention }));
    return modelOf([...layers, ...(gated ? [gatedLayer({ norms })] : [])], {
      ...rest,
      ...({ dtype, weightBits } as Pick<ModelSpec, 'dtype' | 'weightBits'>),
    });
  });
