/** A small checkpoint of a llama, written into a folder, whose numbers are as good as random. */
import { join } from 'node:path';
import type { ResolvedConfig } from '../../src/config.js';
import { loadConfig } from '../../src/config.js';
import { f32, filled, put, type Stored } from './safetensors.js';

export const TINY = {
  ...{ model_type: 'llama', hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 6, vocab_size: 37 },
  ...{ max_position_embeddings: 64, rms_norm_eps: 1e-5, tie_word_embeddings: false },
};

/** Names of all tensors of `TINY`, with their shapes. */
export function shapesOfTiny(): Record<string, number[]> {
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [37, 24],
    'model.norm.weight': [24],
    'lm_head.weight': [37, 24],
  };
  for (const layer of [0, 1]) {
    const own = `model.layers.${layer}`;
    shapes[`${own}.input_layernorm.weight`] = [24];
    shapes[`${own}.post_attention_layernorm.weight`] = [24];
    shapes[`${own}.self_attn.q_proj.weight`] = [24, 24];
    shapes[`${own}.self_attn.k_proj.weight`] = [12, 24];
    shapes[`${own}.self_attn.v_proj.weight`] = [12, 24];
    shapes[`${own}.self_attn.o_proj.weight`] = [24, 24];
    shapes[`${own}.mlp.gate_proj.weight`] = [40, 24];
    shapes[`${own}.mlp.up_proj.weight`] = [40, 24];
    shapes[`${own}.mlp.down_proj.weight`] = [24, 40];
  }
  return shapes;
}

export function tensorsOfTiny(): Record<string, Stored> {
  return Object.fromEntries(
    Object.entries(shapesOfTiny()).map(([name, shape], tensor) => {
      const length = shape.reduce((product, n) => product * n, 1);
      const isNorm = shape.length === 1;
      const values = Array.from({ length }, (_, i) => Math.sin(1 + 131 * tensor + i * i) / 2);
      return [name, f32(shape, isNorm ? values.map((x) => 1 + x / 4) : values)];
    }),
  );
}

/** A tokenizer of whole words: `t0` is token 0 and so on. */
export const WORDS = {
  ...{ version: '1.0', truncation: null, padding: null, normalizer: null, post_processor: null },
  added_tokens: [],
  pre_tokenizer: { type: 'WhitespaceSplit' },
  decoder: null,
  model: {
    ...{ type: 'WordLevel', unk_token: 't0' },
    vocab: Object.fromEntries(Array.from({ length: 37 }, (_, i) => [`t${i}`, i])),
  },
};

/** A folder with the checkpoint, and its path. */
export function putTiny(folder: string, more: Record<string, Buffer | object> = {}): string {
  return put(folder, {
    'config.json': TINY,
    'model.safetensors': filled(tensorsOfTiny()),
    ...more,
  });
}

/** A run of the checkpoint in f32 on few cores of the small wafer. */
export function tinyConfig(folder: string, ...sets: string[]): ResolvedConfig {
  const isSquare = sets.includes('mapping=waferllm');
  put(folder, {
    'run.yaml': Buffer.from(
      `hardware: ${new URL('../../configs/hardware/small.yaml', import.meta.url).pathname}\n` +
        `model: { weights: ., dtype: f32 }\n` +
        (isSquare ? '' : `placement: { rows: 7, layerColumns: 5, growth: minimal }\n`),
    ),
  });
  return loadConfig(join(folder, 'run.yaml'), sets);
}
