/**
 * glm4_moe: GLM-4.5 to 4.7; grouped queries with DeepSeek's choice of experts. Hugging Face transformers,
 * src/transformers/models/glm4_moe/configuration_glm4_moe.py.
 */
import { z } from 'zod';
import { flag, parse } from '../fields.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Family } from './common.js';
import { ROUTED, groupedExperts, groupedFields, sparseFrom } from './grouped.js';
import { maxContextOf, ropeOf } from './rope.js';
import { each } from './spans.js';

const decoder = z.looseObject({ ...decoderFields, ...groupedFields, use_qk_norm: flag });

export const glm4Moe: Family = {
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-5,
    use_qk_norm: false,
    n_routed_experts: 128,
    n_shared_experts: 1,
    num_experts_per_tok: 8,
    moe_intermediate_size: 1408,
    routed_scaling_factor: 1,
    norm_topk_prob: true,
    first_k_dense_replace: 1,
    n_group: 1,
    topk_group: 1,
  },
  sizes: {
    vocab_size: 151_552,
    hidden_size: 4096,
    intermediate_size: 10_944,
    num_hidden_layers: 46,
    num_attention_heads: 96,
  },
  fields: ['n_routed_experts', 'attention_bias', 'use_qk_norm', 'num_nextn_predict_layers'],
  aliases: ROUTED,
  read(fields, given) {
    const c = parse(decoder, fields);
    const heads = headsOf(c, given);
    const maxPositions = c.max_position_embeddings;
    const rope = ropeOf(c, {
      headDim: heads.headDim,
      maxPositions,
      theta: 10_000,
      part: 0.5,
    });
    const attention = gqaSpec({
      ...heads,
      span: { kind: 'full' },
      // None of the output, whatever the file says.
      bias: c.attention_bias ?? false,
      qkNorm: c.use_qk_norm ? 'head' : 'none',
      rope,
    });
    const act = actOf(c);
    const sparse = sparseFrom(c);
    const experts = groupedExperts(c, act);
    const dense = denseSpec(c.intermediate_size, act);
    const drafts = c.num_nextn_predict_layers ?? 0;
    return {
      ...sizesOf(c),
      maxContext: maxContextOf(maxPositions, [rope]),
      layers: each(c, (layer) => layerSpec({ attention, mlp: sparse[layer] ? experts : dense })),
      ...(drafts > 0 && { mtp: { layers: drafts, layer: layerSpec({ attention, mlp: experts }) } }),
    };
  },
};
