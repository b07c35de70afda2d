/** A small model with layers of every kind, each with all that its kind may have. */
import type {
  AttentionSpec,
  DeltaSpec,
  GqaSpec,
  LatentSpec,
} from '../../src/model/attention-spec.js';
import type { ExpertsSpec, MlpSpec, RouterSpec } from '../../src/model/mlp-spec.js';
import { kindsOf, type LayerSpec, type ModelSpec } from '../../src/model/model.js';
import { oneHead } from './by-hand.js';

const rope = { dim: 4, width: 4, theta: 1e4, pairs: 'halves' } as const;
const gqa: GqaSpec = { ...oneHead, heads: 4, kvHeads: 2, headDim: 6, scale: 0.4, rope };
const latent: LatentSpec = {
  kind: 'latent',
  heads: 3,
  kvRank: 7,
  nope: 5,
  rope: { ...rope, pairs: 'neighbours' },
  value: 4,
  bias: false,
  scale: 1 / 3,
};
const delta: DeltaSpec = {
  kind: 'delta',
  keyHeads: 2,
  valueHeads: 4,
  keyDim: 5,
  valueDim: 3,
  conv: 4,
};
const router: RouterSpec = {
  score: 'softmax',
  bias: 'none',
  renormalise: true,
  scale: 1,
  scalesInput: false,
  ownNorm: false,
  perExpertScale: false,
};
const silu = { fn: 'silu' } as const;
const experts: ExpertsSpec = {
  ...{ kind: 'experts', count: 6, topK: 2, inner: 9, act: silu, bias: false, router },
};
const dense = (bias: boolean): MlpSpec => ({ kind: 'dense', inner: 17, act: silu, bias });

const layer = (attention: AttentionSpec, mlp: MlpSpec, of: Partial<LayerSpec> = {}): LayerSpec => ({
  attention,
  mlp,
  norms: 'pre',
  scaled: false,
  ...of,
});

const indexer = { heads: 2, dim: 8, topK: 64, own: true, pairs: 'halves' } as const;

/** By what is special about them. */
export const KINDS: Record<string, LayerSpec> = {
  'a plain layer': layer(gqa, dense(false)),
  'biases everywhere': layer({ ...gqa, bias: true, outBias: true }, dense(true)),
  'norms of heads and a gate': layer({ ...gqa, qkNorm: 'head', gate: true }, dense(false)),
  'norms after, and of all heads': layer({ ...gqa, qkNorm: 'whole' }, dense(false), {
    norms: 'post',
  }),
  'norms around, values that are keys, a scalar': layer(
    { ...gqa, qkNorm: 'head', vNorm: true, valueIsKey: true },
    {
      ...experts,
      router: { ...router, ownNorm: true, perExpertScale: true },
      parallel: { inner: 13 },
    },
    { norms: 'sandwich', scaled: true },
  ),
  'sinks, a window, experts with biases': layer(
    { ...gqa, sinks: true, span: { kind: 'window', size: 3 } },
    { ...experts, bias: true, router: { ...router, score: 'softmax-of-top', bias: 'logit' } },
  ),
  'latent queries, groups of experts': layer(
    { ...latent, qRank: 8, bias: true, indexer },
    {
      ...experts,
      router: { ...router, score: 'sigmoid', bias: 'choice', groups: { count: 3, keep: 2 } },
      shared: { inner: 11, gate: false },
    },
  ),
  'direct queries of a latent cache': layer(latent, dense(false)),
  'a delta rule, a gated shared expert': layer(delta, {
    ...experts,
    shared: { inner: 11, gate: true },
  }),
};

export function modelOf(layers: LayerSpec[], changes: Partial<ModelSpec> = {}): ModelSpec {
  return {
    name: 'kinds',
    family: 'llama',
    dim: 18,
    vocab: 23,
    ...kindsOf(layers),
    normEpsilon: 1e-6,
    normPlusOne: false,
    embeddingScale: 1,
    tied: false,
    maxContext: 64,
    dtype: 'f32',
    weightBits: 32,
    ...changes,
  };
}
