/** Reads a model's `config.json` as published; what the importer refuses is given its line in the file. */
import { ConfigError } from './errors.js';
import { ModelError } from '../model/errors.js';
import { at } from '../model/fields.js';
import { importHfConfig, type ImportOptions } from '../model/hf-config.js';
import type { ModelSpec } from '../model/model.js';
import { basename, dirname } from '../platform/node.js';
import { isDeeper, MOST_LEVELS } from './json.js';
import { readText, type ReadFile, type Reference } from './files.js';
import { originAt } from './tree.js';
import { readYaml, type Node } from './yaml.js';

/**
 * The model of a Hugging Face `config.json`, named after the file, or its folder if that is its name; and the
 * blocks that its quantised weights come in.
 * @param tree the run's configuration, where complaints about the `model.*` settings point to
 * @param files where the file is noted
 * @throws ConfigError if the file is missing, is no JSON, or describes what cannot be modelled
 */
export function readModel(
  reference: Reference,
  options: Omit<ImportOptions, 'name'>,
  tree: Node,
  files: ReadFile[] = [],
): { model: ModelSpec; block?: [number, number] } {
  const { path } = reference;
  const text = readText(reference, files);
  const json = parseJson(text, path);
  if (isDeeper(json))
    throw new ConfigError(`${path}:1:1: expected at most ${MOST_LEVELS} levels, found more`);
  const stem = basename(path, '.json');
  const name = stem === 'config' ? basename(dirname(path)) : stem;
  try {
    const model = importHfConfig(json, { ...options, name });
    const block = blockOf(json);
    return { model, ...(block && { block }) };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const field = error.field === '' ? [] : error.field.split('.');
    const origin =
      field[0] === 'model' && field.length > 1
        ? originAt(tree, field)
        : originAt(readYaml(text, path), field);
    throw new ConfigError(`${origin.label}: ${error.message}`);
  }
}

/** Rows and columns of a block of FP8 numbers that have one scale, if the file says so. */
function blockOf(json: unknown): [number, number] | undefined {
  const size =
    at(json, 'quantization_config.weight_block_size') ??
    at(json, 'text_config.quantization_config.weight_block_size');
  const isBlock = Array.isArray(size) && size.length === 2 && size.every(isWhole);
  return isBlock ? (size as [number, number]) : undefined;
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** YAML would forgive what JSON does not (a missing quote, a comment), so JSON's own parser decides. */
function parseJson(text: string, file: string): unknown {
  const message = jsonError(text);
  if (message === undefined) return JSON.parse(text);
  const position = / at position (\d+)/.exec(message)?.[1];
  const wrong = position === undefined ? badToken(text) : Number(position);
  const lines = text.slice(0, wrong).split('\n');
  const place = `${file}:${lines.length}:${lines.at(-1)!.length + 1}`;
  // Versions of Node word an unexpected end differently.
  const isEnd = text.slice(wrong).trim() === '';
  const short = message.replace(/ (in JSON )?at position.*|, .*/s, '');
  const what = isEnd ? 'Unexpected end of JSON input' : short;
  throw new ConfigError(`${place}: expected JSON, found: ${what}`);
}

function jsonError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}

/**
 * Offset of an unexpected token, which the parser does not report: the longest beginning of the text
 * that is only incomplete. The whole length if the text merely ends too soon.
 */
function badToken(text: string): number {
  const isBad = (length: number) =>
    !!jsonError(text.slice(0, length))?.startsWith('Unexpected token');
  if (!isBad(text.length)) return text.length;
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isBad(middle)) bad = middle;
    else good = middle;
  }
  return good;
}
