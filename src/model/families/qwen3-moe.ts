/**
 * qwen3_moe. Hugging Face transformers, src/transformers/models/qwen3_moe/configuration_qwen3_moe.py.
 */
import { z } from 'zod';
import { flag, parse, whole } from '../fields.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Family } from './common.js';
import { count, expertsSpec, isSparse, routerSpec, sparseFields } from './experts.js';
import { ropesOf } from './rope.js';
import { slidingOnRequest } from './spans.js';
import { windowedLayers } from './windowed.js';

export const stepFields = {
  ...sparseFields,
  num_experts: whole(65536, 0),
  mlp_only_layers: z.array(whole(1024, 0), { error: 'a list of layers' }).nullish(),
  decoder_sparse_step: count.nullish(),
};
const decoder = z.looseObject({ ...decoderFields, ...stepFields, norm_topk_prob: flag });

export const qwen3Moe: Family = {
  defaults: {
    intermediate_size: 6144,
    num_key_value_heads: 4,
    max_position_embeddings: 32_768,
    rms_norm_eps: 1e-6,
    sliding_window: 4096,
    // Without it the weights are shares of all experts, and add up to less than one.
    norm_topk_prob: false,
    num_experts: 128,
    num_experts_per_tok: 8,
    moe_intermediate_size: 768,
  },
  sizes: {
    vocab_size: 151_936,
    hidden_size: 2048,
    num_hidden_layers: 24,
    num_attention_heads: 32,
  },
  fields: [
    ...['attention_bias', 'num_experts', 'use_qk_norm', 'qkv_bias'],
    'shared_expert_intermediate_size',
  ],
  // Under the other name transformers 5 saves it.
  aliases: { num_local_experts: 'num_experts' },
  read(fields, given) {
    const c = parse(decoder, fields);
    const heads = headsOf(c, given);
    const maxPositions = c.max_position_embeddings;
    const types = slidingOnRequest({ ...c, max_window_layers: 0 });
    const ropes = ropesOf(c, types, { headDim: heads.headDim, maxPositions, theta: 10_000 });
    const bias = c.attention_bias ?? false;
    const act = actOf(c);
    const sparse = isSparse(c, c.num_experts);
    const dense = denseSpec(c.intermediate_size, act);
    const experts = () =>
      expertsSpec(
        {
          count: c.num_experts,
          topK: c.num_experts_per_tok,
          inner: c.moe_intermediate_size,
          act,
          router: routerSpec({ renormalise: c.norm_topk_prob }),
        },
        { count: 'num_experts', topK: 'num_experts_per_tok' },
      );
    const layers = windowedLayers(c, types, ropes, (own, layer) => {
      const attention = gqaSpec({ ...heads, ...own, bias, outBias: bias, qkNorm: 'head' });
      return layerSpec({ attention, mlp: sparse(layer) ? experts() : dense });
    });
    return { ...sizesOf(c), ...layers };
  },
};
