/**
 * The text model of a file: the file itself, or `text_config` of a multimodal one, whose encoders of images and
 * sounds are accepted and left out.
 */
import { ModelError, show, unexpected } from './errors.js';
import { isFields, type Fields } from './fields.js';

export interface TextModel {
  fields: Fields;
  /** Where they stand in the file, with a dot after it; empty at the top. */
  prefix: string;
  /** Fields of the file's other models. */
  others: string[];
}

const OTHERS = ['vision_config', 'audio_config'];

/** Where the file's own name says which text model is meant if `text_config` does not. */
export function textModelOf(json: Fields): TextModel {
  const others = OTHERS.filter((field) => (json[field] ?? null) !== null);
  const { text_config: text } = json;
  if ((text ?? null) === null) return { fields: json, prefix: '', others };
  if (!isFields(text)) throw unexpected('text_config', 'an object or null', text);
  const type = text['model_type'] ?? json['model_type'];
  return {
    fields: { ...text, ...tiedOf(text, json), ...(type !== undefined && { model_type: type }) },
    prefix: 'text_config.',
    others,
  };
}

/** Whether the head is the embedding's table is said inside, outside, or in both places alike. */
function tiedOf(text: Fields, json: Fields): Fields {
  const [inner, outer] = [text['tie_word_embeddings'] ?? null, json['tie_word_embeddings'] ?? null];
  if (inner !== null && outer !== null && inner !== outer)
    throw unexpected(
      'tie_word_embeddings',
      `the same as text_config.tie_word_embeddings = ${show(inner)}`,
      outer,
    );
  return outer === null ? {} : { tie_word_embeddings: outer };
}

/** Errors about fields of a model within a file name their place in the file. */
export function within<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (prefix === '' || !(error instanceof ModelError) || error.field === '') throw error;
    throw new ModelError(prefix + error.message, prefix + error.field);
  }
}
