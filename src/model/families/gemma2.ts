/**
 * gemma2, gemma3 and gemma3_text: norms before and after each block whose weights are added to one, scaled
 * embeddings, tanh-GELU. Hugging Face transformers, src/transformers/models/gemma{2,3}/configuration_gemma*.py.
 */
import { z } from 'zod';
import type { GqaSpec, Rope } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { between, flag, parse, whole, type Fields } from '../fields.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Decoder, Family } from './common.js';
import { ropeGroup, ropeOf } from './rope.js';
import { FULL, SLIDING, layerTypes } from './spans.js';
import { windowedLayers } from './windowed.js';

const cap = between(1e-3, 1e6).nullish();
const decoder = z.looseObject({
  ...decoderFields,
  query_pre_attn_scalar: between(1e-3, 1e6),
  attn_logit_softcapping: cap,
  final_logit_softcapping: cap,
  use_bidirectional_attention: flag.nullish(),
  sliding_window_pattern: whole(1024).nullish(),
  rope_local_base_freq: between(1, 1e12).optional(),
});
type GemmaFields = z.infer<typeof decoder>;

/** What differs between the two: the rule of the layers' kinds, head norms, rotary embedding by kind. */
interface Differs {
  qkNorm: GqaSpec['qkNorm'];
  sliding: (c: GemmaFields) => (layer: number) => boolean;
  rope: (c: GemmaFields, type: string, headDim: number) => Rope;
}

function reader({ qkNorm, sliding, rope }: Differs): Family['read'] {
  return (fields: Fields, given: Fields): Decoder => {
    const c = parse(decoder, fields);
    if (c.use_bidirectional_attention)
      throw unexpected('use_bidirectional_attention', 'false, as a decoder looks back only', true);
    const heads = headsOf(c, given);
    const slides = sliding(c);
    const types = layerTypes(c, [FULL, SLIDING], (layer) => (slides(layer) ? SLIDING : FULL));
    const ropes = new Map([...new Set(types)].map((type) => [type, rope(c, type, heads.headDim)]));
    const bias = c.attention_bias ?? false;
    const { attn_logit_softcapping: scoreCap, final_logit_softcapping: logitCap } = c;
    const scale = 1 / Math.sqrt(c.query_pre_attn_scalar);
    const more = { bias, outBias: bias, qkNorm, scale, ...(scoreCap && { scoreCap }) };
    const mlp = denseSpec(c.intermediate_size, actOf(c, 'hidden_activation'));
    const layers = windowedLayers(c, types, ropes, (own) =>
      layerSpec({ attention: gqaSpec({ ...heads, ...own, ...more }), mlp, norms: 'sandwich' }),
    );
    return {
      ...sizesOf(c, true),
      ...layers,
      normPlusOne: true,
      embeddingScale: Math.sqrt(c.hidden_size),
      ...(logitCap && { logitCap }),
    };
  };
}

const FIELDS = ['attention_bias', 'attn_logit_softcapping', 'final_logit_softcapping'];
const COMMON = {
  num_key_value_heads: 4,
  head_dim: 256,
  hidden_activation: 'gelu_pytorch_tanh',
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  query_pre_attn_scalar: 256,
  sliding_window: 4096,
};
const SIZES = {
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 26,
  num_attention_heads: 8,
};

export const gemma2: Family = {
  defaults: {
    ...COMMON,
    max_position_embeddings: 8192,
    attn_logit_softcapping: 50,
    final_logit_softcapping: 30,
  },
  sizes: { ...SIZES, vocab_size: 256_000 },
  fields: FIELDS,
  read: reader({
    qkNorm: 'none',
    sliding: () => (layer) => layer % 2 === 0,
    rope: (c, _, headDim) =>
      ropeOf(c, { headDim, maxPositions: c.max_position_embeddings, theta: 10_000 }),
  }),
};

export const gemma3: Family = {
  defaults: {
    ...COMMON,
    max_position_embeddings: 131_072,
    sliding_window_pattern: 6,
    rope_local_base_freq: 10_000,
  },
  sizes: { ...SIZES, vocab_size: 262_208 },
  fields: FIELDS,
  read: reader({
    qkNorm: 'head',
    sliding: (c) => (layer) => (layer + 1) % (c.sliding_window_pattern ?? 6) !== 0,
    rope: localRope,
  }),
};

/** Layers with a window turn by a base of their own, and are not stretched. */
function localRope(c: GemmaFields, type: string, headDim: number): Rope {
  const asked = { headDim, maxPositions: c.max_position_embeddings, layers: type };
  if (type === FULL) return ropeOf(c, { ...asked, theta: 1_000_000 });
  const { rope_theta: _, ...rest } = c;
  const theta = c.rope_local_base_freq!;
  if (ropeGroup(c, type).byLayers) return ropeOf(rest, { ...asked, theta });
  const { rope_scaling: __, rope_parameters: ___, ...plain } = rest;
  return ropeOf(plain, { ...asked, theta });
}
