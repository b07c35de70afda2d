/** A model's own tokenizer, as its folder has it: text to token ids and back. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { ModelError, show } from '../model/errors.js';

export interface Tokenizer {
  /** Token ids of a text, with those that the model wants around it. */
  encode(text: string): number[];
  /** The text of token ids, without the model's own marks. */
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
    tokenizer = new HubTokenizer(jsonOf(file), own);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`${file}: expected a tokenizer, found one that says: ${said(error)}`);
  }
  return {
    encode: (text) => {
      const { ids, tokens } = trying(file, () => tokenizer.encode(text));
      const at = ids.findIndex((id) => !Number.isInteger(id));
      if (at < 0) return ids;
      const expected = 'expected a token for each part of the text, found none for';
      throw new ModelError(`${file}: ${expected} ${show(tokens[at])}`);
    },
    decode: (tokens) =>
      tokens.length === 0
        ? ''
        : trying(file, () => tokenizer.decode([...tokens], { skip_special_tokens: true })),
  };
}

/** The text of the tokens after a beginning of so many, as it follows on the beginning's text. */
export function textAfter(tokenizer: Tokenizer, tokens: readonly number[], begun: number): string {
  const before = tokenizer.decode(tokens.slice(0, begun));
  const all = tokenizer.decode(tokens);
  return all.startsWith(before) ? all.slice(before.length) : tokenizer.decode(tokens.slice(begun));
}

/** Decoders of the library fail on tokens that they do not know in ways of their own. */
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
