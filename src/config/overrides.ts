/** Settings on the command line: `--set a.b=v` wins over every file; `v` is read as a YAML scalar. */
import { ConfigError } from './errors.js';
import { child, merge } from './tree.js';
import { readYaml, type Node, type Origin } from './yaml.js';

/**
 * Applies settings in their order.
 * @throws ConfigError naming the `--set` if it is no `path=value` with a scalar value
 */
export function applySets(root: Node, sets: readonly string[]): Node {
  return sets.reduce((tree, text) => merge(tree, normalise(nodeOf(text))), root);
}

/** Writes the short forms out: `model: path` is `{config: path}`, `hardware: path` is `{extends: path}`. */
export function normalise(root: Node): Node {
  if (!(root.value instanceof Map)) return root;
  const entries = new Map(root.value);
  for (const [key, inner] of [
    ['model', 'config'],
    ['hardware', 'extends'],
  ] as const) {
    const value = child(root, key);
    if (typeof value?.value === 'string')
      entries.set(key, { ...value, value: new Map([[inner, value]]) });
  }
  return { ...root, value: entries };
}

function nodeOf(text: string): Node {
  const label = `--set ${text}`;
  const origin: Origin = { label };
  const split = text.indexOf('=');
  const keys = text.slice(0, Math.max(split, 0)).split('.');
  if (keys.some((key) => key.trim() === ''))
    throw new ConfigError(`${label}: expected path=value, found ${JSON.stringify(text)}`);
  if (keys.includes('__proto__'))
    throw new ConfigError(`${label}: expected a known key, found __proto__`);
  const value = readYaml(text.slice(split + 1), label).value;
  if (typeof value === 'object' && value !== null)
    throw new ConfigError(`${label}: ${keys.join('.')}: expected one value, found a collection`);
  return keys.reduceRight<Node>((inner, key) => ({ origin, value: new Map([[key, inner]]) }), {
    origin,
    value,
  });
}
