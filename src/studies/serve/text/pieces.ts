/** The text of tokens one by one, as it follows on the text before them. */
import type { Tokenizer } from '../../../checkpoint/tokenizer.js';

/** Tokens before an answer that its first words may depend on. */
const BEFORE = 6;

/**
 * Gives what each further token adds; of a character whose bytes are several tokens nothing before its last one.
 * A token is read with those before it, back to the last one but one that ended a character.
 */
export function pieces(
  tokenizer: Tokenizer,
  prompt: readonly number[],
): (token: number, isLast?: boolean) => string {
  let tokens = prompt.slice(-BEFORE);
  let read = tokens.length;
  return (token, isLast = false) => {
    tokens.push(token);
    const before = tokenizer.decode(tokens.slice(0, read));
    const all = tokenizer.decode(tokens);
    if (all.endsWith('\uFFFD') && !isLast && tokens.length - read < BEFORE) return '';
    tokens = tokens.slice(read);
    read = tokens.length;
    return all.startsWith(before) ? all.slice(before.length) : tokenizer.decode(tokens);
  };
}
