/**
 * Reads a Hugging Face `config.json` of a dense Llama-like decoder as it is published. The fields of
 * the architecture are checked one by one; fields that Hugging Face's own model does not read when it
 * computes (token ids, torch_dtype, ...) are accepted and not looked at.
 * https://huggingface.co/docs/transformers/model_doc/llama, .../model_doc/qwen3
 */
import { z } from 'zod';
import { between, flag, parse, whole, isFields, type Fields } from './fields.js';
import { unexpected, ModelError } from './errors.js';
import { NORM_EPSILON, TIED, type Family } from './families.js';
import { kindsOf, type LayerSpec, type ModelSpec } from './model.js';
import { storedWeights } from './quantization.js';
import { ropeFields, ropeOf, type RopeOf } from './rope-config.js';
import { familyOf } from './unmodelled.js';
import { spansOf } from './positions.js';

export interface ImportOptions {
  name: string;
  /** Type of activations and cache; f16 if not given. */
  dtype?: 'f16' | 'f32';
  /** Bits of a stored weight; those of the file, or else of `dtype`, if not given. */
  weightBits?: ModelSpec['weightBits'];
}

const hfConfig = z.looseObject({
  hidden_size: whole(131072),
  intermediate_size: whole(524288),
  num_hidden_layers: whole(1024),
  num_attention_heads: whole(1024),
  num_key_value_heads: whole(1024).nullish(),
  head_dim: whole(1024).nullish(),
  vocab_size: whole(2 ** 24),
  max_position_embeddings: whole(2 ** 24).optional(),
  rms_norm_eps: between(1e-12, 1).optional(),
  ...ropeFields,
  tie_word_embeddings: flag.nullish(),
  sliding_window: whole(2 ** 31, 0).nullish(),
  use_sliding_window: flag.nullish(),
  max_window_layers: whole(2 ** 31, 0).nullish(),
  layer_types: z.array(z.string()).nullish(),
});

/**
 * The model that a parsed `config.json` describes. Throws a ModelError that names the field if one is
 * missing or out of bounds, if two contradict each other, or if the simulator has no kernel for it.
 */
export function importHfConfig(json: unknown, options: ImportOptions): ModelSpec {
  if (!isFields(json)) throw unexpected('model', 'the object of a config.json', json);
  const known = familyOf(json);
  const c = parse(hfConfig, json);
  const kvHeads = kvHeadsOf(c, known, json);
  const headDim = headDimOf(c, known);
  const maxPositions = c.max_position_embeddings ?? known.maxPositions;
  const rope = ropeOf(c, maxPositions);
  const maxContext = maxContextOf(maxPositions, rope);
  const spans = spansOf(c, known, maxContext);
  checkShapes(c, headDim);
  const layers = spans.map((span): LayerSpec => ({
    attention: {
      kind: 'gqa',
      heads: c.num_attention_heads,
      kvHeads,
      headDim,
      bias: false,
      outBias: false,
      qkNorm: known.qkNorm ? 'head' : 'none',
      vNorm: false,
      valueIsKey: false,
      gate: false,
      sinks: false,
      scale: 1 / Math.sqrt(headDim),
      rope: { dim: headDim, width: headDim, pairs: 'halves', ...rope },
      span,
    },
    mlp: { kind: 'dense', inner: c.intermediate_size, act: { fn: 'silu' }, bias: false },
    norms: 'pre',
    scaled: false,
  }));
  return Object.freeze({
    name: options.name,
    family: String(json['model_type']),
    dim: c.hidden_size,
    vocab: c.vocab_size,
    ...kindsOf(layers),
    normEpsilon: c.rms_norm_eps ?? NORM_EPSILON,
    normPlusOne: false,
    embeddingScale: 1,
    tied: c.tie_word_embeddings ?? TIED,
    maxContext,
    ...weightsOf(options, json),
  });
}

type HfConfig = z.infer<typeof hfConfig>;

/** Key and value heads, of which the query heads are a multiple. */
function kvHeadsOf(c: HfConfig, known: Family, json: Fields): number {
  const { num_attention_heads: heads, num_key_value_heads: given } = c;
  const otherwise = given === null ? heads : (known.kvHeads ?? heads);
  const kvHeads = given ?? otherwise;
  if (heads % kvHeads === 0) return kvHeads;
  if (typeof given === 'number')
    throw unexpected('num_attention_heads', `a multiple of num_key_value_heads = ${given}`, heads);
  throw unexpected(
    'num_key_value_heads',
    `a divisor of num_attention_heads = ${heads}, as ${String(json['model_type'])} without it ` +
      `has ${kvHeads}`,
    given,
  );
}

function headDimOf(c: HfConfig, known: Family): number {
  if (typeof c.head_dim === 'number') return c.head_dim;
  if (known.headDim !== undefined) {
    if (c.head_dim === undefined) return known.headDim;
    throw unexpected('head_dim', 'a whole number from 1 to 1024', c.head_dim);
  }
  if (c.hidden_size % c.num_attention_heads !== 0)
    throw unexpected(
      'hidden_size',
      `a multiple of num_attention_heads = ${c.num_attention_heads}, as there is no head_dim`,
      c.hidden_size,
    );
  return c.hidden_size / c.num_attention_heads;
}

/** YaRN's stretch of the original context counts where `max_position_embeddings` is still that one. */
function maxContextOf(maxPositions: number, { scaling }: RopeOf): number {
  if (!scaling || !('betaFast' in scaling)) return maxPositions;
  const stretched = Math.floor(scaling.factor * scaling.originalMaxPosition);
  return Math.min(Math.max(maxPositions, stretched), 2 ** 24);
}

function checkShapes(c: HfConfig, headDim: number): void {
  if (headDim % 2 !== 0)
    throw unexpected('head_dim', 'an even number, as rotary embedding takes pairs', headDim);
  const types = c.layer_types;
  if (types && types.length !== c.num_hidden_layers)
    throw unexpected(
      'layer_types',
      `one for each of num_hidden_layers = ${c.num_hidden_layers}`,
      types.length,
    );
}

/** What the configuration asks for wins over what the file says. */
function weightsOf(
  { dtype = 'f16', weightBits: asked }: ImportOptions,
  json: Fields,
): Pick<ModelSpec, 'dtype' | 'weightBits' | 'stored'> {
  const own = dtype === 'f16' ? 16 : 32;
  if (asked !== undefined) {
    if (asked !== own && asked !== 8)
      throw new ModelError(
        `model.weightBits: expected 8 or the ${own} of ${dtype}, found ${asked}`,
        'model.weightBits',
      );
    return { dtype, weightBits: asked };
  }
  const stored = storedWeights(json);
  if (stored === undefined || stored.bits >= 16) return { dtype, weightBits: own };
  if (stored.bits !== 8)
    throw unexpected(
      stored.field,
      `weights of 8 or 16 bits, or model.weightBits: 8 or ${own} in the configuration`,
      stored.bits,
    );
  return { dtype, weightBits: 8, stored: stored.method };
}
