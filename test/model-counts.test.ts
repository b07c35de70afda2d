/** Parameters of published models: total, active, of multi-token prediction; and the operators of each kind of layer. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '../src/model/model.js';
import {
  activeParameters,
  cacheBytes,
  cacheBytesPerPosition,
  mtpParameters,
  operatorsOf,
  parameterCount,
  weightBytes,
} from '../src/model/operators.js';
import { PUBLISHED } from './helpers/published-dense.js';
import { importing } from './helpers/importing.js';

describe('dense models count what their weights have', () => {
  it.each(PUBLISHED)('%s: %d', (_, parameters, config) => {
    const model = importing(config);
    expect(parameterCount(model)).toBe(parameters);
    expect(activeParameters(model).active).toBe(parameters);
    // 16 bits of each.
    expect(weightBytes(model)).toBe(2 * parameters);
  });
});

/** Total, active with the embedding's table, and of multi-token prediction in tenths of a billion. */
const COUNTS: [file: string, total: number, active: number, mtp?: number][] = [
  ['mistralai--Mixtral-8x7B-v0.1', 46_702_792_704, 12_879_925_248],
  ['mistralai--Mixtral-8x22B-v0.1', 140_620_634_112, 39_152_031_744],
  ['Qwen--Qwen3-30B-A3B', 30_532_122_624, 3_353_032_704],
  ['Qwen--Qwen3-235B-A22B', 235_093_634_560, 22_190_763_520],
  ['Qwen--Qwen3-Coder-480B-A35B-Instruct', 480_154_875_392, 35_474_765_312],
  ['openai--gpt-oss-20b', 20_914_757_184, 4_187_440_704],
  ['openai--gpt-oss-120b', 116_829_156_672, 5_711_982_912],
  ['deepseek-ai--DeepSeek-V3', 671_026_419_200, 37_552_297_472, 116],
  ['deepseek-ai--DeepSeek-V3.2', 671_877_944_064, 38_403_822_336, 116],
  ['moonshotai--Kimi-K2-Instruct', 1_026_408_232_448, 32_861_500_928],
  ['zai-org--GLM-5', 743_911_218_432, 41_784_728_832, 100],
  ['zai-org--GLM-5.2', 743_377_019_904, 41_250_530_304, 100],
  ['meta-llama--Llama-4-Scout-17B-16E-Instruct', 107_769_861_120, 17_172_894_720],
  ['meta-llama--Llama-4-Maverick-17B-128E-Instruct', 400_711_848_960, 17_184_691_200],
  ['google--gemma-4-26B-A4B', 25_233_141_760, 3_822_530_560],
  ['Qwen--Qwen3.5-27B', 26_895_998_464, 26_895_998_464, 4],
  ['meta-llama--Meta-Llama-3.1-405B', 405_853_388_800, 405_853_388_800],
  ['meta-llama--Meta-Llama-3.1-70B', 70_553_706_496, 70_553_706_496],
  ['meta-llama--Meta-Llama-3.1-8B', 8_030_261_248, 8_030_261_248],
  ['Qwen--Qwen3-32B', 32_762_123_264, 32_762_123_264],
  ['Qwen--Qwen3-8B', 8_190_735_360, 8_190_735_360],
];

const real = new URL('../../shared/hf-configs/', import.meta.url);
const published = (file: string) =>
  importing(JSON.parse(readFileSync(new URL(`${file}.json`, real), 'utf8')));

describe.skipIf(!existsSync(real))(
  'published files (skipped where ../shared/hf-configs is absent)',
  () => {
    it.each(COUNTS)('%s: %d, %d active', (file, total, active, mtp = 0) => {
      const model = published(file);
      expect(parameterCount(model)).toBe(total);
      expect(activeParameters(model).active).toBe(active);
      expect(Math.round(mtpParameters(model) / 1e8)).toBe(mtp);
    });

    it('without the table: a head of its own stays, a tied one is the table', () => {
      const without = (file: string) => activeParameters(published(file)).withoutTable;
      expect(without('openai--gpt-oss-20b')).toBe(4_187_440_704 - 201_088 * 2880);
      expect(without('openai--gpt-oss-120b')).toBe(5_711_982_912 - 201_088 * 2880);
      expect(without('google--gemma-4-26B-A4B')).toBe(3_822_530_560);
    });

    it('caches: latent vectors of 576 numbers, and nothing of delta nets', () => {
      expect(cacheBytesPerPosition(published('deepseek-ai--DeepSeek-V3'))).toBe(61 * 1152);
      // Keys of 128 + 64 and values of 128 of 128 heads.
      const expanded = cacheBytesPerPosition(published('deepseek-ai--DeepSeek-V3'), true);
      expect(expanded).toBe(61 * 128 * 320 * 2);
      // A key of the indexer for each position too, in 21 layers.
      const indexed = cacheBytesPerPosition(published('zai-org--GLM-5.2'));
      expect(indexed).toBe(78 * 1152 + 21 * 256);
      expect(cacheBytesPerPosition(published('Qwen--Qwen3.5-27B'))).toBe(16 * 2 * 4 * 256 * 2);
    });
  },
);

const own = new URL('../models/', import.meta.url);
const bundledModel = (name: string) =>
  importing(JSON.parse(readFileSync(new URL(`${name}.json`, own), 'utf8')));

/** Bundled mixtures and the published files that they are written after. */
const BUNDLED: [name: string, file: string | undefined, total: number, active: number][] = [
  ['gemma-4-26b-a4b', 'google--gemma-4-26B-A4B', 25_233_141_760, 3_822_530_560],
  ['deepseek-v3', 'deepseek-ai--DeepSeek-V3', 671_026_419_200, 37_552_297_472],
  ['kimi-k2', 'moonshotai--Kimi-K2-Instruct', 1_026_408_232_448, 32_861_500_928],
  ['glm-5', 'zai-org--GLM-5', 743_911_218_432, 41_784_728_832],
  ['glm-4.6', undefined, 352_797_829_024, 33_632_266_144],
  ['gpt-oss-120b', 'openai--gpt-oss-120b', 116_829_156_672, 5_711_982_912],
  ['gpt-oss-20b', 'openai--gpt-oss-20b', 20_914_757_184, 4_187_440_704],
  [
    'llama-4-maverick',
    'meta-llama--Llama-4-Maverick-17B-128E-Instruct',
    400_711_848_960,
    17_184_691_200,
  ],
  ['mixtral-8x7b', 'mistralai--Mixtral-8x7B-v0.1', 46_702_792_704, 12_879_925_248],
  ['qwen3-235b-a22b', 'Qwen--Qwen3-235B-A22B', 235_093_634_560, 22_190_763_520],
  ['qwen3-30b-a3b', 'Qwen--Qwen3-30B-A3B', 30_532_122_624, 3_353_032_704],
  [
    'qwen3-coder-480b-a35b',
    'Qwen--Qwen3-Coder-480B-A35B-Instruct',
    480_154_875_392,
    35_474_765_312,
  ],
  ['qwen3-next-80b-a3b', undefined, 79_674_391_296, 3_874_929_408],
];

describe('bundled models with delta nets', () => {
  it('qwen3.5-27b is the published model in every field that counts', () => {
    const model = bundledModel('qwen3.5-27b');
    expect(parameterCount(model)).toBe(26_895_998_464);
    if (!existsSync(real)) return;
    const { published: _, ...expected } = published('Qwen--Qwen3.5-27B');
    const { published: __, ...found } = model;
    expect(found).toEqual(expected);
  });

  it('keep states that do not grow with the context', () => {
    const model = bundledModel('qwen3.5-27b');
    // 48 layers: 48 states of 128 x 128 in 32 bits, 3 earlier inputs of 2 x 16 + 48 heads of 128 in 16.
    const states = 48 * (4 * 48 * 128 * 128 + 2 * 3 * (2 * 16 + 48) * 128);
    expect(cacheBytes(model, 0)).toBe(states);
    expect(cacheBytes(model, 1000)).toBe(states + 1000 * 16 * 2 * 4 * 256 * 2);
  });
});

describe('bundled mixtures of experts', () => {
  const bundled = bundledModel;

  it.each(BUNDLED)('%s has the parameters of the published one', (name, _, total, active) => {
    expect(parameterCount(bundled(name))).toBe(total);
    expect(activeParameters(bundled(name)).active).toBe(active);
  });

  it('are all listed', () => {
    const mixtures = readdirSync(own)
      .map((file) => file.replace(/\.json$/, ''))
      .filter((name) => bundled(name).kinds.some(({ mlp }) => mlp.kind === 'experts'));
    expect(mixtures).toEqual(BUNDLED.map(([name]) => name));
  });

  it.skipIf(!existsSync(real)).each(BUNDLED.filter(([, file]) => file !== undefined))(
    '%s is the published model in every field that counts (skipped where ../shared/hf-configs is absent)',
    (name, file) => {
      const { published: theirs, ...expected } = published(file!);
      const { published: ours, ...model } = bundled(name);
      expect(model).toEqual(expected);
      expect(ours?.stored?.method).toBe(theirs?.stored?.method);
    },
  );
});

const BASE = {
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 12,
  vocab_size: 96,
};
const moe = importing({
  ...{ ...BASE, model_type: 'mixtral', num_local_experts: 5, num_experts_per_tok: 2 },
});
const operator = (model: ModelSpec, name: string) =>
  operatorsOf(model).find((o) => o.name === name)!;

describe('operators', () => {
  it('of experts keep all and use the chosen', () => {
    expect(operator(moe, 'expertGate')).toMatchObject({
      ...{ outputs: 80, inputs: 48, copies: 5, used: 2, count: 1 },
      weightBytes: 5 * 80 * 48 * 2,
      flops: 2 * 2 * 80 * 48,
    });
    expect(operator(moe, 'router')).toMatchObject({ outputs: 5, inputs: 48, copies: 1 });
    const attention = 48 * 48 * 2 + 2 * 48 * 24;
    const head = 2 * 96 * 48 + 48;
    const expert = 3 * 48 * 80;
    expect(parameterCount(moe)).toBe(attention + head + 2 * 48 + 5 * 48 + 5 * expert);
    expect(activeParameters(moe)).toEqual({
      active: attention + head + 2 * 48 + 5 * 48 + 2 * expert,
      withoutTable: attention + head + 2 * 48 + 5 * 48 + 2 * expert - 96 * 48,
    });
  });

  it('of two kinds of layers are counted by kind', () => {
    const gemma = importing({ ...BASE, model_type: 'gemma2', num_hidden_layers: 3 });
    const norms = operatorsOf(gemma).filter(({ name }) => name === 'mlpOutNorm');
    expect(norms.map(({ count, layerKind }) => [layerKind, count])).toEqual([
      [0, 2],
      [1, 1],
    ]);
    expect(operator(gemma, 'scoreCap')).toMatchObject({ flopsPerPosition: 12 });
    expect(operator(gemma, 'logitCap')).toMatchObject({ flops: 3 * 96, weightBytes: 0 });
    // One addition more for each weight than a norm that is not added to one.
    expect(operator(gemma, 'finalNorm').flops - operator(moe, 'finalNorm').flops).toBe(48);
  });

  it('of a part of a head turn only that part', () => {
    const glm = importing({ ...BASE, model_type: 'glm4_moe', n_routed_experts: 8 });
    expect(operator(glm, 'rope').flops).toBe(3 * 6 * 6);
    expect(operator(moe, 'rope').flops).toBe(3 * 12 * 6);
  });
});

describe('caches', () => {
  const windows = importing({
    ...{ ...BASE, model_type: 'gpt_oss', num_hidden_layers: 2, sliding_window: 10 },
  });
  const perLayer = 2 * 2 * 12 * 2;

  it('of windows keep no more than the window', () => {
    expect(cacheBytesPerPosition(windows)).toBe(2 * perLayer);
    expect(cacheBytes(windows, 7)).toBe(2 * 7 * perLayer);
    expect(cacheBytes(windows, 25)).toBe((25 + 10) * perLayer);
  });

  it('of delta nets are a state, whatever the context', () => {
    const delta = importing({
      ...{ ...BASE, model_type: 'qwen3_5', num_hidden_layers: 2, full_attention_interval: 2 },
      ...{ linear_num_key_heads: 2, linear_num_value_heads: 4 },
      ...{ linear_key_head_dim: 10, linear_value_head_dim: 6 },
      rope_parameters: { partial_rotary_factor: 0.5 },
    });
    const state = 4 * 4 * 10 * 6 + 2 * 3 * (2 * 20 + 24);
    expect(cacheBytes(delta, 0)).toBe(state);
    expect(cacheBytes(delta, 25)).toBe(state + 25 * perLayer);
  });
});
