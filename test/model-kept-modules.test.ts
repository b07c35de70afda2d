/** Modules that a file of few bits leaves as they are: attention and MLPs each by the names of their projections. */
import { readFileSync } from 'node:fs';
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { MAPPINGS } from '../src/mapping/mappings.js';
import { formatOf, matrixBytes } from '../src/model/formats.js';
import { operatorsOf } from '../src/model/operators.js';
import { randomWeights } from '../src/model/weights.js';
import type { GqaWeights, DenseWeights } from '../src/model/model-weights.js';
import { importing, type Json } from './helpers/importing.js';

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../models/${file}.json`, import.meta.url), 'utf8')) as Json;
const [glm, qwen, tiny] = ['glm-4.6', 'qwen3-30b-a3b', 'tiny'].map(read);
const FP8 = { quant_method: 'fp8' };
const int8 = { quant_method: 'gptq', bits: 8 };

/** Types of attention and rest. */
function typesOf(file: Json, method: Json, listed?: string[], field = 'modules_to_not_convert') {
  const quantization_config = { ...method, ...(listed && { [field]: listed }) };
  const model = importing({ ...file, quantization_config });
  return [formatOf(model, 'attention').type, formatOf(model, 'rest').type];
}

const each = (names: string[], layers = 100) =>
  Array.from({ length: layers }, (_, i) => names.map((name) => `model.layers.${i}.${name}`)).flat();
const projections = ['q', 'k', 'v', 'o'].map((of) => `self_attn.${of}_proj`);

describe('modules that a file lists', () => {
  it.each([
    ['norms', each(['post_attention_layernorm', 'input_layernorm', 'self_attn.q_norm'])],
    ['routers and biases', each(['mlp.gate', ...projections.map((name) => `${name}.bias`)])],
    [
      'other words with attention in them',
      ['attention', 'attn', 'self_att', 'model.layers.*.linear_attention'],
    ],
    ['an encoder', ['visual.blocks', 'vision_model.encoder.layers.*.self_attn']],
    ['the attention of some layers', each(['self_attn'], 1)],
    ['some projections', each(projections.slice(0, 3))],
    ['none', undefined],
  ] as const)('keep nothing as it is by %s', (_, listed) => {
    for (const file of [glm, qwen, tiny]) {
      expect(typesOf(file, FP8, listed?.slice())).toEqual(['fp8', 'fp8']);
      expect(typesOf(file, int8, listed?.slice())).toEqual(['i8', 'i8']);
    }
  });

  it.each([
    ['a module', ['self_attn']],
    ['modules of layers', ['model.layers.*.self_attn']],
    ['all in it', ['model.layers.*.self_attn.*']],
    ['layers one by one', each(['self_attn'])],
    ['projections', each(projections)],
    ['weights', each(projections.map((name) => `${name}.weight`))],
    ['a text model of others', ['language_model.model.layers.*.self_attn']],
    ['an expression', ['re:.*self_attn.*']],
    ['an expression of dots', ['re:.*\\.self_attn\\..*']],
    ['an expression of several', ['re:.*self_attn\\.(q|k|v|o)_proj$']],
  ])('keep the attention alone by %s', (_, listed) => {
    for (const file of [glm, tiny]) {
      expect(typesOf(file, FP8, listed)).toEqual(['f16', 'fp8']);
      expect(typesOf(file, int8, listed)).toEqual(['f16', 'i8']);
      expect(typesOf(file, { quant_method: 'awq', bits: 4 }, listed, 'ignore')).toEqual([
        ...['f16', 'int4'],
      ]);
    }
    // Whose MLPs are all routed experts.
    expect(typesOf(qwen, FP8, listed)).toEqual(['f16', 'f16']);
  });

  it('keep dense and shared MLPs if both are named', () => {
    const mlps = [...each(['mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'], 3)];
    const shared = 're:.*mlp\\.shared_experts\\.(gate|up|gate_up|down)_proj.*';
    expect(typesOf(glm, FP8, mlps)).toEqual(['fp8', 'fp8']);
    expect(typesOf(glm, FP8, [shared])).toEqual(['fp8', 'fp8']);
    expect(typesOf(glm, FP8, [...mlps, shared])).toEqual(['fp8', 'f16']);
    expect(typesOf(glm, FP8, [...mlps, shared, 'self_attn'])).toEqual(['f16', 'f16']);
  });

  it('are what cores keep, weights are drawn as, operators count and a document says', () => {
    const quantization_config = { ...int8, modules_to_not_convert: ['self_attn'] };
    const model = importing({ ...tiny, quantization_config });
    const { attention, mlp } = randomWeights(model, seedrandom.alea('kept')).layers[0];
    expect([(attention as GqaWeights).q.scale, (attention as GqaWeights).o.scale]).toEqual([1, 1]);
    expect((mlp as DenseWeights).up.scale).not.toBe(1);
    const part = { kind: 'layer', layerKind: 0 } as const;
    const cut = { model, rows: 3, columns: 5, positions: 1, users: 1 };
    const buffers = MAPPINGS.gqa.buffers(part, cut);
    const types = ['wQkv', 'wO', 'wGateUp', 'wDown'].map(
      (name) => buffers.find((of) => of.name === name)!.type,
    );
    expect(types).toEqual(['f16', 'f16', 'i8', 'i8']);
    const bytes = (name: string) => {
      const { outputs, inputs, weightBytes } = operatorsOf(model).find((o) => o.name === name)!;
      return weightBytes / matrixBytes({ type: 'i8' }, outputs, inputs);
    };
    expect(['q', 'o', 'gate', 'down'].map(bytes)).toEqual([2, 2, 1, 1]);
    const sets = ['dtype=f16', 'bits.attention=fp8', 'bits.rest=int4'].map((of) => `model.${of}`);
    const { model: asked, resolved } = loadConfig('configs/tiny.yaml', sets);
    expect(formatOf(asked, 'attention').type).toBe('fp8');
    expect(resolved).toMatchObject({ model: { bits: { attention: 'fp8', rest: 'int4/32' } } });
  });
});
