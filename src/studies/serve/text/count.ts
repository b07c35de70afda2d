/** How many tokens a prompt has: those that it is made of, or the model's tokenizer's, or a quarter of its bytes. */
import { readTokenizer, type Tokenizer } from '../../../checkpoint/tokenizer.js';
import type { Counted, Prompt } from './source.js';

const BYTES_PER_TOKEN = 4;

/** Without a tokenizer. */
export function countBytes({ messages, ids }: Prompt): Counted {
  if (ids !== undefined) return { tokens: Math.max(1, ids.length), by: 'ids' };
  const bytes = messages.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return { tokens: Math.max(1, Math.ceil(bytes / BYTES_PER_TOKEN)), by: 'bytes/4' };
}

/** With the model's own; each message by itself, as no template puts marks around them. */
export function countTokens(tokenizer: Tokenizer): (prompt: Prompt) => Counted {
  return (prompt) =>
    prompt.ids === undefined
      ? { tokens: Math.max(1, idsOf(prompt, tokenizer).length), by: 'tokenizer' }
      : countBytes(prompt);
}

/** The ids of a prompt. */
export function idsOf({ messages, ids }: Prompt, tokenizer: Tokenizer): number[] {
  return ids === undefined
    ? tokenizer.encode(messages.map(({ text }) => text).join('\n'))
    : [...ids];
}

/** The counting that a model's files allow. */
export function counterOf(files: readonly string[]): (prompt: Prompt) => Counted {
  return files.length > 0 ? countTokens(readTokenizer(files)) : countBytes;
}
