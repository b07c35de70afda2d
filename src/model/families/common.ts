/** What the families share: fields of a decoder, and how they become the parts of its layers. */
import { z } from 'zod';
import type { GqaSpec } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { between, flag, name, whole, type Fields } from '../fields.js';
import type { Act, DenseSpec } from '../mlp-spec.js';
import type { LayerSpec, ModelSpec } from '../model.js';
import { ropeFields } from './rope.js';
import { spanFields } from './spans.js';

/** A group of files that are read alike. */
export interface Family {
  /** What its configuration class in Hugging Face transformers takes for a field that a file leaves out. */
  defaults: Fields;
  /** The same of sizes, which only a configuration within another leaves out. */
  sizes: Fields;
  /** Fields of the architecture that it reads, or that say nothing in it. */
  fields: readonly string[];
  /** Other names of its fields, as its class's `attribute_map` has them: other name -> name. */
  aliases?: Readonly<Record<string, string>>;
  /**
   * @param fields those of the file over the defaults
   * @param given those of the file alone
   */
  read: (fields: Fields, given: Fields) => Decoder;
}

/** What a family makes of a file. */
export type Decoder = Pick<ModelSpec, 'dim' | 'vocab' | 'normEpsilon' | 'tied' | 'maxContext'> &
  Partial<Pick<ModelSpec, 'normPlusOne' | 'embeddingScale' | 'logitCap' | 'mtp'>> & {
    layers: LayerSpec[];
  };

const inner = whole(524288);
const heads = whole(1024);

export const decoderFields = {
  hidden_size: whole(131072),
  intermediate_size: inner,
  ...spanFields,
  num_attention_heads: heads,
  num_key_value_heads: heads.nullish(),
  head_dim: whole(1024).nullish(),
  vocab_size: whole(2 ** 24),
  max_position_embeddings: whole(2 ** 24),
  rms_norm_eps: between(1e-12, 1),
  ...ropeFields,
  tie_word_embeddings: flag.nullish(),
  hidden_act: name.nullish(),
  hidden_activation: name.nullish(),
  attention_bias: flag.nullish(),
  mlp_bias: flag.nullish(),
};

const decoder = z.looseObject(decoderFields);
export type DecoderFields = z.infer<typeof decoder>;

/** Sizes of the whole model. */
export function sizesOf(
  c: Pick<DecoderFields, 'hidden_size' | 'vocab_size' | 'rms_norm_eps' | 'tie_word_embeddings'>,
  tiedOtherwise = false,
) {
  return {
    dim: c.hidden_size,
    vocab: c.vocab_size,
    normEpsilon: c.rms_norm_eps,
    tied: c.tie_word_embeddings ?? tiedOtherwise,
  };
}

type HeadFields = Pick<
  DecoderFields,
  'hidden_size' | 'num_attention_heads' | 'num_key_value_heads' | 'head_dim'
>;

/** Heads of grouped queries; a null is one key and value head for each query head. */
export function headsOf(
  c: HeadFields,
  given: Fields,
): Pick<GqaSpec, 'heads' | 'kvHeads' | 'headDim'> {
  const { num_attention_heads: all } = c;
  return { heads: all, kvHeads: kvHeadsOf(c, given), headDim: headDimOf(c, given) };
}

function kvHeadsOf(
  { num_attention_heads: all, num_key_value_heads: kv }: HeadFields,
  given: Fields,
) {
  const kvHeads = kv ?? all;
  if (all % kvHeads === 0) return kvHeads;
  if (given['num_key_value_heads'] !== undefined)
    throw unexpected('num_attention_heads', `a multiple of num_key_value_heads = ${kvHeads}`, all);
  throw unexpected(
    'num_key_value_heads',
    `a divisor of num_attention_heads = ${all}, as ${String(given['model_type'])} without it ` +
      `has ${kvHeads}`,
    undefined,
  );
}

function headDimOf({ hidden_size, num_attention_heads, head_dim }: HeadFields, given: Fields) {
  if (typeof head_dim === 'number') return head_dim;
  if (hidden_size % num_attention_heads === 0) return hidden_size / num_attention_heads;
  throw unexpected(
    given['hidden_size'] === undefined ? 'num_attention_heads' : 'hidden_size',
    `a multiple of num_attention_heads = ${num_attention_heads}, as there is no head_dim`,
    hidden_size,
  );
}

/** Grouped queries of a plain Llama but for what is said. */
export function gqaSpec(
  of: Pick<GqaSpec, 'heads' | 'kvHeads' | 'headDim' | 'span'> & Partial<GqaSpec>,
): GqaSpec {
  return {
    kind: 'gqa',
    bias: false,
    outBias: false,
    qkNorm: 'none',
    vNorm: false,
    valueIsKey: false,
    gate: false,
    sinks: false,
    scale: 1 / Math.sqrt(of.headDim),
    ...of,
  };
}

/** A layer of a plain Llama but for what is said. */
export function layerSpec(
  of: Pick<LayerSpec, 'attention' | 'mlp'> & Partial<LayerSpec>,
): LayerSpec {
  return { norms: 'pre', scaled: false, ...of };
}

export function denseSpec(width: number, act: Act = SILU, bias = false): DenseSpec {
  return { kind: 'dense', inner: width, act, bias };
}

export const SILU: Act = { fn: 'silu' };

/** Names of functions as Hugging Face has them; the exact Gaussian form is none that is modelled. */
const ACTS: Record<string, Act> = {
  silu: SILU,
  swish: SILU,
  gelu_pytorch_tanh: { fn: 'gelu-tanh' },
  gelu_new: { fn: 'gelu-tanh' },
};

export function actOf(
  c: Pick<DecoderFields, 'hidden_act' | 'hidden_activation'>,
  field: 'hidden_act' | 'hidden_activation' = 'hidden_act',
): Act {
  const act = c[field] ?? (field === 'hidden_act' ? 'silu' : 'gelu_pytorch_tanh');
  if (Object.hasOwn(ACTS, act)) return ACTS[act];
  throw unexpected(field, `one of ${Object.keys(ACTS).join(', ')}`, act);
}
