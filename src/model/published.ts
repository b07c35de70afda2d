/** What a published file has that a model's numbers do not say: the names of its fields, its other models. */
import { show } from './errors.js';
import { FEATURES, featuresOf, type Feature } from './features.js';
import { at } from './fields.js';
import { isInUse } from './families/foreign.js';
import type { ModelSpec } from './model.js';
import type { StoredWeights } from './quantization.js';
import type { TextModel } from './text-model.js';

export interface Published {
  /** Of each feature the field that asks for it, with its value: `num_experts = 128`. */
  fields: Partial<Record<Feature, string>>;
  /** The text model of a file that has others: their fields. */
  textOnly?: string[];
  /** How its weights are stored, if in fewer bits than 16 and nothing else is asked for. */
  stored?: StoredWeights;
}

type Read = Parameters<typeof featuresOf>[0] & Pick<ModelSpec, 'family'>;

/** Undefined for the text of a plain Llama. */
export function publishedOf(
  model: Read,
  { fields, prefix, others }: TextModel,
  stored: StoredWeights | undefined,
): Published | undefined {
  const asked = featuresOf(model).map((feature): [Feature, string] => {
    const [, ...names] = FEATURES[feature] as readonly [string, ...string[]];
    const name = names.find((field) => isInUse(at(fields, field))) ?? 'model_type';
    return [feature, `${prefix}${name} = ${show(at(fields, name))}`];
  });
  const textOnly = prefix === '' ? others : [...new Set(['text_config', ...others])];
  if (asked.length === 0 && textOnly.length === 0 && !stored) return undefined;
  return {
    fields: Object.fromEntries(asked),
    ...(textOnly.length > 0 && { textOnly }),
    ...(stored && { stored }),
  };
}
