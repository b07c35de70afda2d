/**
 * Reads a Hugging Face `config.json` of a decoder as it is published: finds the text model in it and the family
 * that reads its fields. Fields that Hugging Face's own model does not read when it computes (token ids,
 * torch_dtype, ...) are accepted and not looked at.
 */
import { isFields, type Fields } from './fields.js';
import { unexpected } from './errors.js';
import { FAMILIES, familyName } from './families/families.js';
import { withAliases } from './families/aliases.js';
import { refuseForeign } from './families/foreign.js';
import type { Decoder } from './families/common.js';
import { kindsOf, type LayerSpec, type ModelSpec } from './model.js';
import { parameterCount } from './operators.js';
import { publishedOf } from './published.js';
import { storedWeights } from './quantization.js';
import { textModelOf, within, type TextModel } from './text-model.js';
import { leavesOpen, weightsOf, type AskedFormats } from './weight-formats.js';

/** Weights are stored as the file says, or else in `dtype`, where the options do not say how. */
export interface ImportOptions extends AskedFormats {
  name: string;
  /** `dense`: layers with an indexer attend to all positions, as an upper bound. */
  indexer?: 'select' | 'dense' | undefined;
}

/**
 * The model that a parsed `config.json` describes. Throws a ModelError that names the field if one is
 * missing or out of bounds, if two contradict each other, or if its family does not have it.
 */
export function importHfConfig(json: unknown, options: ImportOptions): ModelSpec {
  if (!isFields(json)) throw unexpected('model', 'the object of a config.json', json);
  const text = textModelOf(json);
  const { family, decoder } = within(text.prefix, () => decoderOf(text));
  const { layers: read, ...sizes } = decoder;
  const layers = options.indexer === 'dense' ? read.map(withDense) : read;
  const { weightBits, bits } = options;
  const filed = storedIn(json, text);
  const kinds = kindsOf(layers);
  const model = {
    name: options.name,
    family,
    normPlusOne: false,
    embeddingScale: 1,
    ...sizes,
    ...kinds,
    ...weightsOf(options, { family, ...kinds }, filed),
  };
  const parameters = parameterCount(model);
  if (!Number.isSafeInteger(parameters))
    throw unexpected('model', 'at most 2^53 parameters', parameters);
  const isAsked = weightBits !== undefined || bits !== undefined;
  const isShown = filed && (!isAsked || leavesOpen(options, { family, ...kinds }, filed));
  const published = publishedOf(model, text, isShown ? filed.weights : undefined);
  return Object.freeze({ ...model, ...(published && { published }) });
}

/** Attention to all positions in place of those that an indexer chooses. */
function withDense(layer: LayerSpec): LayerSpec {
  const { attention } = layer;
  if (attention.kind !== 'latent' || attention.indexer === undefined)
    throw unexpected('model.indexer', 'none, as the model has no indexer', 'dense');
  const indexer = { ...attention.indexer, dense: true as const };
  return { ...layer, attention: { ...attention, indexer } };
}

function decoderOf({ fields, prefix }: TextModel): { family: string; decoder: Decoder } {
  const { model_type: type } = fields;
  const name = familyName(type);
  if (name === undefined)
    throw unexpected('model_type', `one of ${Object.keys(FAMILIES).join(', ')}`, type);
  const { [name]: family } = FAMILIES;
  const sizes = prefix === '' ? {} : family.sizes;
  const decoder = withAliases(fields, family, (given) => {
    refuseForeign(given, family, name);
    return family.read({ ...sizes, ...family.defaults, ...given }, given);
  });
  return { family: name, decoder };
}

/** How the file stores its weights, if in fewer bits than those of half precision. */
function storedIn(json: Fields, text: TextModel) {
  const stored = storedWeights(json) ?? within(text.prefix, () => storedWeights(text.fields));
  return (stored?.weights.bits ?? 0) >= 16 ? undefined : stored;
}
