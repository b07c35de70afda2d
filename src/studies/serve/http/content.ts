/** Content of a message: a text, or parts, whose texts follow one another. Only text is modelled. */
import * as z from 'zod';
import { badRequest } from './api-error.js';
import { text } from './fields.js';

const part = z.looseObject(
  { type: text, text: text.nullish(), refusal: text.nullish() },
  { error: 'expected a part with its type' },
);

export const content = z.union([text, z.array(part)], {
  error: 'expected a text or a list of parts',
});

const TEXT_PARTS = new Set(['text', 'input_text', 'output_text', 'refusal', 'summary_text']);

/** @throws ApiError (400) for a part that is no text */
export function textOf(given: z.infer<typeof content> | null | undefined, param: string): string {
  if (typeof given === 'string') return given;
  return (given ?? [])
    .map(({ type, text: own, refusal }) => {
      if (!TEXT_PARTS.has(type))
        throw badRequest(`'${type}' is not supported here: expected parts of text.`, param);
      return own ?? refusal ?? '';
    })
    .join('');
}

/** A call of a tool in a conversation, as text that the model reads. */
export function callText(name: string, argumentsText: string): string {
  return `${name}(${argumentsText})`;
}
