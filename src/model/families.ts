/**
 * The families that can be read, and what a field means that a file of theirs leaves out: the default
 * of the family's own configuration class in Hugging Face transformers,
 * src/transformers/models/{llama,mistral,qwen3}/configuration_*.py.
 */
import type { ModelSpec } from './model.js';

export interface Family {
  /** Architecture: Mistral is a Llama decoder, Qwen3 adds query and key normalisation. */
  family: ModelSpec['family'];
  /** `num_key_value_heads`; undefined: one for each query head, which is what a written null means. */
  kvHeads?: number;
  /** `head_dim`; undefined: hidden_size / num_attention_heads. */
  headDim?: number;
  maxPositions: number;
  /** `sliding_window`, and whether a file has to ask for it by `use_sliding_window`. */
  window?: number;
  windowOnRequest?: boolean;
}

export const FAMILIES: Readonly<Record<string, Family>> = {
  llama: { family: 'llama', maxPositions: 2048 },
  mistral: { family: 'llama', kvHeads: 8, maxPositions: 131_072, window: 4096 },
  qwen3: {
    family: 'qwen3',
    kvHeads: 32,
    headDim: 128,
    maxPositions: 32_768,
    window: 4096,
    windowOnRequest: true,
  },
};

/** The same in all of them. */
export const ROPE_THETA = 10_000;
export const NORM_EPSILON = 1e-6;
export const TIED = false;
/** Qwen3's `max_window_layers`: the layers from this one on have the window. */
export const MAX_WINDOW_LAYERS = 28;
