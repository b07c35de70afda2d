/** Models that are read and not computed: every command that maps one names the field, in one line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../src/cli/errors.js';
import { loadConfig } from '../src/index.js';
import { checkRun } from '../src/decode/refusals.js';
import { FEATURES } from '../src/model/features.js';
import { COMMANDS } from './helpers/commands.js';
import { modelOf } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';

const SIZES = {
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 12,
  vocab_size: 96,
  max_position_embeddings: 512,
};
const EXPERTS = {
  ...{ ...SIZES, model_type: 'mixtral', num_local_experts: 4, num_experts_per_tok: 2 },
};

const LATENT = {
  model_type: 'x',
  text_config: {
    ...{ ...SIZES, model_type: 'deepseek_v3', first_k_dense_replace: 4, kv_lora_rank: 16 },
    ...{ q_lora_rank: 20, qk_nope_head_dim: 12, qk_rope_head_dim: 8, v_head_dim: 10 },
  },
};

const DELTA = { ...SIZES, model_type: 'qwen3_5', full_attention_interval: 2, head_dim: 16 };

let home = '';
const fileOf = (name: string) => join(home, `${name}.json`);
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-refused-'));
  writeFileSync(fileOf('experts'), JSON.stringify(EXPERTS));
  writeFileSync(fileOf('delta'), JSON.stringify(DELTA));
  writeFileSync(fileOf('latent'), JSON.stringify(LATENT));
  const four = { ...SIZES, model_type: 'llama', quantization_config: { quant_method: 'mxfp4' } };
  writeFileSync(fileOf('four bits'), JSON.stringify(four));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const small = ['workload.tokens=1', 'workload.context=1'];

async function outcome(command: string, path: string, sets: string[]) {
  try {
    await COMMANDS[command](path, sets, new AbortController().signal);
    return { exitCode: 0, message: '' };
  } catch (error) {
    return failureOf(error);
  }
}

const UNMAPPED = ['inspect wafer', 'inspect model'];
describe.each(Object.keys(COMMANDS))('%s', (command) => {
  const path = command === 'capacity' ? 'configs/serving-tiny.yaml' : 'configs/tiny.yaml';
  const sets = command === 'capacity' ? [] : small;

  it.each([
    ['experts', 'a mixture of experts'],
    ['delta', 'gated delta nets'],
    ['latent', 'multi-head latent attention'],
  ])('of %s, by a mapping that does not compute them', async (name, what) => {
    if (UNMAPPED.includes(command) || command === 'capacity') return;
    for (const more of [['workload.data=false'], ['exact=true']]) {
      const all = [...sets, `model.config=${fileOf(name)}`, 'mapping=waferllm', ...more];
      const { exitCode, message } = await outcome(command, path, all);
      expect(message).toMatch(
        new RegExp(
          `^mapping: expected gqa, as waferllm (does not compute ${what}|serves one user|has layers of one kind)`,
        ),
      );
      expect(exitCode).toBe(2);
    }
  });

  it('of weights in four bits, unless others are asked for', async () => {
    if (UNMAPPED.includes(command)) return;
    const model = [...sets, `model.config=${fileOf('four bits')}`];
    expect(await outcome(command, path, model)).toEqual({
      exitCode: 2,
      message: expect.stringMatching(
        /^quantization_config\.quant_method: expected weights in a format of model\.bits, or model\.weightBits: .*, found "mxfp4"$/,
      ) as string,
    });
  });
});

describe('what a run of a model lacks', () => {
  it('is refused by its name', () => {
    const config = loadConfig('configs/tiny.yaml', small);
    const shared = { inner: 5, gate: false };
    const model = modelOf([expertLayer({ shared, parallel: { inner: 5 } })]);
    expect(() => checkRun({ ...config, model })).toThrow(
      `model_type: expected a model that the wafer has kernels for, found model_type = llama (${FEATURES.parallelShared[0]})`,
    );
  });

  it('is shown, with the layers by kind, when the model is inspected', async () => {
    const shown = async (name: string) => {
      const text = await COMMANDS['inspect model'](
        'configs/tiny.yaml',
        [...small, `model.config=${fileOf(name)}`],
        new AbortController().signal,
      );
      return String(text);
    };
    const experts = await shown('experts');
    expect(experts).toMatch(/\n {4}4 x full, .*; 4 experts of 80, 2 a token; norms before\n/);
    expect(experts).not.toContain('no run computes');
    expect(experts).toMatch(
      /\n {2}active: [\d,]+ parameters a token; [\d,]+ without the embedding/,
    );
    const latent = await shown('latent');
    expect(latent).toMatch(/\n {2}text only: text_config in the file/);
    expect(latent).toMatch(/cachePerPosition: .* of latent vectors, or .* of keys and values/);
    expect(latent).not.toContain('no run computes:');
    const delta = await shown('delta');
    expect(delta).toMatch(/\n {4}2 x delta net, .*\n {4}2 x full, .*, gated; /);
    expect(delta).not.toContain('no run computes');
    expect(await shown('four bits')).toContain(
      '\n  no run computes: quantization_config.quant_method = "mxfp4"\n',
    );
  });

  it('is nothing of a plain Llama, and other bits help where bits are all', () => {
    const sets = [...small, `model.config=${fileOf('four bits')}`];
    expect(() => checkRun(loadConfig('configs/tiny.yaml', sets))).toThrow('mxfp4');
    checkRun(loadConfig('configs/tiny.yaml', [...sets, 'model.weightBits=8']));
    checkRun(loadConfig('configs/tiny.yaml', small));
  });

  it('is computed by another mapping, where only that has it', () => {
    const waferllm = ['mapping=waferllm', 'workload.data=false'];
    const experts = [...small, ...waferllm, `model.config=${fileOf('experts')}`];
    expect(() => checkRun(loadConfig('configs/tiny.yaml', experts))).toThrow(
      /^mapping: expected gqa, as waferllm does not compute a mixture of experts \(num_local_experts = 4\), which experts has, found waferllm$/,
    );
    const sets = [...small, 'mapping=waferllm', 'workload.data=false'];
    const config = loadConfig('configs/tiny.yaml', sets);
    const kinds = config.model.kinds.map((kind) => ({
      ...kind,
      attention: { ...kind.attention, scale: 2 } as typeof kind.attention,
    }));
    expect(() => checkRun({ ...config, model: { ...config.model, kinds } })).toThrow(
      /^mapping: expected gqa, as waferllm does not compute a scale of scores \(model_type = llama\), which tiny has, found waferllm$/,
    );
  });
});
