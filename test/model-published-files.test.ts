/** Files as they are published: what older and newer forms leave out, windows, stored quantisation. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gqaOf } from '../src/model/model.js';
import { sizesOf } from './helpers/small-model.js';
import { failure, importing, without, type Json } from './helpers/importing.js';

const own = new URL('../models/', import.meta.url);
const read = (folder: URL, file: string) =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Json;
const tiny = read(own, 'tiny.json');
const qwen = read(own, 'tiny-qwen3.json');
const llama = read(own, 'llama-3.1-8b.json');

describe('a field that is left out has the default of its family', () => {
  const OPTIONAL = ['rope_theta', 'num_key_value_heads', 'rms_norm_eps', 'tie_word_embeddings'];

  it('in a Llama: multi-head attention, 1e4, 1e-6, not tied, 2048 positions', () => {
    expect(
      sizesOf(importing(without(tiny, ...OPTIONAL, 'max_position_embeddings', 'head_dim'))),
    ).toEqual({
      ...sizesOf(importing(tiny)),
      kvHeads: 4,
      ropeTheta: 10_000,
      normEpsilon: 1e-6,
      tied: false,
      maxContext: 2048,
      headDim: 12,
    });
  });

  it('in a Mistral: 8 KV heads, or as many as query heads where a null is written', () => {
    const mistral = { ...tiny, model_type: 'mistral', num_attention_heads: 16, hidden_size: 192 };
    expect(sizesOf(importing(without(mistral, ...OPTIONAL))).kvHeads).toBe(8);
    expect(sizesOf(importing({ ...mistral, num_key_value_heads: null })).kvHeads).toBe(16);
    expect(sizesOf(importing(without(mistral, 'max_position_embeddings')))).toMatchObject({
      maxContext: 131_072,
      span: { kind: 'window', size: 4096 },
    });
    expect(failure(without({ ...mistral, num_attention_heads: 4 }, ...OPTIONAL)).message).toBe(
      'num_key_value_heads: expected a divisor of num_attention_heads = 4, as mistral without it has 8, found nothing',
    );
  });

  it('in a Qwen3: 32 KV heads, heads of 128, 32768 positions, not tied', () => {
    const big = { ...qwen, num_attention_heads: 64 };
    expect(
      sizesOf(importing(without(big, ...OPTIONAL, 'head_dim', 'max_position_embeddings'))),
    ).toMatchObject({
      kvHeads: 32,
      headDim: 128,
      ropeTheta: 10_000,
      normEpsilon: 1e-6,
      tied: false,
      maxContext: 32_768,
    });
    expect(sizesOf(importing({ ...big, num_key_value_heads: null })).kvHeads).toBe(64);
    // A written null has no meaning there: the published code takes it for the width.
    expect(failure({ ...qwen, head_dim: null }).field).toBe('head_dim');
  });
});

describe('rope_parameters', () => {
  const scaling = llama['rope_scaling'] as Json;
  const rest = without(llama, 'rope_theta', 'rope_scaling');
  const full = { ...scaling, rope_theta: 500_000 };

  it('may be given for each kind of layer; those that the model has count', () => {
    const other = { rope_type: 'yarn', factor: 2 };
    const byKind = (rope_parameters: object, more = {}) => ({ ...rest, ...more, rope_parameters });
    expect(importing(byKind({ full_attention: full, sliding_attention: other }))).toEqual(
      importing(llama),
    );
    const types = Array.from({ length: 32 }, (_, i) => (i % 2 ? 'full' : 'sliding') + '_attention');
    const mixed = {
      ...{ model_type: 'qwen3', head_dim: 128, use_sliding_window: true },
      ...{ layer_types: types, sliding_window: 512 },
    };
    const both = importing(byKind({ full_attention: full, sliding_attention: full }, mixed));
    expect(both.layers.slice(0, 3)).toEqual([0, 1, 0]);
    expect(both.kinds.map((kind) => gqaOf(kind))).toMatchObject([
      { rope: { theta: 500_000 }, span: { kind: 'window', size: 512 } },
      { rope: { theta: 500_000 }, span: { kind: 'full' } },
    ]);
    const two = importing(byKind({ full_attention: full, sliding_attention: other }, mixed));
    expect(two.kinds.map((kind) => gqaOf(kind).rope?.scaling)).toMatchObject([
      { factor: 2, betaFast: 32 },
      { factor: 8, highFreqFactor: 4 },
    ]);
    expect(failure(byKind({ sliding_attention: full })).message).toBe(
      'rope_parameters.full_attention: expected the rotary fields of these layers, found nothing',
    );
    expect(failure(byKind({ full_attention: { rope_type: 'dynamic' } })).field).toBe(
      'rope_parameters.full_attention.rope_type',
    );
  });

  it('need neither a base nor a type', () => {
    expect(sizesOf(importing({ ...rest, rope_parameters: {} }))).toMatchObject({
      ropeTheta: 10_000,
    });
    const only = sizesOf(importing({ ...rest, rope_parameters: { rope_theta: 777 } }));
    expect(only.ropeTheta).toBe(777);
    expect(only).not.toHaveProperty('ropeScaling');
    expect(
      sizesOf(importing({ ...rest, rope_theta: 9, rope_parameters: { rope_type: 'default' } }))
        .ropeTheta,
    ).toBe(9);
    const both = { ...rest, rope_theta: 9, rope_parameters: { rope_theta: 777 } };
    expect(sizesOf(importing(both)).ropeTheta).toBe(777);
    expect(failure({ ...rest, rope_theta: null }).field).toBe('rope_theta');
  });

  it('of YaRN are refused where they contradict each other', () => {
    const yarn = (more: object, theta = 10_000) =>
      failure({ ...rest, rope_theta: theta, rope_scaling: { type: 'yarn', factor: 4, ...more } });
    expect(yarn({ beta_fast: 1, beta_slow: 2 }).field).toBe('rope_scaling.beta_fast');
    expect(yarn({ factor: 0.5 }).field).toBe('rope_scaling.factor');
    expect(yarn({ truncate: 'no' }).field).toBe('rope_scaling.truncate');
    expect(yarn({ attention_factor: 0 }).field).toBe('rope_scaling.attention_factor');
    expect(yarn({}, 1).field).toBe('rope_theta');
  });
});

describe('a sliding window', () => {
  const windowOf = (json: object) => {
    const spans = importing(json).kinds.map((layer) => gqaOf(layer).span);
    return spans.flatMap((span) => (span.kind === 'window' ? [span.size] : []))[0];
  };

  it('of a Mistral is the one of the file, or 4096, or none where a null is written', () => {
    const mistral = { ...tiny, model_type: 'mistral', max_position_embeddings: 32_768 };
    expect(windowOf({ ...mistral, sliding_window: 1024 })).toBe(1024);
    expect(windowOf(mistral)).toBe(4096);
    expect(windowOf({ ...mistral, sliding_window: null })).toBeUndefined();
  });

  it('of a Qwen3 is in force if it is asked for and some layer lies beyond max_window_layers', () => {
    const layers = (use: boolean, more: object) => ({
      ...{ ...qwen, max_position_embeddings: 32_768, use_sliding_window: use, ...more },
    });
    expect(windowOf(layers(false, { sliding_window: 64, max_window_layers: 0 }))).toBeUndefined();
    expect(windowOf(layers(true, { sliding_window: 64, max_window_layers: 3 }))).toBeUndefined();
    expect(windowOf(layers(true, { sliding_window: 64, max_window_layers: 2 }))).toBe(64);
    expect(windowOf(layers(true, { max_window_layers: 2 }))).toBe(4096);
    // Without the field the layers from the 29th on have it.
    expect(windowOf(layers(true, { num_hidden_layers: 28 }))).toBeUndefined();
    expect(windowOf(layers(true, { num_hidden_layers: 29 }))).toBe(4096);
    // 28 layers are full by default, of which this model has 3.
    expect(windowOf(layers(true, { sliding_window: 64 }))).toBeUndefined();
  });

  it('is none of a Llama or an OLMo 2, whatever the file says of it', () => {
    const said = { sliding_window: 64, use_sliding_window: true };
    const layer_types = ['full_attention', 'sliding_attention'];
    for (const model_type of ['llama', 'olmo2'])
      for (const more of [said, { ...said, layer_types }, { use_sliding_window: true }])
        expect(windowOf({ ...tiny, model_type, ...more }), model_type).toBeUndefined();
    expect(failure({ ...tiny, layer_types: ['full_attention', 'wide'] }).field).toBe('layer_types');
    expect(failure({ ...tiny, layer_types: layer_types.slice(1) }).field).toBe('layer_types');
    expect(failure({ ...tiny, sliding_window: -1 }).field).toBe('sliding_window');
  });

  it('is in every layer of a Mistral, a Phi-3 or a Mixtral, if it is not null', () => {
    const layer_types = ['full_attention', 'sliding_attention'];
    for (const model_type of ['mistral', 'phi3', 'mixtral'])
      for (const more of [{}, { use_sliding_window: false }, { layer_types }]) {
        const file = { ...tiny, model_type, ...more };
        const spans = (sliding_window: number | null) =>
          importing({ ...file, sliding_window }).kinds.map((layer) => gqaOf(layer).span);
        expect(spans(64), model_type).toEqual([{ kind: 'window', size: 64 }]);
        expect(spans(null), model_type).toEqual([{ kind: 'full' }]);
      }
    const asked = { model_type: 'phi3', use_sliding_window: true };
    expect(windowOf({ ...tiny, ...asked })).toBeUndefined();
  });

  it('follows layer_types of a Qwen where it is asked for', () => {
    const types = (a: string, b: string) => ({ layer_types: [`${a}_attention`, `${b}_attention`] });
    const window = { ...qwen, num_hidden_layers: 2, sliding_window: 64, use_sliding_window: true };
    expect(windowOf({ ...window, ...types('full', 'full') })).toBeUndefined();
    expect(windowOf({ ...window, ...types('full', 'sliding') })).toBe(64);
    const sliding = types('full', 'sliding');
    for (const model_type of ['qwen2', 'qwen3', 'qwen3_moe'])
      for (const [use, found] of [
        [undefined, 'nothing'],
        [null, 'nothing'],
        [false, 'false'],
      ] as const) {
        const file = { ...window, ...sliding, model_type, use_sliding_window: use };
        expect(failure(file).message, model_type).toBe(
          `use_sliding_window: expected true, as layer_types has sliding_attention, found ${found}`,
        );
      }
  });

  it('of no size is refused with what asks for it', () => {
    const asked = { ...qwen, use_sliding_window: true, max_window_layers: 0, sliding_window: null };
    const why = (json: object) =>
      failure(json).message.replace(/^.* as (.*), found nothing$/, '$1');
    expect(why(asked)).toBe('use_sliding_window is true');
    const layers = qwen['num_hidden_layers'] as number;
    const layer_types = Array.from({ length: layers }, () => 'sliding_attention');
    expect(why({ ...asked, layer_types })).toBe('layer_types has sliding_attention');
    for (const model_type of ['gemma2', 'gpt_oss'])
      expect(why({ ...tiny, model_type, sliding_window: null })).toBe(
        'layers of this family slide',
      );
  });

  it('of as many positions as the model has is none', () => {
    const mistral = { ...tiny, model_type: 'mistral' };
    expect(windowOf({ ...mistral, sliding_window: 512 })).toBeUndefined();
    expect(windowOf({ ...mistral, sliding_window: 511 })).toBe(511);
    expect(windowOf({ ...mistral, sliding_window: 0 })).toBeUndefined();
    expect(failure({ ...mistral, sliding_window: -1 }).field).toBe('sliding_window');
  });
});

describe('stored quantisation', () => {
  const groups = (...bits: unknown[]) => ({
    quant_method: 'compressed-tensors',
    config_groups: Object.fromEntries(
      bits.map((num_bits, i) => [`group_${i}`, { weights: { num_bits }, targets: ['Linear'] }]),
    ),
  });
  const eight: [string, object][] = [
    ['fp8', { quant_method: 'fp8', weight_block_size: [128, 128] }],
    ['fbgemm_fp8', { quant_method: 'fbgemm_fp8' }],
    ['gptq', { quant_method: 'gptq', bits: 8, group_size: 128 }],
    ['awq', { quant_method: 'awq', w_bit: 8 }],
    ['bitsandbytes', { load_in_8bit: true }],
    ['bitsandbytes', { quant_method: 'bitsandbytes', load_in_8bit: true, load_in_4bit: false }],
    ['compressed-tensors', groups(8)],
    ['compressed-tensors', groups(8, 8)],
    ['compressed-tensors', groups(undefined)],
    ['quanto', { quant_method: 'quanto', weights: 'int8' }],
    ['modelopt', { quant_method: 'modelopt', quant_algo: 'FP8' }],
  ];
  it.each(eight)('of 8 bits, %s %j, gives 8-bit weights', (method, quantization_config) => {
    const file = { ...tiny, quantization_config };
    expect(importing(file)).toMatchObject({ weightBits: 8, stored: method });
    expect(importing(file, { dtype: 'f32' })).toMatchObject({ weightBits: 8, dtype: 'f32' });
    expect(importing(file, { weightBits: 16 })).toEqual(importing(tiny));
  });

  const four: [string, object][] = [
    ['bits', { quant_method: 'gptq', bits: 3 }],
    ['load_in_4bit', { quant_method: 'bitsandbytes', load_in_4bit: true }],
    ['quant_method', { quant_method: 'mxfp4' }],
    ['config_groups.group_1.weights.num_bits', groups(8, 4)],
    ['quant_algo', { quant_method: 'modelopt', quant_algo: 'W4A8_AWQ' }],
    ['quant_method', { quant_method: 'aqlm' }],
    ['quant_method', { quant_method: 'constructor' }],
    ['quant_method', {}],
    ['bits', { quant_method: 'gptq', bits: '8' }],
    ['config_groups', { quant_method: 'compressed-tensors' }],
  ];
  it.each(four)(
    'of other bits is noted by %s in %j, unless model.weightBits is given',
    (field, q) => {
      const file = { ...tiny, quantization_config: q };
      const { published, weightBits, stored } = importing(file);
      expect(published?.stored).toMatchObject({ field: `quantization_config.${field}` });
      expect(published?.stored?.bits).not.toBe(8);
      expect([weightBits, stored]).toEqual([16, undefined]);
      expect(importing(file, { weightBits: 8 })).toEqual(importing(tiny, { weightBits: 8 }));
    },
  );

  const int4 = (group: number) => ({ type: 'int4', block: [1, group] });
  const fours: [string, object, object][] = [
    ['gptq', { quant_method: 'gptq', bits: 4 }, int4(128)],
    ['awq', { quant_method: 'awq', bits: 4, group_size: 32 }, int4(32)],
    ['gptq', { quant_method: 'gptq', bits: 4, group_size: -1 }, int4(2 ** 20)],
    ['compressed-tensors', groups(4), int4(128)],
    ['quanto', { quant_method: 'quanto', weights: 'int4' }, int4(128)],
  ];
  it.each(fours)('of 4 bits in groups, %s %j, is of such groups', (method, q, rest) => {
    const { formats, weightBits, stored } = importing({ ...tiny, quantization_config: q });
    expect([weightBits, stored]).toEqual([4, method]);
    expect(formats).toEqual({ experts: rest, rest, tables: { type: 'f16' } });
  });

  it('of floats of 8 bits is FP8 in the blocks of the file, but for tables', () => {
    const of = (q: object) => importing({ ...tiny, quantization_config: q }).formats;
    const fp8 = (...block: number[]) => ({ type: 'fp8', block });
    const all = (format: object) => ({
      ...{ experts: format, rest: format, tables: { type: 'f16' } },
    });
    expect(of({ quant_method: 'fp8' })).toEqual(all(fp8(128, 128)));
    expect(of({ quant_method: 'fp8', weight_block_size: [64, 32] })).toEqual(all(fp8(64, 32)));
    const floats = { group_0: { weights: { num_bits: 8, type: 'float' } } };
    const tensors = { quant_method: 'compressed-tensors', config_groups: floats };
    expect(of(tensors)).toEqual(all(fp8(128, 128)));
    expect(of(groups(8))).toBeUndefined();
  });

  it.each([
    // Heads of 16 queries, then as many gates; 2 key heads of 6, each with its 3 values of 8.
    ['qwen3_next', [64, 32], 2],
    ['qwen3_next', [5, 7], 1],
    // All keys in a row.
    ['qwen3_5', [64, 32], 4],
    ['qwen3', [64, 32], 64],
    // 9 query heads and 3 key heads of 16 in a row, and an MLP of 24.
    ['phi3', [64, 32], 8],
  ])('of FP8 has blocks of whole parts of what %s keeps together: of %j, %i outputs', (...of) => {
    const [model_type, block, outputs] = of;
    const sizes = {
      ...{ hidden_size: 72, intermediate_size: 24, num_hidden_layers: 4, vocab_size: 64 },
      ...{ num_attention_heads: 9, num_key_value_heads: 3, head_dim: 16 },
      ...{ linear_num_key_heads: 2, linear_num_value_heads: 6, num_experts: 4 },
      ...{ linear_key_head_dim: 6, linear_value_head_dim: 8, num_experts_per_tok: 2 },
    };
    const quantization_config = { quant_method: 'fp8', weight_block_size: block };
    const experts = model_type === 'qwen3_next' ? {} : { num_experts: undefined };
    const { formats } = importing({ model_type, ...sizes, ...experts, quantization_config });
    expect(formats?.rest).toEqual({ type: 'fp8', block: [outputs, block[1]] });
  });

  it('keeps what it says of blocks, and of modules in full', () => {
    const q = { quant_method: 'fp8', weight_block_size: [128, 64] };
    expect(importing({ ...tiny, quantization_config: q }).published?.stored).toEqual({
      method: 'fp8',
      bits: 8,
      field: 'quantization_config.quant_method',
      says: '"fp8"',
      block: [128, 64],
    });
    const except = ['model.layers.*.self_attn', 'lm_head'];
    const mx = { quant_method: 'mxfp4', modules_to_not_convert: except };
    expect(importing({ ...tiny, quantization_config: mx }).published?.stored).toEqual({
      method: 'mxfp4',
      bits: 4,
      field: 'quantization_config.quant_method',
      says: '"mxfp4"',
      except,
    });
  });

  it('of 16 bits, of activations alone, or under its older name', () => {
    const store = (quantization_config: unknown) => importing({ ...tiny, quantization_config });
    for (const none of [groups(16), groups(), null]) expect(store(none)).toEqual(importing(tiny));
    const activations = { ...groups(8) };
    Object.assign(activations.config_groups, { group_1: { weights: null } });
    expect(store(activations).weightBits).toBe(8);
    expect(importing({ ...tiny, compression_config: groups(8) }).weightBits).toBe(8);
    expect(failure({ ...tiny, quantization_config: 8 }).field).toBe('quantization_config');
  });
});
