/** A model's own tokenizer, as its folder has it: text to token ids and back. */
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { ModelError, show } from '../model/errors.js';
import { dirname, existsSync, join, readFileSync, statSync } from '../platform/node.js';

export interface Tokenizer {
  /** Token ids of a text, with those that the model wants around it. */
  encode(text: string): number[];
  /** The text of token ids, without the model's own marks; a token that has none is U+FFFD. */
  decode(tokens: readonly number[]): string;
}

const FILE = 'tokenizer.json';
const CONFIG = 'tokenizer_config.json';
/** Of the largest vocabularies. */
const MOST_BYTES = 2 ** 27;

/**
 * The files of a tokenizer next to a model's; none if there are none.
 * @param path of the model's configuration or weights, or their folder
 */
export function tokenizerFiles(path: string): string[] {
  const folder = isFolder(path) ? path : dirname(path);
  const files = [FILE, CONFIG].map((name) => join(folder, name));
  return isFile(files[0]) ? files.filter(isFile) : [];
}

/**
 * @param files as `tokenizerFiles` names them
 * @throws ModelError if they are no tokenizer's
 */
export function readTokenizer([file, config]: readonly string[]): Tokenizer {
  const own = config === undefined ? {} : jsonOf(config);
  let tokenizer: HubTokenizer;
  try {
    const json = jsonOf(file);
    // The library has the token for unknown words of a WordLevel model from the other file alone.
    tokenizer = new HubTokenizer(json, { ...unknownOf(json), ...own });
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`${file}: expected a tokenizer, found one that says: ${said(error)}`);
  }
  return {
    encode: (text) => {
      const { ids, tokens } = trying(file, () => tokenizer.encode(text));
      const at = ids.findIndex((id: unknown) => !Number.isInteger(id));
      if (at < 0) return ids;
      const expected = 'expected a token for each part of the text, found none for';
      throw new ModelError(`${file}: ${expected} ${show(tokens[at])}`);
    },
    decode: (tokens) => decoded(tokenizer, tokens),
  };
}

function unknownOf(json: object): object {
  const { model } = json as { model?: { unk_token?: unknown } | null };
  return typeof model?.unk_token === 'string' ? { unk_token: model.unk_token } : {};
}

/** The text of the tokens after a beginning of so many, as it follows on the beginning's text. */
export function textAfter(tokenizer: Tokenizer, tokens: readonly number[], begun: number): string {
  const before = tokenizer.decode(tokens.slice(0, begun));
  const all = tokenizer.decode(tokens);
  return all.startsWith(before) ? all.slice(before.length) : tokenizer.decode(tokens.slice(begun));
}

/** What stands for tokens without a text: a vocabulary may be padded beyond the tokenizer's. */
const NO_TEXT = '\uFFFD';

function decoded(tokenizer: HubTokenizer, tokens: readonly number[]): string {
  let text = '';
  for (let from = 0; from < tokens.length;) {
    if (tokenizer.id_to_token(tokens[from]) === undefined) {
      text += NO_TEXT;
      from++;
      continue;
    }
    let to = from + 1;
    while (to < tokens.length && tokenizer.id_to_token(tokens[to]) !== undefined) to++;
    text += knownText(tokenizer, tokens.slice(from, to));
    from = to;
  }
  return text;
}

/** Whatever the library makes of them, they do not cost what was computed. */
function knownText(tokenizer: HubTokenizer, tokens: number[]): string {
  try {
    return tokenizer.decode(tokens, { skip_special_tokens: true });
  } catch {
    return NO_TEXT.repeat(tokens.length);
  }
}

/** The library fails on texts in ways of its own. */
function trying<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ModelError(`${file}: expected a tokenizer, found one that says: ${said(error)}`);
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0] : String(error);
}

function jsonOf(file: string): object {
  const { size } = statSync(file);
  if (size > MOST_BYTES)
    throw new ModelError(`${file}: expected at most ${MOST_BYTES} bytes, found ${size}`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ModelError(`${file}: expected JSON, found: ${said(error)}`);
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new ModelError(`${file}: expected a JSON object, found ${show(json)}`);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
