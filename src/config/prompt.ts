/** A prompt as tokens of the model, and what a run with one may ask for. */
import { readTokenizer } from '../checkpoint/tokenizer.js';
import { ModelError } from '../model/errors.js';
import type { ModelSpec } from '../model/model.js';
import { ConfigError } from './errors.js';
import type { Config } from './schema.js';
import { child, originAt } from './tree.js';
import type { Node } from './yaml.js';

/**
 * Token ids of a prompt; none without one.
 * @param tokenizer its files, if there are any
 * @throws ConfigError if the prompt is not the model's, or is not the first thing in the cache
 */
export function promptOf(
  workload: Config['workload'],
  model: ModelSpec,
  tree: Node,
  tokenizer: readonly string[],
): number[] | undefined {
  const { prompt, stop = [] } = workload;
  checkTokens(stop, 'stop', model, tree);
  if (prompt === undefined || !(Array.isArray(prompt) || typeof prompt === 'string'))
    return undefined;
  const { context } = workload;
  if (child(child(tree, 'workload'), 'context') !== undefined && context !== 0)
    throw new ConfigError(
      `${originAt(tree, ['workload', 'context']).label}: workload.context: expected 0 with a prompt, ` +
        `which begins with an empty cache, found ${context}`,
    );
  if (Array.isArray(prompt)) {
    checkTokens(prompt, 'prompt', model, tree);
    return prompt;
  }
  const tokens = encoded(prompt, tree, tokenizer);
  checkTokens(tokens, 'prompt', model, tree);
  return tokens;
}

function encoded(text: string, tree: Node, tokenizer: readonly string[]): number[] {
  const at = `${originAt(tree, ['workload', 'prompt']).label}: workload.prompt`;
  if (tokenizer.length === 0)
    throw new ConfigError(
      `${at}: expected token ids such as [1, 15], as the model's folder has no tokenizer.json, found a text`,
    );
  try {
    const tokens = readTokenizer(tokenizer).encode(text);
    if (tokens.length > 0) return tokens;
  } catch (error) {
    if (error instanceof ModelError) throw new ConfigError(`${at}: ${error.message}`);
    throw error;
  }
  throw new ConfigError(`${at}: expected a text of some tokens, found one of none`);
}

function checkTokens(
  tokens: readonly number[],
  key: 'prompt' | 'stop',
  { name, vocab }: ModelSpec,
  tree: Node,
): void {
  const wrong = tokens.findIndex((token) => token >= vocab);
  if (wrong < 0) return;
  const at = originAt(tree, ['workload', key, wrong]).label;
  throw new ConfigError(
    `${at}: workload.${key}: expected tokens of ${name}, 0 to ${vocab - 1}, found ${tokens[wrong]}`,
  );
}
