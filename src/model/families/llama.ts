/**
 * Dense decoders that differ from Llama in a flag or two: llama, mistral, qwen2, qwen3, olmo2.
 * Defaults as in Hugging Face transformers, src/transformers/models/FAMILY/configuration_FAMILY.py.
 */
import { z } from 'zod';
import type { GqaSpec } from '../attention-spec.js';
import { parse, type Fields } from '../fields.js';
import type { LayerSpec } from '../model.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Decoder, DecoderFields, Family } from './common.js';
import { ropesOf } from './rope.js';
import { neverSliding, slidingIfGiven, slidingOnRequest, type WindowFields } from './spans.js';
import { windowedLayers } from './windowed.js';

const decoder = z.looseObject(decoderFields);
const OWN_HEAD_DIM = { head_dim: decoderFields.head_dim.unwrap().unwrap() };

/** How a family's layers differ from a plain Llama's. */
interface Differs {
  attention?: (c: DecoderFields) => Partial<GqaSpec>;
  norms?: LayerSpec['norms'];
  /** A null is no head width, and not the hidden size over the heads. */
  ownHeadDim?: boolean;
  mlpBias?: boolean;
  /** The kind of each layer. */
  types: (c: WindowFields) => string[];
}

function reader(differs: Differs): Family['read'] {
  return (fields: Fields, given: Fields): Decoder => {
    const c = parse(differs.ownHeadDim ? decoder.extend(OWN_HEAD_DIM) : decoder, fields);
    const heads = headsOf(c, given);
    const maxPositions = c.max_position_embeddings;
    const types = differs.types(c);
    const ropes = ropesOf(c, types, { headDim: heads.headDim, maxPositions, theta: 10_000 });
    const more = differs.attention?.(c);
    const mlp = denseSpec(c.intermediate_size, actOf(c), differs.mlpBias && (c.mlp_bias ?? false));
    const { norms = 'pre' } = differs;
    const layers = windowedLayers(c, types, ropes, (own) =>
      layerSpec({ attention: gqaSpec({ ...heads, ...own, ...more }), mlp, norms }),
    );
    return { ...sizesOf(c), ...layers };
  };
}

const biases = ({ attention_bias: bias }: DecoderFields) =>
  bias ? { bias: true, outBias: true } : {};

export const llama: Family = {
  defaults: { max_position_embeddings: 2048, rms_norm_eps: 1e-6 },
  sizes: {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 11_008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
  },
  fields: ['attention_bias', 'mlp_bias'],
  read: reader({ attention: biases, mlpBias: true, types: neverSliding }),
};

export const mistral: Family = {
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-6,
    sliding_window: 4096,
  },
  sizes: { ...llama.sizes, intermediate_size: 14_336 },
  fields: [],
  read: reader({ types: slidingIfGiven }),
};

const QWEN = {
  num_key_value_heads: 32,
  max_position_embeddings: 32_768,
  rms_norm_eps: 1e-6,
  sliding_window: 4096,
  // Layers from this one on have the window, if one is asked for.
  max_window_layers: 28,
};
const QWEN_SIZES = { ...llama.sizes, vocab_size: 151_936, intermediate_size: 22_016 };

/** Biases of queries, keys and values, and none of the output, whatever the file says. */
export const qwen2: Family = {
  defaults: QWEN,
  sizes: QWEN_SIZES,
  fields: ['attention_bias', 'qkv_bias'],
  read: reader({ attention: () => ({ bias: true }), types: slidingOnRequest }),
};

export const qwen3: Family = {
  defaults: { ...QWEN, head_dim: 128 },
  sizes: QWEN_SIZES,
  fields: ['attention_bias', 'use_qk_norm'],
  read: reader({
    attention: (c) => ({ qkNorm: 'head', ...biases(c) }),
    ownHeadDim: true,
    types: slidingOnRequest,
  }),
};

/** Norms of what a block gives, none of what it takes; of queries and keys over their whole width. */
export const olmo2: Family = {
  defaults: { max_position_embeddings: 2048, rms_norm_eps: 1e-5 },
  sizes: { ...llama.sizes, vocab_size: 50_304 },
  fields: ['attention_bias'],
  read: reader({
    attention: (c) => ({ qkNorm: 'whole', ...biases(c) }),
    norms: 'post',
    types: neverSliding,
  }),
};
