/**
 * The families that can be read, and what a field means that a file of theirs leaves out: the default
 * of the family's own configuration class in Hugging Face transformers,
 * src/transformers/models/{llama,mistral,qwen3}/configuration_*.py.
 */
export interface Family {
  /** Query and key heads are normalised. */
  qkNorm?: boolean;
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
  llama: { maxPositions: 2048 },
  mistral: { kvHeads: 8, maxPositions: 131_072, window: 4096 },
  qwen3: {
    qkNorm: true,
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
