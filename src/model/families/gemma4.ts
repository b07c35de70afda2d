/**
 * gemma4 and gemma4_text: heads of two sizes, values that are keys, a dense MLP next to the experts. Hugging
 * Face transformers, src/transformers/models/gemma4/configuration_gemma4.py.
 */
import { z } from 'zod';
import type { GqaSpec, Rope } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { between, flag, parse, whole, type Fields } from '../fields.js';
import type { MlpSpec } from '../mlp-spec.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Family } from './common.js';
import { count, expertsSpec, routerSpec, width } from './experts.js';
import { maxContextOf, ropeGroup, ropeOf, ropeTypeOf } from './rope.js';
import { FULL, SLIDING, layerTypes, windowsOf } from './spans.js';

const heads = whole(1024);
const ownSizes = z.strictObject(
  { head_dim: heads.nullish(), num_key_value_heads: heads.nullish() },
  { error: 'head_dim and num_key_value_heads alone' },
);
const decoder = z.looseObject({
  ...decoderFields,
  global_head_dim: heads,
  num_global_key_value_heads: heads.nullish(),
  per_layer_config: z.record(z.string(), ownSizes, { error: 'an object or null' }).nullish(),
  attention_k_eq_v: flag,
  final_logit_softcapping: between(1e-3, 1e6).nullish(),
  enable_moe_block: flag,
  num_experts: count.nullish(),
  top_k_experts: count.nullish(),
  moe_intermediate_size: width.nullish(),
});
type Gemma4Fields = z.infer<typeof decoder>;

export const gemma4: Family = {
  defaults: {
    num_key_value_heads: 4,
    head_dim: 256,
    hidden_activation: 'gelu_pytorch_tanh',
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: true,
    sliding_window: 512,
    global_head_dim: 512,
    attention_k_eq_v: false,
    enable_moe_block: false,
    hidden_size_per_layer_input: 256,
    rope_parameters: {
      [SLIDING]: { rope_type: 'default', rope_theta: 10_000 },
      [FULL]: { rope_type: 'proportional', partial_rotary_factor: 0.25, rope_theta: 1_000_000 },
    },
  },
  sizes: {
    vocab_size: 262_144,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 30,
    num_attention_heads: 8,
  },
  fields: [
    ...['num_experts', 'enable_moe_block', 'attention_bias', 'final_logit_softcapping'],
    'per_layer_config',
  ],
  read(fields, given) {
    checkPlain(fields);
    const c = parse(decoder, fields);
    const types = typesOf(c);
    const sizes = sizesByLayer(c, types);
    const attentions = types.map((type, layer) => attentionOf(c, given, type, sizes[layer]));
    const ropes = attentions.map(({ rope }) => rope);
    const maxContext = maxContextOf(c.max_position_embeddings, ropes);
    const mlp = mlpOf(c);
    const layers = windowsOf(types, c, maxContext).map((span, layer) => {
      const attention = { ...attentions[layer], span };
      return layerSpec({ attention, mlp, norms: 'sandwich', scaled: true });
    });
    const { final_logit_softcapping: logitCap } = c;
    return {
      ...sizesOf(c, true),
      maxContext,
      layers,
      embeddingScale: Math.sqrt(c.hidden_size),
      ...(logitCap && { logitCap }),
    };
  },
};

/** The last layer attends to all positions, whatever the list says. */
function typesOf(c: Gemma4Fields): string[] {
  const types = layerTypes(c, [SLIDING, FULL], (at) => ((at + 1) % 6 === 0 ? FULL : SLIDING));
  return [...types.slice(0, -1), FULL];
}

/** What the family's smaller models have, and this description of layers has not. */
function checkPlain(fields: Fields): void {
  for (const field of [
    'num_kv_shared_layers',
    'hidden_size_per_layer_input',
    'use_double_wide_mlp',
  ]) {
    const { [field]: value } = fields;
    if (value !== undefined && value !== null && value !== 0 && value !== false)
      throw unexpected(field, '0 or false: nothing that layers share or add', value);
  }
  if (fields['use_bidirectional_attention'] === 'all')
    throw unexpected(
      'use_bidirectional_attention',
      'null or vision, as a decoder looks back only',
      'all',
    );
}

type OwnSizes = z.infer<typeof ownSizes>;

/**
 * What layers have otherwise than the model: of those that attend to all positions by fields of the whole model, or,
 * as transformers 5.15 and later save it, by the layer's number.
 */
function sizesByLayer(c: Gemma4Fields, types: readonly string[]): OwnSizes[] {
  const { per_layer_config: given } = c;
  if (!given) {
    const global: OwnSizes = {
      head_dim: c.global_head_dim,
      ...(c.attention_k_eq_v && { num_key_value_heads: c.num_global_key_value_heads }),
    };
    return types.map((type) => (type === FULL ? global : {}));
  }
  const sizes = types.map((): OwnSizes => ({}));
  for (const [key, own] of Object.entries(given)) {
    if (!/^\d+$/.test(key) || sizes[Number(key)] === undefined)
      throw unexpected(
        'per_layer_config',
        `numbers of layers below num_hidden_layers = ${types.length}`,
        key,
      );
    sizes[Number(key)] = own;
  }
  return sizes;
}

/** That of a layer; the span comes with the layer. */
function attentionOf(c: Gemma4Fields, given: Fields, type: string, own: OwnSizes): GqaSpec {
  const bias = c.attention_bias ?? false;
  const heads = headsOf(
    {
      ...c,
      head_dim: own.head_dim ?? c.head_dim,
      num_key_value_heads: own.num_key_value_heads ?? c.num_key_value_heads,
    },
    given,
  );
  return gqaSpec({
    ...heads,
    span: { kind: 'full' },
    bias,
    outBias: bias,
    qkNorm: 'head',
    vNorm: true,
    valueIsKey: type === FULL && c.attention_k_eq_v,
    scale: 1,
    rope: ropeIn(c, type, heads.headDim),
  });
}

const proportional = z.looseObject({ factor: between(1e-6, 1e6).nullish() });

/** "Proportional": frequencies of the whole head, of which the first part turns; all divided by `factor`. */
function ropeIn(c: Gemma4Fields, type: string, headDim: number): Rope {
  const asked = {
    headDim,
    field: c.per_layer_config || type !== FULL ? 'head_dim' : 'global_head_dim',
    maxPositions: c.max_position_embeddings,
    layers: type,
    theta: type === FULL ? 1_000_000 : 10_000,
    own: ['proportional'],
  };
  const { group, fields } = ropeGroup(c, type);
  const [, kind] = ropeTypeOf(fields);
  if (kind !== 'proportional') return ropeOf(c, asked);
  const { factor } = parse(proportional, fields, `${group}.`);
  const scaling = (factor ?? 1) === 1 ? undefined : { factor: factor! };
  return {
    ...ropeOf(c, { ...asked, part: 1 }),
    width: headDim,
    ...(scaling && { scaling }),
  };
}

function mlpOf(c: Gemma4Fields): MlpSpec {
  const act = actOf(c, 'hidden_activation');
  if (!c.enable_moe_block) return denseSpec(c.intermediate_size, act);
  const sizes = { num_experts: c.num_experts, top_k_experts: c.top_k_experts };
  for (const [field, value] of Object.entries({
    ...sizes,
    moe_intermediate_size: c.moe_intermediate_size,
  }))
    if (typeof value !== 'number')
      throw unexpected(field, 'a whole number, as enable_moe_block is true', value);
  return expertsSpec(
    {
      count: c.num_experts!,
      topK: c.top_k_experts!,
      inner: c.moe_intermediate_size!,
      act,
      router: routerSpec({ renormalise: true, ownNorm: true, perExpertScale: true }),
      parallel: { inner: c.intermediate_size },
    },
    { count: 'num_experts', topK: 'top_k_experts' },
  );
}
