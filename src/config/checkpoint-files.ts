/**
 * A model's own files next to its `config.json`: weights, of which the headers are read here and the numbers
 * by the run that computes, and the tokenizer.
 */
import { openCheckpoint } from '../checkpoint/checkpoint.js';
import { tokenizerFiles } from '../checkpoint/tokenizer.js';
import { ModelError } from '../model/errors.js';
import type { ModelSpec } from '../model/model.js';
import { parameterCount } from '../model/operators.js';
import { MOST_PARAMETERS } from '../model/weights.js';
import { dirname, existsSync, join, statSync } from '../platform/node.js';
import { ConfigError } from './errors.js';
import { noteLargeFile, referenceOf, type ReadFile, type Reference } from './files.js';
import { child, withKey } from './tree.js';
import type { Node } from './yaml.js';

/** Weights that a configuration names. */
export interface WeightFiles {
  /** A folder, a file or an index. */
  path: string;
  /** Rows and columns of a block of FP8 numbers. */
  block?: [number, number];
}

/** Without `model.config` the folder of `model.weights` has it. */
export function withModelConfig(tree: Node): Node {
  const model = child(tree, 'model');
  const weights = child(model, 'weights');
  if (model === undefined || child(model, 'config') !== undefined) return tree;
  if (typeof weights?.value !== 'string') return tree;
  const isFile = /\.(safetensors|json)$/.test(weights.value);
  const config = { ...weights, value: isFile ? dirname(weights.value) : weights.value };
  return withKey(tree, 'model', withKey(model, 'config', config));
}

/** A folder stands for its `config.json`. */
export function configIn(reference: Reference): Reference {
  const { path, written = path } = reference;
  if (!existsSync(path) || !statSync(path).isDirectory()) return reference;
  return { ...reference, path: join(path, 'config.json'), written: join(written, 'config.json') };
}

/**
 * The weights that a configuration names, all of their files noted.
 * @throws ConfigError if they are none, or too many to compute with
 */
export function weightFiles(
  tree: Node,
  mainFile: string,
  model: ModelSpec,
  block: [number, number] | undefined,
  files: ReadFile[],
): WeightFiles | undefined {
  const named = child(child(tree, 'model'), 'weights');
  if (named === undefined) return undefined;
  const reference = referenceOf(named, 'model.weights', mainFile);
  const { path, from } = reference;
  const count = parameterCount(model);
  if (count > MOST_PARAMETERS)
    throw new ConfigError(
      `${from}: expected at most ${MOST_PARAMETERS} parameters to compute with, found ${count}`,
    );
  for (const file of filesOf(reference)) noteLargeFile({ ...reference, path: file }, path, files);
  return { path, ...(block && { block }) };
}

function filesOf({ path, from }: Reference): readonly string[] {
  try {
    const checkpoint = openCheckpoint(path);
    checkpoint.close();
    return checkpoint.files;
  } catch (error) {
    if (error instanceof ModelError) throw new ConfigError(`${from}: ${error.message}`);
    throw error;
  }
}

/** The tokenizer's files, in the folder of the weights or else of the model; none if there is none. */
export function tokenizerOf(
  { weights, model, from }: { weights?: string | undefined; model: string; from: string },
  files: ReadFile[],
): string[] {
  const places = weights === undefined ? [model] : [weights, model];
  const found = places.map(tokenizerFiles).find((list) => list.length > 0) ?? [];
  for (const path of found) noteLargeFile({ path, from }, path, files);
  return found;
}
