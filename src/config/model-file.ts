/** Reads a model's `config.json` as published; what the importer refuses is given its line in the file. */
import { basename, dirname } from 'node:path';
import { ConfigError } from '../hardware/errors.js';
import { ModelError } from '../model/errors.js';
import { importHfConfig, type ImportOptions } from '../model/hf-config.js';
import type { ModelSpec } from '../model/model.js';
import { readText, type Reference } from './files.js';
import { originAt } from './tree.js';
import { readYaml, type Node } from './yaml.js';

/**
 * The model of a Hugging Face `config.json`, named after the file, or its folder if that is its name.
 * @param tree the run's configuration, where complaints about the `model.*` settings point to
 * @throws ConfigError if the file is missing, is no JSON, or describes what cannot be modelled
 */
export function readModel(
  reference: Reference,
  options: Omit<ImportOptions, 'name'>,
  tree: Node,
): ModelSpec {
  const { path } = reference;
  const text = readText(reference);
  const json = parseJson(text, path);
  const stem = basename(path, '.json');
  const name = stem === 'config' ? basename(dirname(path)) : stem;
  try {
    return importHfConfig(json, { ...options, name });
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const field = error.field.split('.');
    const origin = field[0] === 'model' ? originAt(tree, field) : originAt(readYaml(text, path), field);
    throw new ConfigError(`${origin.label}: ${error.message}`);
  }
}

/** YAML would forgive what JSON does not (a missing quote, a comment), so JSON's own parser decides. */
function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const [message] = (error as SyntaxError).message.split('\n');
    const position = / at position (\d+)/.exec(message!);
    const offset = position ? Number(position[1]) : text.length;
    const before = text.slice(0, offset).split('\n');
    const at = `${file}:${before.length}:${before.at(-1)!.length + 1}`;
    throw new ConfigError(`${at}: expected JSON, found: ${message!.replace(/ (in JSON )?at position.*/, '')}`);
  }
}
