/** What the layers of a model have beyond a plain Llama's: who computes a model has to have all of it. */
import type { AttentionSpec, GqaSpec, Rope } from './attention-spec.js';
import type { Act, MlpSpec } from './mlp-spec.js';
import type { LayerSpec, ModelSpec } from './model.js';

/** Feature -> what it is, and the published fields that ask for it: the first one that a file has. */
export const FEATURES = {
  experts: ['a mixture of experts', 'n_routed_experts', 'num_local_experts', 'num_experts'],
  parallelExperts: ['a dense MLP next to the experts'],
  parallelShared: ['a shared expert beside a dense MLP next to the experts'],
  routerNorm: ['a norm of the router without one before the MLP'],
  latent: ['multi-head latent attention', 'kv_lora_rank'],
  indexer: ['sparse attention', 'index_topk'],
  delta: ['gated delta nets', 'layer_types', 'full_attention_interval'],
  gate: ['gated attention', 'attn_output_gate'],
  sinks: ['learned scores next to those of the positions'],
  window: ['a sliding window', 'sliding_window'],
  chunk: ['chunked attention', 'attention_chunk_size'],
  noRope: ['layers without rotary embedding', 'no_rope_layers'],
  temperature: ['queries scaled by position', 'attn_temperature_tuning'],
  attentionBias: ['biases in attention', 'attention_bias', 'qkv_bias'],
  mlpBias: ['biases in the MLP', 'mlp_bias'],
  headNorm: ['query and key normalisation', 'use_qk_norm'],
  wholeNorm: ['query and key normalisation over all heads'],
  headNormAfter: ['query and key normalisation after the rotary embedding', 'use_qk_norm'],
  valueNorm: ['value normalisation'],
  valueIsKey: ['values that are keys', 'attention_k_eq_v'],
  scoreScale: ['a scale of scores', 'query_pre_attn_scalar'],
  scoreCap: ['capped scores', 'attn_logit_softcapping'],
  logitCap: ['capped logits', 'final_logit_softcapping'],
  postNorms: ['norms of what a block gives'],
  scaled: ['scaled layers'],
  normPlusOne: ['norms whose weights are added to one'],
  embeddingScale: ['scaled embeddings'],
  gelu: ['a GELU', 'hidden_activation', 'hidden_act'],
  clamp: ['a clamped MLP', 'swiglu_limit'],
  partialRope: [
    'rotary embedding of a part of each head',
    'partial_rotary_factor',
    'rope_scaling.partial_rotary_factor',
    'rope_parameters.partial_rotary_factor',
    'rope_parameters.full_attention.partial_rotary_factor',
  ],
  neighbours: ['rotary pairs of neighbours', 'rope_interleave'],
  longrope: [
    'LongRoPE',
    'rope_scaling.rope_type',
    'rope_scaling.type',
    'rope_parameters.rope_type',
  ],
} as const satisfies Record<string, readonly [string, ...string[]]>;

export type Feature = keyof typeof FEATURES;

/** The features of a model, in the order of the table. */
export function featuresOf(
  model: Pick<ModelSpec, 'kinds' | 'normPlusOne' | 'embeddingScale' | 'logitCap'>,
): Feature[] {
  const found = new Set<Feature>(model.kinds.flatMap(ofLayer));
  if (model.logitCap !== undefined) found.add('logitCap');
  if (model.normPlusOne) found.add('normPlusOne');
  if (model.embeddingScale !== 1) found.add('embeddingScale');
  return (Object.keys(FEATURES) as Feature[]).filter((feature) => found.has(feature));
}

/** Those of a table whose flag is set. */
function flagged(flags: Partial<Record<Feature, boolean>>): Feature[] {
  return (Object.keys(flags) as Feature[]).filter((feature) => flags[feature]);
}

function ofLayer({ attention, mlp, norms, scaled }: LayerSpec): Feature[] {
  const own = flagged({ postNorms: norms !== 'pre', scaled });
  return [...own, ...ofAttention(attention), ...ofMlp(mlp, norms)];
}

function ofAttention(attention: AttentionSpec): Feature[] {
  if (attention.kind === 'delta') return ['delta'];
  if (attention.kind === 'gqa') return [...ofGqa(attention), ...ofRope(attention)];
  const { bias, indexer } = attention;
  return ['latent', ...flagged({ attentionBias: bias, indexer: indexer !== undefined })];
}

function ofGqa(a: GqaSpec): Feature[] {
  return flagged({
    gate: a.gate,
    sinks: a.sinks,
    window: a.span.kind === 'window',
    chunk: a.span.kind === 'chunk',
    noRope: a.rope === undefined,
    temperature: a.temperature !== undefined,
    attentionBias: a.bias || a.outBias,
    headNorm: a.qkNorm === 'head',
    wholeNorm: a.qkNorm === 'whole',
    headNormAfter: a.qkNorm === 'head-after-rope',
    valueNorm: a.vNorm,
    valueIsKey: a.valueIsKey,
    scoreScale: a.scale !== 1 / Math.sqrt(a.headDim),
    scoreCap: a.scoreCap !== undefined,
  });
}

function ofRope({ rope, headDim }: { rope?: Rope; headDim: number }): Feature[] {
  if (rope === undefined) return [];
  return flagged({
    partialRope: rope.dim !== headDim,
    neighbours: rope.pairs === 'neighbours',
    longrope: rope.scaling !== undefined && 'long' in rope.scaling,
  });
}

function ofMlp(mlp: MlpSpec, norms: LayerSpec['norms']): Feature[] {
  const act = flagged({ ...ofAct(mlp.act), mlpBias: mlp.bias });
  if (mlp.kind === 'dense') return act;
  const { ownNorm } = mlp.router;
  const router = flagged({
    parallelExperts: mlp.parallel !== undefined,
    parallelShared: mlp.parallel !== undefined && mlp.shared !== undefined,
    routerNorm: ownNorm && norms === 'post',
  });
  return ['experts', ...router, ...act];
}

function ofAct({ fn, clamp, alpha, plusOne }: Act): Partial<Record<Feature, boolean>> {
  return {
    gelu: fn === 'gelu-tanh',
    clamp: clamp !== undefined || plusOne === true || (alpha ?? 1) !== 1,
  };
}
