/** What each family makes of its fields: layers by kind, defaults of its configuration class, what it refuses. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DeltaSpec, GqaSpec, LatentSpec } from '../src/model/attention-spec.js';
import type { ExpertsSpec, RouterSpec } from '../src/model/mlp-spec.js';
import type { ModelSpec } from '../src/model/model.js';
import { ropeFrequencies } from '../src/model/rope.js';
import { failure, importing, without, type Json } from './helpers/importing.js';

/** Sizes of a file of any family, and nothing that a class has a default for. */
const BASE = {
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  vocab_size: 96,
};
const of = (model_type: string, more: Json = {}): Json => ({ ...BASE, model_type, ...more });
const gqa = (model: ModelSpec, kind = 0) => model.kinds[kind].attention as GqaSpec;
const latent = (model: ModelSpec, kind = 0) => model.kinds[kind].attention as LatentSpec;
const experts = (model: ModelSpec, kind = 0) => model.kinds[kind].mlp as ExpertsSpec;
const full = { kind: 'full' };
const windowOf = (size: number) => ({ kind: 'window', size });
const softmax: RouterSpec = {
  score: 'softmax',
  bias: 'none',
  renormalise: false,
  scale: 1,
  scalesInput: false,
  ownNorm: false,
  perExpertScale: false,
};

describe('what a class takes for fields that a file leaves out', () => {
  const sizes = (model: ModelSpec) => {
    const { kvHeads, headDim, rope, span } = gqa(model);
    const { normEpsilon, tied, maxContext } = model;
    return [kvHeads, headDim, rope?.theta, span, normEpsilon, tied, maxContext];
  };
  it.each([
    ['llama', {}, [8, 6, 1e4, full, 1e-6, false, 2048]],
    ['mistral', {}, [8, 6, 1e4, windowOf(4096), 1e-6, false, 131_072]],
    ['qwen2', { num_attention_heads: 32, head_dim: 4 }, [32, 4, 1e4, full, 1e-6, false, 32_768]],
    ['qwen3', { num_attention_heads: 32 }, [32, 128, 1e4, full, 1e-6, false, 32_768]],
    ['phi3', {}, [8, 6, 1e4, full, 1e-5, false, 4096]],
    ['olmo2', {}, [8, 6, 1e4, full, 1e-5, false, 2048]],
    ['gemma2', {}, [4, 256, 1e4, windowOf(4096), 1e-6, true, 8192]],
    ['gemma3', {}, [4, 256, 1e4, windowOf(4096), 1e-6, true, 131_072]],
    ['gemma3_text', {}, [4, 256, 1e4, windowOf(4096), 1e-6, true, 131_072]],
    ['mixtral', {}, [8, 6, 1e6, full, 1e-5, false, 131_072]],
    ['qwen3_moe', {}, [4, 6, 1e4, full, 1e-6, false, 32_768]],
    ['gpt_oss', {}, [8, 64, 150_000, windowOf(128), 1e-5, false, 131_072]],
    ['glm4_moe', {}, [8, 6, 1e4, full, 1e-5, false, 131_072]],
    ['llama4_text', {}, [8, 128, 5e5, { kind: 'chunk', size: 8192 }, 1e-5, false, 131_072]],
    [
      'gemma4',
      { hidden_size_per_layer_input: 0 },
      [4, 256, 1e4, windowOf(512), 1e-6, true, 131_072],
    ],
  ])('%s', (family, more, wanted) => {
    // Half of a head of six elements is an odd number.
    const part = family === 'glm4_moe' ? { partial_rotary_factor: 0.4 } : {};
    expect(sizes(importing(of(family, { ...more, ...part })))).toEqual(wanted);
  });

  it('a null of num_key_value_heads is one for each query head', () => {
    for (const family of ['llama', 'qwen2', 'phi3', 'olmo2', 'mixtral', 'qwen3_moe'])
      expect(gqa(importing(of(family, { num_key_value_heads: null }))).kvHeads, family).toBe(8);
  });

  it('sizes only of a configuration within another', () => {
    const text = { model_type: 'gemma3_text', num_hidden_layers: 7 };
    const model = importing({ model_type: 'gemma3', text_config: text, vision_config: {} });
    expect(model).toMatchObject({ family: 'gemma3', dim: 2304, vocab: 262_208, tied: true });
    expect(model.layers).toEqual([0, 0, 0, 0, 0, 1, 0]);
    expect(gqa(model)).toMatchObject({ heads: 8, kvHeads: 4, headDim: 256 });
    expect(model.published?.textOnly).toEqual(['text_config', 'vision_config']);
    expect(failure({ ...text, hidden_size: 64 }).field).toBe('intermediate_size');
  });
});

describe('a configuration within another', () => {
  const text = of('llama');

  it('is named in errors and refusals by its place', () => {
    const error = failure({ model_type: 'x', text_config: { ...text, hidden_size: -1 } });
    expect(error.field).toBe('text_config.hidden_size');
    expect(error.message).toMatch(/^text_config\.hidden_size: expected a whole number/);
    const moe = importing({ text_config: of('mixtral') });
    expect(moe.published?.fields.experts).toBe('text_config.model_type = "mixtral"');
    const eight = importing({ text_config: of('mixtral', { num_local_experts: 8 }) });
    expect(eight.published?.fields.experts).toBe('text_config.num_local_experts = 8');
  });

  it('takes the type of the file around it if it has none of its own', () => {
    const inner = without(of('x'), 'model_type');
    expect(importing({ model_type: 'llama4', text_config: inner }).family).toBe('llama4');
    expect(failure({ model_type: 'llava', text_config: inner }).field).toBe(
      'text_config.model_type',
    );
  });

  it('is tied if one of both says so, and refused if they contradict each other', () => {
    const tied = (inner: unknown, outer: unknown) => ({
      tie_word_embeddings: outer,
      text_config: { ...text, tie_word_embeddings: inner },
    });
    expect(importing(tied(undefined, true)).tied).toBe(true);
    expect(importing(tied(true, null)).tied).toBe(true);
    expect(importing(tied(true, true)).tied).toBe(true);
    expect(failure(tied(true, false)).field).toBe('tie_word_embeddings');
  });

  it('may be quantised inside or outside', () => {
    const quantization_config = { quant_method: 'fp8' };
    const inside = importing({ text_config: { ...text, quantization_config } });
    expect(inside).toMatchObject({ weightBits: 8, stored: 'fp8' });
    expect(importing({ text_config: text, quantization_config }).weightBits).toBe(8);
  });

  it('leaves encoders out, wherever they stand', () => {
    const flat = importing({ ...text, vision_config: { a: 1 }, audio_config: {} });
    expect(flat.published?.textOnly).toEqual(['vision_config', 'audio_config']);
    expect(importing({ ...text, vision_config: null }).published).toBeUndefined();
  });
});

describe('dense families', () => {
  it('llama: biases of attention and of the MLP, each by its field', () => {
    const model = importing(of('llama', { attention_bias: true, mlp_bias: true }));
    expect(gqa(model)).toMatchObject({ bias: true, outBias: true });
    expect(model.kinds[0].mlp).toMatchObject({ kind: 'dense', bias: true });
    expect(model.published?.fields).toEqual({
      attentionBias: 'attention_bias = true',
      mlpBias: 'mlp_bias = true',
    });
  });

  it('qwen2: biases but of the output, whatever the file says', () => {
    for (const attention_bias of [true, false, undefined]) {
      const model = importing(of('qwen2', { num_key_value_heads: 4, attention_bias }));
      expect(gqa(model)).toMatchObject({ bias: true, outBias: false });
    }
  });

  it('qwen2: a window on request alone, in the layers from max_window_layers on', () => {
    const spans = (more: Json) => {
      const model = importing(of('qwen2', { num_key_value_heads: 4, sliding_window: 5, ...more }));
      return model.layers.map((kind) => gqa(model, kind).span);
    };
    const [none, five] = [full, windowOf(5)];
    expect(spans({ use_sliding_window: false, max_window_layers: 1 })).toEqual(Array(4).fill(none));
    expect(spans({ use_sliding_window: true, max_window_layers: 1 })).toEqual([
      none,
      five,
      five,
      five,
    ]);
    expect(spans({ use_sliding_window: true })).toEqual(Array(4).fill(none));
    const layer_types = ['full', 'sliding', 'full', 'full'].map((kind) => `${kind}_attention`);
    expect(spans({ layer_types, use_sliding_window: true })).toEqual([none, five, none, none]);
    expect(
      failure(of('qwen2', { num_key_value_heads: 4, layer_types, use_sliding_window: false }))
        .field,
    ).toBe('use_sliding_window');
  });

  it('olmo2: norms of what blocks give, of queries and keys over all heads', () => {
    const model = importing(of('olmo2'));
    expect(model.kinds).toMatchObject([{ norms: 'post', attention: { qkNorm: 'whole' } }]);
  });

  it('phi3: a part of each head turns, by factors of its own', () => {
    const factors = (length: number) => Array.from({ length }, (_, i) => 1 + i);
    const long = (more: Json, count = 2) =>
      of('phi3', {
        partial_rotary_factor: 0.75,
        max_position_embeddings: 64,
        original_max_position_embeddings: 8,
        rope_scaling: {
          type: 'su',
          short_factor: factors(count),
          long_factor: factors(2),
          ...more,
        },
      });
    expect(gqa(importing(long({}))).rope).toEqual({
      dim: 4,
      width: 4,
      theta: 10_000,
      pairs: 'halves',
      scaling: {
        short: [1, 2],
        long: [1, 2],
        originalMaxPosition: 8,
        // sqrt(1 + ln 8 / ln 8)
        amplitude: Math.SQRT2,
      },
    });
    expect(gqa(importing(long({ attention_factor: 1.5 }))).rope?.scaling).toMatchObject({
      amplitude: 1.5,
    });
    expect(failure(long({}, 3)).message).toBe(
      'rope_scaling.short_factor: expected one for each of 2 pairs, found 3',
    );
    expect(failure(of('phi3', { partial_rotary_factor: 0.5 })).field).toBe('partial_rotary_factor');
    expect(gqa(importing(of('phi3', { sliding_window: 9, attention_bias: true })))).toMatchObject({
      span: windowOf(9),
      bias: false,
    });
  });

  it('gemma2: even layers with a window, caps and a scale of its own', () => {
    const model = importing(of('gemma2', { query_pre_attn_scalar: 16, sliding_window: 5 }));
    expect(model.layers).toEqual([0, 1, 0, 1]);
    expect(model).toMatchObject({
      normPlusOne: true,
      embeddingScale: Math.sqrt(48),
      logitCap: 30,
      kinds: [{ norms: 'sandwich' }, { norms: 'sandwich', attention: { span: full } }],
    });
    expect(gqa(model)).toMatchObject({
      span: windowOf(5),
      scoreCap: 50,
      scale: 0.25,
      qkNorm: 'none',
    });
    expect(model.kinds[0].mlp).toMatchObject({ act: { fn: 'gelu-tanh' } });
    const free = importing(
      of('gemma2', { attn_logit_softcapping: null, final_logit_softcapping: null }),
    );
    expect(free).not.toHaveProperty('logitCap');
    expect(gqa(free)).not.toHaveProperty('scoreCap');
  });

  it('gemma3: every sixth layer full, with a base and a scaling of its own', () => {
    const file = of('gemma3_text', {
      num_hidden_layers: 7,
      rope_scaling: { rope_type: 'linear', factor: 8 },
      rope_local_base_freq: 20_000,
    });
    const model = importing(file);
    expect(model.layers).toEqual([0, 0, 0, 0, 0, 1, 0]);
    expect(gqa(model, 0)).toMatchObject({ qkNorm: 'head', rope: { theta: 20_000 } });
    expect(gqa(model, 0).rope).not.toHaveProperty('scaling');
    expect(gqa(model, 1).rope).toMatchObject({ theta: 1_000_000, scaling: { factor: 8 } });
    // The same in the newer form.
    const newer = without(file, 'rope_scaling', 'rope_local_base_freq');
    const rope_parameters = {
      sliding_attention: { rope_theta: 20_000, rope_type: 'default' },
      full_attention: { rope_theta: 1_000_000, rope_type: 'linear', factor: 8 },
    };
    expect(importing({ ...newer, rope_parameters })).toEqual(model);
    expect(importing({ ...file, sliding_window_pattern: 2 }).layers).toEqual([0, 1, 0, 1, 0, 1, 0]);
    expect(failure({ ...file, use_bidirectional_attention: true }).field).toBe(
      'use_bidirectional_attention',
    );
  });
});

describe('families with experts', () => {
  it('mixtral: every layer, weights of the chosen sum to one', () => {
    expect(experts(importing(of('mixtral')))).toMatchObject({
      ...{ count: 8, topK: 2, inner: 80 },
      router: { ...softmax, renormalise: true },
    });
  });

  it('qwen3_moe: which layers are dense, and weights that are shares unless the file says so', () => {
    const moe = { num_experts: 6, num_experts_per_tok: 3, moe_intermediate_size: 20 };
    const layers = (more: Json) => {
      const model = importing(of('qwen3_moe', { ...moe, ...more }));
      return model.layers.map((kind) => model.kinds[kind].mlp.kind[0]).join('');
    };
    expect(layers({})).toBe('eeee');
    expect(layers({ mlp_only_layers: [1] })).toBe('edee');
    expect(layers({ decoder_sparse_step: 2 })).toBe('dede');
    expect(layers({ decoder_sparse_step: 2, mlp_only_layers: [3] })).toBe('dedd');
    expect(layers({ num_experts: 0 })).toBe('dddd');
    expect(experts(importing(of('qwen3_moe', moe))).router).toEqual(softmax);
    const summed = importing(of('qwen3_moe', { ...moe, norm_topk_prob: true }));
    expect(experts(summed).router).toEqual({ ...softmax, renormalise: true });
    const idle = { use_qk_norm: true, qkv_bias: false, shared_expert_intermediate_size: 0 };
    expect(importing(of('qwen3_moe', { ...moe, ...idle })).kinds).toEqual(
      importing(of('qwen3_moe', moe)).kinds,
    );
  });

  it('gpt_oss: sinks, all biases, the clamp, YaRN where no scaling is written', () => {
    const model = importing(of('gpt_oss', { num_local_experts: 4 }));
    expect(model.layers).toEqual([0, 1, 0, 1]);
    expect(gqa(model)).toMatchObject({ sinks: true, bias: true, outBias: true });
    expect(gqa(model).rope?.scaling).toEqual({
      factor: 32,
      betaFast: 32,
      betaSlow: 1,
      truncate: false,
      originalMaxPosition: 4096,
      amplitude: 0.1 * Math.log(32) + 1,
    });
    expect(experts(model)).toMatchObject({
      ...{ count: 4, topK: 4, inner: 80, bias: true },
      act: { fn: 'silu', clamp: 7, alpha: 1.702, plusOne: true },
      router: { ...softmax, score: 'softmax-of-top', bias: 'logit' },
    });
    expect(gqa(importing(of('gpt_oss', { rope_scaling: null }))).rope).not.toHaveProperty(
      'scaling',
    );
  });

  it.each([
    ['mixtral', 'num_local_experts', 'num_experts'],
    ['gpt_oss', 'num_local_experts', 'num_experts'],
    // As transformers 5 saves it.
    ['qwen3_moe', 'num_experts', 'num_local_experts'],
    ['deepseek_v3', 'n_routed_experts', 'num_local_experts'],
    ['glm4_moe', 'n_routed_experts', 'num_local_experts'],
    ['glm_moe_dsa', 'n_routed_experts', 'num_experts'],
  ])('%s: as many as %s says, or its other name %s', (family, name, other) => {
    const file = (more: Json) =>
      of(family, { ...more, n_group: 1, topk_group: 1, partial_rotary_factor: 1 });
    const counts = (more: Json) => {
      const { kinds } = importing(file({ ...more, first_k_dense_replace: 0 }));
      return kinds.map(({ mlp }) => (mlp as ExpertsSpec).count);
    };
    for (const more of [{ [name]: 9 }, { [other]: 9 }, { [name]: 9, [other]: 9 }])
      expect(new Set(counts(more)), JSON.stringify(more)).toEqual(new Set([9]));
    expect(failure(file({ [name]: 9, [other]: 8 })).message).toBe(
      `${other}: expected the same as ${name} = 9, found 8`,
    );
    expect(failure(file({ [other]: '9' })).message).toMatch(
      new RegExp(`^${other}: expected a whole number .*, found "9"$`),
    );
  });

  const llama4 = (more: Json) => of('llama4_text', { num_local_experts: 6, ...more });
  it('llama4: chunks but in each fourth layer, which is without rotary embedding', () => {
    const model = importing(llama4({ interleave_moe_layer_step: 2 }));
    expect(model.layers).toEqual([0, 1, 0, 2]);
    expect(gqa(model, 0)).toMatchObject({
      span: { kind: 'chunk', size: 8192 },
      qkNorm: 'head-after-rope',
      rope: { pairs: 'neighbours' },
    });
    expect(gqa(model, 2)).toMatchObject({
      span: full,
      qkNorm: 'none',
      temperature: { floor: 8192, scale: 0.1 },
    });
    expect(gqa(model, 2)).not.toHaveProperty('rope');
    expect(model.kinds[0].mlp).toMatchObject({ kind: 'dense', inner: 16_384 });
    expect(experts(model, 1)).toMatchObject({
      ...{ count: 6, topK: 1, inner: 80, shared: { inner: 80, gate: false } },
      router: { ...softmax, score: 'sigmoid', scalesInput: true },
    });
  });

  it('llama4: lists win over intervals, an empty one is none', () => {
    const layers = (more: Json) => {
      const model = importing(llama4(more));
      return model.layers.map((kind) => {
        const { rope, span } = gqa(model, kind);
        return `${rope ? 'r' : '-'}${span.kind[0]}${model.kinds[kind].mlp.kind[0]}`;
      });
    };
    expect(layers({ no_rope_layers: [] })).toEqual(['rce', 'rce', 'rce', '-fe']);
    expect(layers({ no_rope_layers: [1, 0, 1, 1], moe_layers: [2] })).toEqual([
      'rcd',
      '-fd',
      'rce',
      'rcd',
    ]);
    expect(layers({ attention_chunk_size: null })).toEqual(['rfe', 'rfe', 'rfe', '-fe']);
    expect(gqa(importing(llama4({ attn_temperature_tuning: 0 })), 1)).not.toHaveProperty(
      'temperature',
    );
    expect(failure(llama4({ no_rope_layers: [1, 0] })).field).toBe('no_rope_layers');
    expect(failure(llama4({ no_rope_layers: [1, 0, 1, 2] })).field).toBe('no_rope_layers.3');
    expect(failure(llama4({ moe_layers: [4] })).field).toBe('moe_layers');
  });

  it('glm4_moe: half of a head turns, biases but of the output, norms on request', () => {
    const file = of('glm4_moe', {
      head_dim: 16,
      n_routed_experts: 8,
      attention_bias: true,
      num_nextn_predict_layers: 1,
    });
    const model = importing(file);
    expect(model.layers).toEqual([0, 1, 1, 1]);
    expect(gqa(model)).toMatchObject({
      ...{ bias: true, outBias: false, qkNorm: 'none' },
      rope: { dim: 8, width: 8 },
    });
    expect(gqa(importing({ ...file, use_qk_norm: true })).qkNorm).toBe('head');
    expect(model.mtp).toEqual({ layers: 1, layer: model.kinds[1] });
  });
});

describe('latent attention', () => {
  const sizes = {
    q_lora_rank: 20,
    kv_lora_rank: 16,
    qk_nope_head_dim: 12,
    qk_rope_head_dim: 8,
    v_head_dim: 10,
    moe_intermediate_size: 20,
    n_routed_experts: 16,
    num_experts_per_tok: 3,
  };
  const deepseek = (more: Json) => of('deepseek_v3', { ...sizes, ...more });

  it('deepseek_v3: two ranks, pairs of neighbours, groups of experts', () => {
    const model = importing(deepseek({}));
    // The first three layers are dense where the file does not say.
    expect(model.layers).toEqual([0, 0, 0, 1]);
    expect(latent(model)).toEqual({
      ...{ kind: 'latent', heads: 8, qRank: 20, kvRank: 16, nope: 12, value: 10, bias: false },
      scale: 1 / Math.sqrt(20),
      rope: { dim: 8, width: 8, theta: 10_000, pairs: 'neighbours' },
    });
    expect(experts(model, 1)).toMatchObject({
      ...{ count: 16, topK: 3, inner: 20, shared: { inner: 20, gate: false } },
      router: {
        ...softmax,
        ...{ score: 'sigmoid', bias: 'choice', renormalise: true, scale: 2.5 },
        groups: { count: 8, keep: 4 },
      },
    });
    expect(latent(importing(deepseek({ rope_interleave: false }))).rope.pairs).toBe('halves');
    expect(latent(importing(deepseek({ q_lora_rank: null })))).not.toHaveProperty('qRank');
    expect(importing(deepseek({ num_key_value_heads: 3, head_dim: 999 })).kinds).toEqual(
      model.kinds,
    );
    expect(experts(importing(deepseek({ norm_topk_prob: false })), 1).router.renormalise).toBe(
      false,
    );
    expect(experts(importing(deepseek({ n_shared_experts: 2 })), 1).shared?.inner).toBe(40);
    expect(
      experts(importing(deepseek({ n_group: 1, topk_group: 1 })), 1).router,
    ).not.toHaveProperty('groups');
  });

  it('deepseek_v3: mscale_all_dim scales scores, and leaves the amplitude at one', () => {
    const scaled = (mscale: number, mscale_all_dim: number) =>
      latent(
        importing(deepseek({ rope_scaling: { type: 'yarn', factor: 40, mscale, mscale_all_dim } })),
      );
    const of40 = 0.1 * Math.log(40) + 1;
    expect(scaled(1, 1).scale).toBeCloseTo(of40 ** 2 / Math.sqrt(20), 14);
    expect(scaled(1, 1).rope.scaling).toMatchObject({ amplitude: 1 });
    expect(scaled(1, 0)).toMatchObject({ scale: 1 / Math.sqrt(20) });
    expect(scaled(1, 0).rope.scaling).toMatchObject({ amplitude: of40 });
  });

  it('deepseek_v32: an indexer in every layer, which turns halves', () => {
    const model = importing(of('deepseek_v32', { ...sizes, index_topk: 6 }));
    expect(latent(model).indexer).toEqual({
      ...{ heads: 64, dim: 128, topK: 6, own: true, pairs: 'halves' },
    });
    expect(failure(of('deepseek_v32', { ...sizes, index_head_dim: 4 })).field).toBe(
      'index_head_dim',
    );
  });

  it('glm_moe_dsa: shared indexers by list, by pattern or by interval', () => {
    const owns = (more: Json) => {
      const model = importing(of('glm_moe_dsa', { ...sizes, ...more }));
      return model.layers.map((kind) => (latent(model, kind).indexer?.own ? 'F' : 'S')).join('');
    };
    expect(owns({})).toBe('FFFF');
    expect(owns({ indexer_types: ['full', 'shared', 'shared', 'full'] })).toBe('FSSF');
    expect(owns({ index_topk_pattern: 'FSFS' })).toBe('FSFS');
    expect(owns({ index_topk_freq: 2, index_skip_topk_offset: 1 })).toBe('FSFS');
    expect(owns({ index_topk_freq: 2, index_skip_topk_offset: 2 })).toBe('FFSF');
    expect(failure(of('glm_moe_dsa', { ...sizes, index_topk_pattern: 'SFFF' })).field).toBe(
      'indexer_types',
    );
    expect(failure(of('glm_moe_dsa', { ...sizes, index_topk_pattern: 'FXFF' })).field).toBe(
      'index_topk_pattern',
    );
    const pairs = latent(importing(of('glm_moe_dsa', sizes))).indexer?.pairs;
    expect(pairs).toBe('neighbours');
  });

  it('mlp_layer_types win over first_k_dense_replace', () => {
    const types = ['sparse', 'dense', 'dense', 'sparse'];
    const model = importing(deepseek({ mlp_layer_types: types, first_k_dense_replace: 4 }));
    expect(model.layers.map((kind) => model.kinds[kind].mlp.kind[0]).join('')).toBe('edde');
  });

  it('layers of multi-token prediction come after the last', () => {
    const model = importing(deepseek({ num_nextn_predict_layers: 2 }));
    expect(model.mtp).toEqual({ layers: 2, layer: model.kinds[1] });
    expect(model.layers).toHaveLength(4);
  });
});

describe('delta nets', () => {
  const next = (more: Json = {}, family = 'qwen3_next') =>
    of(family, { num_key_value_heads: 2, num_experts: 8, num_experts_per_tok: 3, ...more });

  it('in three of four layers; the fourth is gated, and a quarter of its heads turns', () => {
    const model = importing(next());
    expect(model).toMatchObject({ normPlusOne: true, layers: [0, 0, 0, 1] });
    expect(model.kinds[0].attention as DeltaSpec).toEqual({
      ...{ kind: 'delta', keyHeads: 16, valueHeads: 32, keyDim: 128, valueDim: 128, conv: 4 },
    });
    expect(gqa(model, 1)).toMatchObject({ gate: true, qkNorm: 'head', rope: { dim: 64 } });
    expect(importing(next({ full_attention_interval: 2 })).layers).toEqual([0, 1, 0, 1]);
    expect(failure(next({ linear_num_value_heads: 24 })).field).toBe('linear_num_value_heads');
    expect(failure(next({ attention_bias: true })).field).toBe('attention_bias');
  });

  it('with experts and a shared one that is gated', () => {
    expect(experts(importing(next()))).toMatchObject({
      ...{ count: 8, topK: 3, inner: 512, shared: { inner: 512, gate: true } },
      router: { ...softmax, renormalise: true },
    });
    expect(experts(importing(next({ norm_topk_prob: false }))).router.renormalise).toBe(false);
    const five = without(next({ norm_topk_prob: false }, 'qwen3_5_moe'), 'intermediate_size');
    expect(experts(importing(five)).router.renormalise).toBe(true);
  });

  it('qwen3_5: dense, sections of positions are plain ones for text', () => {
    const model = importing(
      of('qwen3_5', {
        mtp_num_hidden_layers: 1,
        rope_parameters: { mrope_section: [1, 1, 1], partial_rotary_factor: 0.5, rope_theta: 77 },
      }),
    );
    expect(model.kinds.map(({ mlp }) => mlp.kind)).toEqual(['dense', 'dense']);
    expect(gqa(model, 1).rope).toMatchObject({ dim: 128, theta: 77 });
    expect(model.mtp).toEqual({ layers: 1, layer: model.kinds[1] });
    expect(failure(of('qwen3_5', { num_experts: 8 })).field).toBe('num_experts');
  });
});

describe('gemma4', () => {
  const file = (more: Json = {}) =>
    of('gemma4_text', {
      hidden_size_per_layer_input: 0,
      num_hidden_layers: 7,
      enable_moe_block: true,
      num_experts: 8,
      top_k_experts: 2,
      moe_intermediate_size: 20,
      attention_k_eq_v: true,
      num_global_key_value_heads: 2,
      ...more,
    });

  it('has heads of two sizes, and its last layer is full', () => {
    const model = importing(file());
    expect(model.layers).toEqual([0, 0, 0, 0, 0, 1, 1]);
    expect(gqa(model, 0)).toMatchObject({
      ...{ headDim: 256, kvHeads: 4, valueIsKey: false, vNorm: true, scale: 1 },
      rope: { dim: 256, width: 256, theta: 10_000 },
    });
    expect(gqa(model, 1)).toMatchObject({
      ...{ headDim: 512, kvHeads: 2, valueIsKey: true, vNorm: true, scale: 1 },
      rope: { dim: 128, width: 512, theta: 1_000_000 },
    });
    expect(model.kinds[0]).toMatchObject({ norms: 'sandwich', scaled: true });
    expect(model.normPlusOne).toBe(false);
    expect(experts(model)).toMatchObject({
      parallel: { inner: 80 },
      router: { ...softmax, renormalise: true, ownNorm: true, perExpertScale: true },
    });
    expect(importing(file({ enable_moe_block: false, num_experts: null })).kinds[0].mlp.kind).toBe(
      'dense',
    );
  });

  it.each([
    ['num_kv_shared_layers', 2],
    ['hidden_size_per_layer_input', 256],
    ['use_double_wide_mlp', true],
    ['use_bidirectional_attention', 'all'],
    ['global_head_dim', 63],
    ['top_k_experts', null],
    ['moe_intermediate_size', null],
  ])('refuses %s = %j', (field, value) => {
    expect(failure(file({ [field]: value })).field).toBe(field);
  });

  it('has sizes by the number of the layer, as transformers 5.15 saves them', () => {
    const sizes = { head_dim: 512, num_key_value_heads: 2 };
    const saved = (more: Json) =>
      without(file({ per_layer_config: more }), 'num_global_key_value_heads');
    const { kinds, layers } = importing(saved({ '05': sizes, '06': sizes }));
    expect({ kinds, layers }).toMatchObject({
      kinds: importing(file()).kinds,
      layers: importing(file()).layers,
    });
    const other = importing(saved({ '05': { head_dim: 128 }, '06': sizes }));
    expect(other.layers).toEqual([0, 0, 0, 0, 0, 1, 2]);
    expect(gqa(other, 1)).toMatchObject({ headDim: 128, kvHeads: 4, valueIsKey: true });
    expect(failure(saved({ '07': sizes })).message).toBe(
      'per_layer_config: expected numbers of layers below num_hidden_layers = 7, found "07"',
    );
    expect(failure(saved({ '06': { intermediate_size: 9 } })).message).toBe(
      'per_layer_config.06: expected head_dim and num_key_value_heads alone, found a mapping',
    );
    expect(importing(of('llama', { per_layer_config: {} })).family).toBe('llama');
    expect(failure(of('llama', { per_layer_config: { '1': sizes } })).field).toBe(
      'per_layer_config',
    );
  });

  it('turns in proportion, slower by the factor', () => {
    const full = { rope_type: 'proportional', partial_rotary_factor: 0.5, rope_theta: 1e6 };
    const of = (more: Json) => {
      const sliding_attention = { rope_type: 'default', rope_theta: 1e4 };
      return file({ rope_parameters: { sliding_attention, full_attention: { ...full, ...more } } });
    };
    const frequencies = (more: Json) => ropeFrequencies(gqa(importing(of(more)), 1).rope!, 9);
    const once = frequencies({});
    expect(once).toHaveLength(128);
    expect(once[1]).toBeCloseTo(1e6 ** (-2 / 512), 12);
    expect(frequencies({ factor: 4 })).toEqual(once.map((frequency) => frequency / 4));
    expect(frequencies({ factor: 1 })).toEqual(once);
    expect(failure(of({ factor: '4' })).field).toBe('rope_parameters.full_attention.factor');
  });

  it('refuses what a file leaves out where the class has more than this model', () => {
    expect(failure(without(file(), 'hidden_size_per_layer_input')).field).toBe(
      'hidden_size_per_layer_input',
    );
  });
});

describe('a head of an odd number of elements', () => {
  it.each([
    ['llama', { head_dim: 7 }],
    ['phi3', { hidden_size: 75, num_attention_heads: 3, partial_rotary_factor: 0.4 }],
    ['phi3', { head_dim: 25, partial_rotary_factor: 0.4 }],
    ['glm4_moe', { num_attention_heads: 8, head_dim: 5, partial_rotary_factor: 0.8 }],
    ['qwen3_next', { head_dim: 17 }],
    ['gpt_oss', { head_dim: 63 }],
    ['gemma2', { head_dim: 255 }],
  ])('is refused in %s: %j', (family, more) => {
    const error = failure(of(family, { num_key_value_heads: null, ...more }));
    expect(error.message).toMatch(
      /^head_dim: expected an even number, as rotary embedding takes pairs, found \d+$/,
    );
  });
});

describe('mutations', () => {
  const deepseek = of('deepseek_v3', { n_routed_experts: 16, num_experts_per_tok: 3 });
  it.each([
    ['n_group', { ...deepseek, n_group: 3 }],
    ['n_group', { ...deepseek, n_group: 16 }],
    ['topk_group', { ...deepseek, n_group: 4, topk_group: 5 }],
    ['num_experts_per_tok', { ...deepseek, n_group: 4, topk_group: 1, num_experts_per_tok: 5 }],
    ['num_experts_per_tok', { ...deepseek, num_experts_per_tok: 17 }],
    ['moe_layer_freq', { ...deepseek, moe_layer_freq: 2 }],
    ['scoring_func', { ...deepseek, scoring_func: 'softmax' }],
    ['topk_method', { ...deepseek, topk_method: 'greedy' }],
    ['mlp_layer_types', { ...deepseek, mlp_layer_types: ['dense'] }],
    ['mlp_layer_types', { ...deepseek, mlp_layer_types: Array(4).fill('thin') }],
    ['indexer_types', of('glm_moe_dsa', { indexer_types: ['full'] })],
    ['layer_types', of('gpt_oss', { layer_types: ['full_attention'] })],
    ['layer_types', of('qwen3_5', { layer_types: Array(4).fill('sliding_attention') })],
    ['sliding_window', of('gpt_oss', { sliding_window: null })],
    ['num_experts_per_tok', of('mixtral', { num_local_experts: 2, num_experts_per_tok: 3 })],
    ['num_local_experts', of('mixtral', { num_local_experts: 0 })],
    ['moe_intermediate_size', of('qwen3_moe', { moe_intermediate_size: 'wide' })],
    ['linear_conv_kernel_dim', of('qwen3_next', { linear_conv_kernel_dim: 0 })],
    ['kv_lora_rank', { ...deepseek, kv_lora_rank: null }],
    ['qk_rope_head_dim', { ...deepseek, qk_rope_head_dim: 0 }],
    ['qk_rope_head_dim', { ...deepseek, qk_rope_head_dim: 63 }],
    ['rope_scaling.type', of('llama', { rope_scaling: { rope_type: 'linear', type: 'yarn' } })],
  ])('%s is refused by its name', (field, file) => {
    const error = failure(file);
    expect(error.field).toBe(field);
    expect(error.message).toMatch(new RegExp(`^${field}: expected [^\n]+, found [^\n]+$`));
  });

  it('one of a list is shown', () => {
    expect(failure(of('qwen3_moe', { mlp_only_layers: [1, -1] })).message).toBe(
      'mlp_only_layers.1: expected a whole number from 0 to 1024, found -1',
    );
  });
});

const checkpoints = new URL('../../shared/checkpoints/', import.meta.url);
const folders = existsSync(checkpoints)
  ? readdirSync(checkpoints).filter((name) =>
      existsSync(new URL(`${name}/config.json`, checkpoints)),
    )
  : [];
describe.skipIf(folders.length === 0)(
  'checkpoints (skipped where ../shared/checkpoints is absent)',
  () => {
    it.each(folders)('%s is read', (name) => {
      const path = new URL(`${name}/config.json`, checkpoints);
      const json = JSON.parse(readFileSync(path, 'utf8')) as Json;
      const { layers, family } = importing(json);
      expect(layers).toHaveLength(json['num_hidden_layers'] as number);
      expect(String(json['model_type'])).toContain(family);
    });
  },
);
