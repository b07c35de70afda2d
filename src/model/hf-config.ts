/**
 * Reads a Hugging Face `config.json` of a decoder as it is published: finds the text model in it and the family
 * that reads its fields. Fields that Hugging Face's own model does not read when it computes (token ids,
 * torch_dtype, ...) are accepted and not looked at.
 */
import { isFields, type Fields } from './fields.js';
import { ModelError, unexpected } from './errors.js';
import { FAMILIES, familyName } from './families/families.js';
import { refuseForeign } from './families/foreign.js';
import type { Decoder } from './families/common.js';
import { kindsOf, type ModelSpec } from './model.js';
import { parameterCount } from './operators.js';
import { publishedOf } from './published.js';
import { storedWeights, type StoredWeights } from './quantization.js';
import { textModelOf, within, type TextModel } from './text-model.js';

export interface ImportOptions {
  name: string;
  /** Type of activations and cache; f16 if not given. */
  dtype?: 'f16' | 'f32';
  /** Bits of a stored weight; those of the file, or else of `dtype`, if not given. */
  weightBits?: ModelSpec['weightBits'];
}

/**
 * The model that a parsed `config.json` describes. Throws a ModelError that names the field if one is
 * missing or out of bounds, if two contradict each other, or if its family does not have it.
 */
export function importHfConfig(json: unknown, options: ImportOptions): ModelSpec {
  if (!isFields(json)) throw unexpected('model', 'the object of a config.json', json);
  const text = textModelOf(json);
  const { family, decoder } = within(text.prefix, () => decoderOf(text));
  const { layers, ...sizes } = decoder;
  const stored = options.weightBits === undefined ? storedIn(json, text) : undefined;
  const model = {
    name: options.name,
    family,
    normPlusOne: false,
    embeddingScale: 1,
    ...sizes,
    ...kindsOf(layers),
    ...weightsOf(options, stored),
  };
  const parameters = parameterCount(model);
  if (!Number.isSafeInteger(parameters))
    throw unexpected('model', 'at most 2^53 parameters', parameters);
  const published = publishedOf(model, text, stored);
  return Object.freeze({ ...model, ...(published && { published }) });
}

function decoderOf({ fields, prefix }: TextModel): { family: string; decoder: Decoder } {
  const { model_type: type } = fields;
  const name = familyName(type);
  if (name === undefined)
    throw unexpected('model_type', `one of ${Object.keys(FAMILIES).join(', ')}`, type);
  const { [name]: family } = FAMILIES;
  refuseForeign(fields, family, name);
  const sizes = prefix === '' ? {} : family.sizes;
  const decoder = family.read({ ...sizes, ...family.defaults, ...fields }, fields);
  return { family: name, decoder };
}

/** How the file stores its weights, if in fewer bits than those of half precision. */
function storedIn(json: Fields, text: TextModel): StoredWeights | undefined {
  const stored = storedWeights(json) ?? within(text.prefix, () => storedWeights(text.fields));
  return (stored?.bits ?? 0) >= 16 ? undefined : stored;
}

/** What the configuration asks for wins over what the file says. */
function weightsOf(
  { dtype = 'f16', weightBits: asked }: ImportOptions,
  stored: StoredWeights | undefined,
): Pick<ModelSpec, 'dtype' | 'weightBits' | 'stored'> {
  const own = dtype === 'f16' ? 16 : 32;
  if (asked !== undefined && asked !== own && asked !== 8)
    throw new ModelError(
      `model.weightBits: expected 8 or the ${own} of ${dtype}, found ${asked}`,
      'model.weightBits',
    );
  if (stored?.bits === 8) return { dtype, weightBits: 8, stored: stored.method };
  return { dtype, weightBits: asked ?? own };
}
