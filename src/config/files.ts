/** Files that refer to files: `extends`, hardware and models, with who asked for what when one is missing. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from '../hardware/errors.js';
import { show } from '../hardware/messages.js';
import { normalise } from './overrides.js';
import { child, merge, plain, withKey } from './tree.js';
import { readYaml, type Node } from './yaml.js';

/** A file, and where it was asked for: `configs/a.yaml:3:11: hardware`. */
export interface Reference {
  path: string;
  from: string;
}

/**
 * The file that a value names. Paths in files are relative to the file; those of a `--set` to the
 * current directory, or else to the main configuration.
 * @throws ConfigError if the value is no path
 */
export function referenceOf(node: Node, name: string, mainFile: string): Reference {
  const from = `${node.origin.label}: ${name}`;
  const path = node.value;
  if (typeof path !== 'string' || path === '')
    throw new ConfigError(`${from}: expected the path of a file, found ${show(plain(node))}`);
  const beside = isAbsolute(path) ? path : join(dirname(node.origin.file ?? mainFile), path);
  const fromCommandLine = node.origin.file === undefined;
  const asIs = fromCommandLine && (existsSync(path) || !existsSync(beside));
  return { path: asIs ? path : beside, from };
}

/** The longest text that is read at all. */
const MOST_BYTES = 2 ** 28;

/**
 * Text of a file; devices and pipes, which may have no end, are none.
 * @throws ConfigError that names the file and who referred to it
 */
export function readText({ path, from }: Reference): string {
  const refuse = (found: string): never => {
    throw new ConfigError(`${from}: expected the file ${path}, found ${found}`);
  };
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return refuse(stat.isDirectory() ? 'a directory' : 'no regular file');
    if (stat.size > MOST_BYTES) return refuse(`${stat.size} bytes, more than ${MOST_BYTES}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    return refuse(code === 'ENOENT' ? 'no such file' : `a file that cannot be read (${code})`);
  }
}

/**
 * A YAML file merged over those that it extends.
 * @param below keys between the root of the whole configuration and this file, for names in errors
 * @throws ConfigError on a missing file, a syntax error, a cycle of `extends` or a file that is no mapping
 */
export function readChain(reference: Reference, below = '', chain: string[] = []): Node {
  const { path } = reference;
  const seen = [...chain, path];
  if (chain.some((earlier) => resolve(earlier) === resolve(path)))
    throw new ConfigError(`${reference.from}: expected no cycle, found ${seen.join(' -> ')}`);
  const node = readYaml(readText(reference), path);
  if (!(node.value instanceof Map))
    throw new ConfigError(
      `${node.origin.label}: expected a mapping of keys, found ${show(plain(node))}`,
    );
  const own = below === '' ? normalise(node) : node;
  return extend(own, below, path, seen);
}

/** A mapping merged over the file that its `extends` names, if it has one. */
export function extend(node: Node, below: string, mainFile: string, chain: string[] = []): Node {
  const base = child(node, 'extends');
  if (!base) return node;
  const reference = referenceOf(base, `${below}extends`, mainFile);
  return merge(readChain(reference, below, chain), withKey(node, 'extends', undefined));
}
