/**
 * gpt_oss: experts with biases and a clamped gate, learned scores next to those of the positions, every other
 * layer with a window. Hugging Face transformers, src/transformers/models/gpt_oss/configuration_gpt_oss.py.
 */
import { z } from 'zod';
import { between, parse, type Fields } from '../fields.js';
import type { Act } from '../mlp-spec.js';
import { decoderFields, gqaSpec, headsOf, layerSpec, sizesOf, type Family } from './common.js';
import { count, expertsSpec, routerSpec } from './experts.js';
import { ropesOf } from './rope.js';
import { FULL, SLIDING, layerTypes } from './spans.js';
import { windowedLayers } from './windowed.js';

const decoder = z.looseObject({
  ...decoderFields,
  num_local_experts: count,
  num_experts_per_tok: count,
  swiglu_limit: between(1e-3, 1e6),
  swiglu_alpha: between(1e-3, 1e6),
});

const YARN = {
  rope_type: 'yarn',
  factor: 32,
  beta_fast: 32,
  beta_slow: 1,
  truncate: false,
  original_max_position_embeddings: 4096,
};

export const gptOss: Family = {
  defaults: {
    num_key_value_heads: 8,
    head_dim: 64,
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-5,
    sliding_window: 128,
    attention_bias: true,
    num_local_experts: 128,
    num_experts_per_tok: 4,
    swiglu_limit: 7,
    swiglu_alpha: 1.702,
  },
  sizes: {
    vocab_size: 201_088,
    hidden_size: 2880,
    intermediate_size: 2880,
    num_hidden_layers: 36,
    num_attention_heads: 64,
  },
  fields: ['num_local_experts', 'attention_bias', 'swiglu_limit'],
  aliases: { num_experts: 'num_local_experts' },
  read(fields, given) {
    const c = parse(decoder, withYarn(fields, given));
    const heads = headsOf(c, given);
    const maxPositions = c.max_position_embeddings;
    const bias = c.attention_bias ?? true;
    const types = layerTypes(c, [SLIDING, FULL], (layer) => (layer % 2 === 0 ? SLIDING : FULL));
    const ropes = ropesOf(c, types, { headDim: heads.headDim, maxPositions, theta: 150_000 });
    // `hidden_act` says silu; the clamped form is in the code alone.
    const act: Act = { fn: 'silu', clamp: c.swiglu_limit, alpha: c.swiglu_alpha, plusOne: true };
    const mlp = expertsSpec(
      {
        count: c.num_local_experts,
        topK: c.num_experts_per_tok,
        inner: c.intermediate_size,
        act,
        bias: true,
        router: routerSpec({ score: 'softmax-of-top', bias: 'logit' }),
      },
      { count: 'num_local_experts', topK: 'num_experts_per_tok' },
    );
    const layers = windowedLayers(c, types, ropes, (own) =>
      layerSpec({
        attention: gqaSpec({ ...heads, ...own, bias, outBias: bias, sinks: true }),
        mlp,
      }),
    );
    return { ...sizesOf(c), ...layers };
  },
};

/** The scaling of a file that leaves it out. */
function withYarn(fields: Fields, { rope_scaling, rope_parameters }: Fields): Fields {
  const isOpen = rope_scaling === undefined && (rope_parameters ?? null) === null;
  return isOpen ? { ...fields, rope_parameters: YARN } : fields;
}
