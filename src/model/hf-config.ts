/**
 * Reads a Hugging Face `config.json` of a dense Llama-like decoder as it is published. The fields of
 * the architecture are checked one by one; fields that Hugging Face's own model does not read when it
 * computes (token ids, torch_dtype, ...) are accepted and not looked at.
 * https://huggingface.co/docs/transformers/model_doc/llama, .../model_doc/qwen3
 */
import { z } from 'zod';
import { expected, ModelError } from './errors.js';
import type { ModelSpec, RopeScaling } from './model.js';
import { at, familyOf, isFields } from './unmodelled.js';

export interface ImportOptions {
  name: string;
  /** Type of activations and cache; f16 if not given. */
  dtype?: 'f16' | 'f32';
  /** Bits of a stored weight; those of `dtype` if not given. */
  weightBits?: ModelSpec['weightBits'];
}

/** A whole number from 1; the bounds lie far above any model and keep every product below 2^53. */
function whole(most: number) {
  const error = `a whole number from 1 to ${most}`;
  return z.int({ error }).min(1, { error }).max(most, { error });
}

function between(least: number, most: number) {
  const error = `a number from ${least} to ${most}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
}

const flag = z.boolean({ error: 'true or false' });
const rope = z.looseObject(
  {
    rope_type: z.string({ error: 'a name' }).optional(),
    type: z.string({ error: 'a name' }).optional(),
    rope_theta: between(1, 1e12).optional(),
  },
  { error: 'an object or null' },
);

const hfConfig = z.looseObject({
  hidden_size: whole(131072),
  intermediate_size: whole(524288),
  num_hidden_layers: whole(1024),
  num_attention_heads: whole(1024),
  num_key_value_heads: whole(1024),
  head_dim: whole(1024).nullish(),
  vocab_size: whole(2 ** 24),
  max_position_embeddings: whole(2 ** 24),
  rms_norm_eps: between(1e-12, 1),
  rope_theta: between(1, 1e12).optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  tie_word_embeddings: flag.optional(),
});

const llama3Scaling = z.looseObject({
  factor: between(1, 1e6),
  low_freq_factor: between(1e-6, 1e6),
  high_freq_factor: between(1e-6, 1e6),
  original_max_position_embeddings: whole(2 ** 24),
});

/**
 * The model that a parsed `config.json` describes. Throws a ModelError that names the field if one is
 * missing or out of bounds, if two contradict each other, or if the simulator has no kernel for it.
 */
export function importHfConfig(json: unknown, options: ImportOptions): ModelSpec {
  if (!isFields(json)) throw expected('model', 'the object of a config.json', json);
  const family = familyOf(json);
  const c = parse(hfConfig, json, '');
  const headDim = c.head_dim ?? impliedHeadDim(c, family);
  const ropeScaling = ropeScalingOf(c);
  checkShapes(c, headDim);
  return Object.freeze({
    name: options.name,
    family,
    dim: c.hidden_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    kvHeads: c.num_key_value_heads,
    headDim,
    ffn: c.intermediate_size,
    vocab: c.vocab_size,
    ropeTheta: ropeThetaOf(c),
    ...(ropeScaling && { ropeScaling }),
    normEpsilon: c.rms_norm_eps,
    tied: c.tie_word_embeddings ?? false,
    qkNorm: family === 'qwen3',
    maxContext: c.max_position_embeddings,
    ...weightsOf(options),
  });
}

type HfConfig = z.infer<typeof hfConfig>;

function parse<T>(schema: z.ZodType<T>, value: unknown, prefix: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  const field = path.join('.');
  throw expected(prefix + field, message, at(value, field));
}

/** Llama's files leave `head_dim` out; Qwen3's default is not this quotient, so theirs must say it. */
function impliedHeadDim(c: HfConfig, family: ModelSpec['family']): number {
  if (family === 'qwen3') throw expected('head_dim', 'a whole number from 1 to 1024', c.head_dim);
  if (c.hidden_size % c.num_attention_heads !== 0)
    throw expected(
      'hidden_size',
      `a multiple of num_attention_heads = ${c.num_attention_heads}, as there is no head_dim`,
      c.hidden_size,
    );
  return c.hidden_size / c.num_attention_heads;
}

function checkShapes(c: HfConfig, headDim: number): void {
  if (c.num_attention_heads % c.num_key_value_heads !== 0)
    throw expected(
      'num_attention_heads',
      `a multiple of num_key_value_heads = ${c.num_key_value_heads}`,
      c.num_attention_heads,
    );
  if (headDim % 2 !== 0)
    throw expected('head_dim', 'an even number, as rotary embedding takes pairs', headDim);
  const types = c['layer_types'];
  if (Array.isArray(types) && types.length !== c.num_hidden_layers)
    throw expected(
      'layer_types',
      `one for each of num_hidden_layers = ${c.num_hidden_layers}`,
      types.length,
    );
}

/** Files of transformers 5 keep the base in `rope_parameters`, older ones beside the rest. */
function ropeThetaOf(c: HfConfig): number {
  const theta = c.rope_parameters?.rope_theta ?? c.rope_theta;
  if (theta === undefined) throw expected('rope_theta', 'a number from 1 to 1000000000000', theta);
  return theta;
}

function ropeScalingOf(c: HfConfig): RopeScaling | undefined {
  if (c.rope_scaling && c.rope_parameters)
    throw expected('rope_scaling', 'null beside rope_parameters', c.rope_scaling);
  const group = c.rope_scaling ? 'rope_scaling' : 'rope_parameters';
  const found = c[group];
  if (!found) return undefined;
  const type = found.rope_type ?? found.type;
  if (type === undefined) throw expected(`${group}.rope_type`, '"llama3" or "default"', type);
  if (type === 'default') return undefined;
  const scaling = parse(llama3Scaling, found, `${group}.`);
  if (scaling.low_freq_factor >= scaling.high_freq_factor)
    throw expected(
      `${group}.low_freq_factor`,
      `less than high_freq_factor = ${scaling.high_freq_factor}`,
      scaling.low_freq_factor,
    );
  return Object.freeze({
    factor: scaling.factor,
    lowFreqFactor: scaling.low_freq_factor,
    highFreqFactor: scaling.high_freq_factor,
    originalMaxPosition: scaling.original_max_position_embeddings,
  });
}

function weightsOf(options: ImportOptions): Pick<ModelSpec, 'dtype' | 'weightBits'> {
  const dtype = options.dtype ?? 'f16';
  const own = dtype === 'f16' ? 16 : 32;
  const weightBits = options.weightBits ?? own;
  if (weightBits !== own && weightBits !== 8)
    throw new ModelError(
      `model.weightBits: expected 8 or the ${own} of ${dtype}, found ${weightBits}`,
      'model.weightBits',
    );
  return { dtype, weightBits };
}
