import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importHfConfig } from '../src/model/hf-config.js';
import { sizesOf } from './helpers/small-model.js';
import { failure, importing } from './helpers/importing.js';

const own = new URL('../models/', import.meta.url);
const read = (folder: URL, file: string) =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, unknown>;

const tiny = read(own, 'tiny.json');
const llama = read(own, 'llama-3.1-8b.json');
const scaling = llama['rope_scaling'] as Record<string, unknown>;

describe('importing a model', () => {
  it('reads the dimensions of Llama 3.1 8B', () => {
    expect(sizesOf(importHfConfig(llama, { name: 'llama-3.1-8b' }))).toEqual({
      name: 'llama-3.1-8b',
      family: 'llama',
      dim: 4096,
      layers: 32,
      heads: 32,
      kvHeads: 8,
      headDim: 128,
      ffn: 14336,
      vocab: 128256,
      ropeTheta: 500000,
      ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPosition: 8192 },
      normEpsilon: 1e-5,
      tied: false,
      qkNorm: false,
      maxContext: 131072,
      dtype: 'f16',
      weightBits: 16,
      span: { kind: 'full' },
    });
  });

  it('knows that Qwen3 normalises queries and keys, and what is tied', () => {
    const qwen = sizesOf(importing(read(own, 'tiny-qwen3.json')));
    expect(qwen).toMatchObject({ family: 'qwen3', qkNorm: true, tied: true, headDim: 16 });
    expect(sizesOf(importing(tiny))).toMatchObject({ qkNorm: false, tied: false, headDim: 12 });
  });

  it('reads every model file of the project', () => {
    for (const file of readdirSync(own))
      expect(importHfConfig(read(own, file), { name: file }).name, file).toBe(file);
  });

  it('stores weights in the bits of the data type, or in 8', () => {
    const bits = (dtype?: 'f16' | 'f32', weightBits?: 8 | 16) =>
      importHfConfig(tiny, {
        name: 'm',
        ...(dtype && { dtype }),
        ...(weightBits && { weightBits }),
      }).weightBits;
    expect([bits(), bits('f16', 8), bits('f32'), bits('f32', 8)]).toEqual([16, 8, 32, 8]);
    expect(() => bits('f32', 16)).toThrow('expected 4, 8 or the 32 of f32, found 16');
  });

  it('reads the rotary fields of older and of newer files', () => {
    const { rope_theta, rope_scaling, ...rest } = llama;
    const newer = { ...rest, rope_parameters: { ...scaling, rope_theta } };
    expect(importing(newer)).toEqual(importing(llama));
    const { rope_type, ...older } = scaling;
    expect(importing({ ...rest, rope_theta, rope_scaling: { ...older, type: rope_type } })).toEqual(
      importing(llama),
    );
    const none = importing({ ...rest, rope_theta, rope_scaling: null });
    expect(none).not.toHaveProperty('ropeScaling');
    expect(importing({ ...rest, rope_theta, rope_scaling: { rope_type: 'default' } })).toEqual(
      none,
    );
  });
});

describe('importing refuses by name', () => {
  const numbers = [
    'hidden_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'head_dim',
    'intermediate_size',
    'vocab_size',
    'max_position_embeddings',
    'rms_norm_eps',
    'rope_theta',
  ];
  const wrong = [0, -8, 1e15, Infinity, NaN, '48', true, [], {}];

  it.each(numbers)('a wrong %s', (field) => {
    for (const value of wrong) {
      const error = failure({ ...tiny, [field]: value });
      expect(error.field, String(value)).toBe(field);
      expect(error.message).toMatch(new RegExp(`^${field}: expected a .*number .*, found [^\n]+$`));
    }
  });

  it.each(numbers.slice(0, 8))('a fractional %s', (field) => {
    expect(failure({ ...tiny, [field]: 2.5 }).message).toMatch(
      new RegExp(`^${field}: expected a whole number from 1 to \\d+, found 2.5$`),
    );
  });

  const required = numbers.filter((field) => /^(hidden|num_(hidden|att)|inter|vocab)/.test(field));
  it.each(required)('a missing %s', (field) => {
    const { [field]: _, ...rest } = tiny;
    expect(failure(rest).message).toMatch(new RegExp(`^${field}: expected .*, found nothing$`));
  });

  it('numbers that contradict each other', () => {
    expect(failure({ ...tiny, num_attention_heads: 3 }).message).toBe(
      'num_attention_heads: expected a multiple of num_key_value_heads = 2, found 3',
    );
    expect(failure({ ...tiny, num_attention_heads: 2, num_key_value_heads: 4 }).field).toBe(
      'num_attention_heads',
    );
    expect(failure({ ...tiny, head_dim: 7 }).message).toMatch(/^head_dim: expected an even number/);
    expect(failure({ ...tiny, head_dim: null, hidden_size: 49 }).message).toMatch(
      /^hidden_size: expected a multiple of num_attention_heads = 4/,
    );
    expect(failure({ ...tiny, layer_types: ['full_attention'] }).message).toBe(
      'layer_types: expected one for each of num_hidden_layers = 2, found 1',
    );
  });

  it.each([
    ['num_experts', 128],
    ['num_local_experts', 8],
    ['n_routed_experts', 256],
    ['kv_lora_rank', 512],
    ['use_qk_norm', true],
    ['attn_output_gate', true],
    ['attn_logit_softcapping', 50],
    ['final_logit_softcapping', 30],
    ['swiglu_limit', 7],
    ['attention_chunk_size', 8192],
    ['num_nextn_predict_layers', 1],
    ['rope_interleave', true],
  ])('what a Llama does not have: %s = %j', (field, value) => {
    const error = failure({ ...tiny, [field]: value });
    expect(error.field).toBe(field);
    expect(error.message).toMatch(
      new RegExp(`^${field}: expected none in a model of the family llama, found ${field} = `),
    );
  });

  it('all of them in one line', () => {
    expect(failure({ ...tiny, num_experts: 8, kv_lora_rank: 4 }).message).toBe(
      'num_experts: expected none in a model of the family llama, found num_experts = 8 (mixture of experts); kv_lora_rank = 4 (multi-head latent attention)',
    );
    expect(failure({ ...tiny, model_type: 'qwen2', mlp_bias: true }).message).toMatch(
      /^mlp_bias: expected none in a model of the family qwen2, found mlp_bias = true /,
    );
  });

  it.each([
    ['layer_types', ['linear_attention', 'full_attention']],
    ['layer_types', ['chunked_attention', 'full_attention']],
    ['layer_types', 'full_attention'],
    ['hidden_act', 'gelu'],
    ['hidden_act', 'constructor'],
    ['partial_rotary_factor', 0.5],
    ['model_type', 'gpt2'],
    ['model_type', undefined],
    ['model_type', 'constructor'],
    ['model_type', '_text'],
    ['text_config', 7],
    ['text_config', []],
  ])('a value that is none of those known: %s = %j', (field, value) => {
    const error = failure({ ...tiny, [field]: value });
    expect(error.field).toBe(field);
    expect(error.message).toMatch(new RegExp(`^${field}: expected [^\n]+, found [^\n]+$`));
  });

  it('rotary scaling of other kinds, and a Llama 3 scaling with a number missing or misplaced', () => {
    const change = (rope_scaling: object) => failure({ ...llama, rope_scaling });
    expect(change({ rope_type: 'dynamic', factor: 4 }).field).toBe('rope_scaling.rope_type');
    expect(change({ type: 'longrope', factor: 4 }).field).toBe('rope_scaling.short_factor');
    expect(change({ type: 'toString' }).field).toBe('rope_scaling.type');
    expect(change({ factor: 4 }).field).toBe('rope_scaling.rope_type');
    expect(change({ ...scaling, factor: undefined }).field).toBe('rope_scaling.factor');
    expect(change({ ...scaling, factor: -8 }).field).toBe('rope_scaling.factor');
    expect(change({ ...scaling, low_freq_factor: 4.5 }).field).toBe('rope_scaling.low_freq_factor');
    expect(change({ ...scaling, partial_rotary_factor: 0.5 }).field).toBe(
      'rope_scaling.partial_rotary_factor',
    );
    expect(change({ ...scaling, mrope_section: [8, 8] }).field).toBe('rope_scaling.mrope_section');
    expect(failure({ ...llama, rope_parameters: scaling }).message).toMatch(
      /^rope_scaling: expected null next to rope_parameters/,
    );
    expect(failure({ ...llama, rope_scaling: 8 }).field).toBe('rope_scaling');
  });

  it('what is no configuration at all', () => {
    for (const value of [null, undefined, 7, 'llama', []])
      expect(failure(value).message).toMatch(/^model: expected the object of a config.json/);
  });

  it('a long value by its beginning', () => {
    const error = failure({ ...tiny, hidden_size: 'x'.repeat(500) });
    expect(error.message).toBe(
      `hidden_size: expected a whole number from 1 to 131072, found "${'x'.repeat(56)}...`,
    );
  });

  it('but takes features that are there and not in use', () => {
    const idle = {
      ...tiny,
      attention_bias: false,
      num_experts: 0,
      sliding_window: 4096,
      use_sliding_window: false,
      layer_types: ['full_attention', 'full_attention'],
      partial_rotary_factor: 1,
      quantization_config: null,
      torch_dtype: 'bfloat16',
      eos_token_id: [1, 2],
    };
    expect(importing(idle)).toEqual(importing(tiny));
  });
});
