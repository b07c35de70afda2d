/** mixtral. Hugging Face transformers, src/transformers/models/mixtral/configuration_mixtral.py. */
import { z } from 'zod';
import { parse } from '../fields.js';
import {
  actOf,
  decoderFields,
  gqaSpec,
  headsOf,
  layerSpec,
  sizesOf,
  type Family,
} from './common.js';
import { count, expertsSpec, routerSpec } from './experts.js';
import { ropesOf } from './rope.js';
import { slidingIfGiven } from './spans.js';
import { windowedLayers } from './windowed.js';

const decoder = z.looseObject({
  ...decoderFields,
  num_local_experts: count,
  num_experts_per_tok: count,
});

export const mixtral: Family = {
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-5,
    num_local_experts: 8,
    num_experts_per_tok: 2,
  },
  sizes: {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 14_336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
  },
  fields: ['num_local_experts'],
  aliases: { num_experts: 'num_local_experts' },
  read(fields, given) {
    const c = parse(decoder, fields);
    const heads = headsOf(c, given);
    const maxPositions = c.max_position_embeddings;
    const types = slidingIfGiven(c);
    const ropes = ropesOf(c, types, { headDim: heads.headDim, maxPositions, theta: 1_000_000 });
    const mlp = expertsSpec(
      {
        count: c.num_local_experts,
        topK: c.num_experts_per_tok,
        inner: c.intermediate_size,
        act: actOf(c),
        router: routerSpec({ renormalise: true }),
      },
      { count: 'num_local_experts', topK: 'num_experts_per_tok' },
    );
    const layers = windowedLayers(c, types, ropes, (own) =>
      layerSpec({ attention: gqaSpec({ ...heads, ...own }), mlp }),
    );
    return { ...sizesOf(c), ...layers };
  },
};
