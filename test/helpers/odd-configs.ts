/** Configurations of every family as their files have them, small, and of sizes that divide nothing. */
import fc from 'fast-check';
import type { Json } from './importing.js';

const whole = (min: number, max: number) => fc.integer({ min, max });
const flag = fc.boolean();
const one = <T>(...of: T[]) => fc.constantFrom(...of);

const sizes = fc
  .record({
    ...{ hidden_size: whole(9, 61), intermediate_size: whole(7, 90), vocab_size: whole(40, 130) },
    ...{ num_hidden_layers: whole(1, 5), kv: whole(1, 4), each: whole(1, 4), pairs: whole(2, 11) },
    tie_word_embeddings: flag,
  })
  .map(({ kv, each, pairs, ...rest }) => ({
    ...rest,
    ...{ num_attention_heads: kv * each, num_key_value_heads: kv, head_dim: 2 * pairs },
    ...{ max_position_embeddings: 256, rms_norm_eps: 1e-6, rope_theta: 10_000 },
  }));

/** Experts under the names of a family, of which some are chosen. */
function mixture(count: string, topK: string, inner: string, most = 5) {
  return fc
    .record({ experts: whole(1, 13), chosen: whole(1, most), width: whole(3, 33) })
    .map(({ experts, chosen, width }): Json => ({
      ...{ [count]: experts, [topK]: Math.min(experts, chosen), [inner]: width },
    }));
}

const grouped = fc
  .record({
    ...{ n_group: whole(1, 4), each: whole(2, 5), keep: whole(1, 4), chosen: whole(1, 6) },
    ...{ moe_intermediate_size: whole(3, 33), n_shared_experts: whole(0, 2) },
    ...{ first_k_dense_replace: whole(0, 2), norm_topk_prob: flag, scale: one(1, 2.5) },
  })
  .map(({ n_group, each, keep, chosen, scale, ...rest }): Json => {
    const topk_group = Math.min(keep, n_group);
    return {
      ...rest,
      ...{ n_group, topk_group, n_routed_experts: n_group * each, routed_scaling_factor: scale },
      num_experts_per_tok: Math.min(chosen, topk_group * each),
    };
  });

const yarn = {
  ...{ type: 'yarn', factor: 16, beta_fast: 32, beta_slow: 1, mscale: 1, mscale_all_dim: 1 },
  original_max_position_embeddings: 64,
};
const latent = fc
  .record({
    ...{ q_lora_rank: fc.option(whole(5, 40)), kv_lora_rank: whole(4, 31) },
    ...{ qk_nope_head_dim: whole(3, 21), pairs: whole(1, 6), v_head_dim: whole(3, 21) },
    ...{ num_attention_heads: whole(1, 9), rope_interleave: flag, attention_bias: flag },
    rope_scaling: one(null, yarn),
  })
  .map(({ pairs, ...rest }): Json => ({
    ...{ ...rest, num_key_value_heads: rest.num_attention_heads },
    ...{ qk_rope_head_dim: 2 * pairs, max_position_embeddings: 1024 },
  }));

const delta = fc
  .record({
    ...{ keys: whole(1, 4), each: whole(1, 3), linear_key_head_dim: whole(3, 17) },
    ...{ linear_value_head_dim: whole(3, 17), linear_conv_kernel_dim: whole(2, 4) },
    ...{ full_attention_interval: whole(2, 4), quarter: whole(1, 5) },
  })
  .map(({ keys, each, quarter, ...rest }): Json => ({
    ...{ ...rest, linear_num_key_heads: keys, linear_num_value_heads: keys * each },
    ...{ head_dim: 8 * quarter, partial_rotary_factor: 0.25 },
  }));

const qwenExperts = mixture('num_experts', 'num_experts_per_tok', 'moe_intermediate_size');
const localExperts = mixture('num_local_experts', 'num_experts_per_tok', 'intermediate_size');
const shared = fc.record({ shared_expert_intermediate_size: whole(3, 33) });
const norms = fc.record({ norm_topk_prob: flag });
const window = fc.record({ sliding_window: whole(2, 6) });

type Part = fc.Arbitrary<Json>;

/** A file of the family: sizes, then whatever each of the parts says of them. */
function family(model_type: string, parts: Part[] = [], change = (file: Json): Json => file) {
  return fc
    .tuple(sizes, ...parts)
    .map((all): Json => change(Object.assign({ model_type }, ...all) as Json));
}

const layersOf = (file: Json) => file['num_hidden_layers'] as number;
/** Every so many layers, one of another type. */
const layerTypes = (file: Json, [most, other]: [string, string], every: number) => ({
  ...file,
  layer_types: Array.from({ length: layersOf(file) }, (_, i) => ((i + 1) % every ? most : other)),
});

const gemma4 = (file: Json): Json => {
  const typed = layerTypes(file, ['sliding_attention', 'full_attention'], 3);
  typed.layer_types.splice(-1, 1, 'full_attention');
  const { rope_theta: _, ...rest } = typed as Json;
  return {
    ...rest,
    ...{ attention_k_eq_v: true, enable_moe_block: true, hidden_size_per_layer_input: 0 },
    rope_parameters: {
      sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
      full_attention: {
        ...{ rope_type: 'proportional', partial_rotary_factor: 0.5, rope_theta: 1e6 },
      },
    },
  };
};

/** By family; what a file leaves out would be of the family's own sizes, too large for a small wafer. */
export const ODD: Record<string, fc.Arbitrary<Json>> = {
  llama: family('llama', [fc.record({ attention_bias: flag, mlp_bias: flag })]),
  mistral: family('mistral', [window]),
  qwen2: family('qwen2', [
    fc.record({
      use_sliding_window: flag,
      sliding_window: whole(2, 6),
      max_window_layers: whole(0, 2),
    }),
  ]),
  qwen3: family('qwen3', [fc.record({ attention_bias: flag })]),
  phi3: family('phi3', [window], (file) => ({
    ...file,
    hidden_size: (file['head_dim'] as number) * (file['num_attention_heads'] as number),
    original_max_position_embeddings: 256,
  })),
  olmo2: family('olmo2', [], (file) => ({
    ...file,
    hidden_size: (file['head_dim'] as number) * (file['num_attention_heads'] as number),
  })),
  gemma2: family('gemma2', [
    window,
    fc.record({ attn_logit_softcapping: one(null, 3), final_logit_softcapping: one(null, 4) }),
  ]),
  gemma3: family('gemma3_text', [window, fc.record({ query_pre_attn_scalar: whole(7, 30) })]),
  mixtral: family('mixtral', [localExperts]),
  qwen3_moe: family('qwen3_moe', [
    ...[qwenExperts, norms],
    fc.record({ decoder_sparse_step: one(1, 2), mlp_only_layers: one([], [0]) }),
  ]),
  gpt_oss: family('gpt_oss', [localExperts, window], (file) =>
    layerTypes(
      { ...file, attention_bias: true, swiglu_limit: 7 },
      ['sliding_attention', 'full_attention'],
      2,
    ),
  ),
  glm4_moe: family('glm4_moe', [
    grouped,
    fc
      .record({ use_qk_norm: flag, attention_bias: flag, half: whole(1, 6) })
      .map(({ half, ...rest }): Json => ({
        ...rest,
        head_dim: 4 * half,
        partial_rotary_factor: 0.5,
      })),
  ]),
  deepseek_v3: family('deepseek_v3', [grouped, latent]),
  glm_moe_dsa: family(
    'glm_moe_dsa',
    [
      grouped,
      latent,
      fc.record({
        q_lora_rank: whole(5, 40),
        index_n_heads: whole(1, 5),
        more: whole(0, 9),
        index_topk: whole(1, 7),
      }),
    ],
    ({ more, ...file }) => ({
      ...{ ...file, index_head_dim: (file['qk_rope_head_dim'] as number) + (more as number) },
      ...{ rope_scaling: null, attention_bias: false },
    }),
  ),
  llama4: family('llama4_text', [
    localExperts,
    fc.record({
      ...{ intermediate_size_mlp: whole(7, 70), interleave_moe_layer_step: whole(1, 3) },
      ...{ attention_chunk_size: whole(2, 6), use_qk_norm: flag, floor_scale: whole(2, 5) },
      ...{ attn_scale: one(0.1, 0.3), attn_temperature_tuning: flag },
    }),
  ]),
  qwen3_next: family('qwen3_next', [delta, qwenExperts, norms, shared]),
  qwen3_5: family('qwen3_5_text', [delta]),
  qwen3_5_moe: family('qwen3_5_moe_text', [delta, qwenExperts, shared]),
  gemma4: family(
    'gemma4_text',
    [
      mixture('num_experts', 'top_k_experts', 'moe_intermediate_size'),
      window,
      fc
        .record({
          ...{ half: whole(1, 9), num_global_key_value_heads: one(1) },
          final_logit_softcapping: one(null, 5),
        })
        .map(({ half, ...rest }): Json => ({ ...rest, global_head_dim: 4 * half })),
    ],
    gemma4,
  ),
};
