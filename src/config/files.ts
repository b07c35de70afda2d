/** Files that refer to files: `extends`, hardware and models, with the place that names a file when it is missing. */
import { ConfigError } from './errors.js';
import { show } from '../model/errors.js';
import { closeSync, existsSync, openSync, readFileSync, readSync } from '../platform/node.js';
import { dirname, isAbsolute, join, relative, resolve, statSync } from '../platform/node.js';
import { sha256 } from '../platform/node.js';
import { bundledFile, hintFor, unknownName, type BundledKind } from './bundled-files.js';
import { normalise, child, merge, plain, withKey } from './tree.js';
import { readYaml, type Node } from './yaml.js';

/** A file, and where it was asked for: `configs/a.yaml:3:11: hardware`. */
export interface Reference {
  path: string;
  from: string;
  /** The path, or the name of a bundled file, as it was written; `path` if not given. */
  written?: string;
  /** What would do instead, if there is no such file. */
  hint?: string | undefined;
}

/** A file that was read for a document. */
export interface NamedFile {
  /** As it was written where it is named. */
  path: string;
  /** SHA-256 of its bytes; null if it could not be read. */
  sha256: string | null;
}

/** The same, and where it lies: from the current directory, or absolute. Documents leave that out. */
export interface ReadFile extends NamedFile {
  at: string;
}

/** A file as documents name it. */
export function asNamed({ path, sha256 }: NamedFile): NamedFile {
  return { path, sha256 };
}

/** Where files are noted. */
export type Notes = Pick<ReadFile[], 'push'>;

/**
 * The file that a value names. Paths in files are relative to the file; those of a `--set` to the
 * current directory, or else to the main configuration.
 * @param kind of the bundled files that the value may name; a file of that name wins over them
 * @throws ConfigError if the value is no path
 */
export function referenceOf(
  node: Node,
  name: string,
  mainFile: string,
  kind?: BundledKind,
): Reference {
  const from = `${node.origin.label}: ${name}`;
  const path = node.value;
  if (typeof path !== 'string' || path === '')
    throw new ConfigError(`${from}: expected the path of a file, found ${show(plain(node))}`);
  const nextTo = isAbsolute(path) ? path : join(dirname(node.origin.file ?? mainFile), path);
  const fromCommandLine = node.origin.file === undefined;
  const asIs = fromCommandLine && (existsSync(path) || !existsSync(nextTo));
  const local = { path: asIs ? path : nextTo, from, written: path };
  if (kind === undefined || isFile(local.path)) return local;
  const file = bundledFile(kind, path);
  if (file !== undefined) return { path: file, from, written: path };
  const unknown = existsSync(local.path) ? undefined : unknownName(kind, path);
  if (unknown !== undefined) throw new ConfigError(`${from}: ${unknown}`);
  return { ...local, hint: hintFor(kind, path) };
}

function isFile(path: string): boolean {
  // What no file may be called, such as a name with a zero in it, does not exist.
  return existsSync(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** The longest text that is read at all. */
const MOST_BYTES = 2 ** 28;

/**
 * Text of a file; devices and pipes, which may have no end, are refused.
 * @param files where the file is noted
 * @throws ConfigError that names the file and where it is referred to
 */
export function readText(reference: Reference, files?: Notes): string {
  const bytes = readBytes(reference);
  files?.push(named(reference, bytes));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** Notes a file that is read elsewhere; what cannot be read is for its reader to refuse. */
export function noteFile(reference: Reference, files: Notes): void {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readBytes(reference);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  files.push(named(reference, bytes));
}

/**
 * The same of a file of any size, read in pieces; its written path begins as `root`, or the folder that `root` is
 * in, is written.
 * @param root the path that is written: of the file itself, of its folder, or of a file next to it
 * @throws ConfigError if it cannot be read
 */
export function noteLargeFile(reference: Reference, root: string, files: Notes): void {
  const { path, written = root, from } = reference;
  const hash = sha256();
  try {
    const file = openSync(path, 'r');
    try {
      const piece = new Uint8Array(PIECE);
      for (let read; (read = readSync(file, piece)) > 0;) hash.update(piece.subarray(0, read));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      `${from}: expected the file ${path}, found one that cannot be read (${code})`,
    );
  }
  files.push({ path: writtenPath(path, root, written), sha256: hash.hex(), at: path });
}

/** How a path is written that is `root`, in it, or next to it, where `root` is written so. */
function writtenPath(path: string, root: string, written: string): string {
  const rest = relative(root, path);
  if (rest === '') return written;
  const isBelow = !rest.startsWith('..');
  return isBelow ? join(written, rest) : join(dirname(written), relative(dirname(root), path));
}

const PIECE = 2 ** 22;

function named({ path, written = path }: Reference, bytes: Uint8Array | undefined): ReadFile {
  const hash = bytes === undefined ? null : sha256().update(bytes).hex();
  return { path: written, sha256: hash, at: path };
}

function readBytes({ path, from, hint }: Reference): Uint8Array {
  const refuse = (found: string): never => {
    throw new ConfigError(`${from}: expected the file ${path}, found ${found}`);
  };
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return refuse(stat.isDirectory() ? 'a directory' : 'no regular file');
    if (stat.size > MOST_BYTES) return refuse(`${stat.size} bytes, more than ${MOST_BYTES}`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const missing = `no such file${hint === undefined ? '' : `; ${hint}`}`;
    return refuse(code === 'ENOENT' ? missing : `a file that cannot be read (${code})`);
  }
}

/**
 * A YAML file merged over those that it extends.
 * @param below keys between the root of the whole configuration and this file, for names in errors
 * @param files where the files are noted, in the order in which they are read
 * @throws ConfigError on a missing file, a syntax error, a cycle of `extends` or a file that is no mapping
 */
export function readChain(
  reference: Reference,
  below = '',
  files: ReadFile[] = [],
  chain: string[] = [],
): Node {
  const { path } = reference;
  const seen = [...chain, path];
  if (chain.some((earlier) => resolve(earlier) === resolve(path)))
    throw new ConfigError(`${reference.from}: expected no cycle, found ${seen.join(' -> ')}`);
  const node = readYaml(readText(reference, files), path);
  if (!(node.value instanceof Map))
    throw new ConfigError(
      `${node.origin.label}: expected a mapping of keys, found ${show(plain(node))}`,
    );
  const own = below === '' ? normalise(node) : node;
  return extend(own, below, path, files, seen);
}

/** A mapping merged over the file that its `extends` names, if it has one. */
export function extend(
  node: Node,
  below: string,
  mainFile: string,
  files: ReadFile[] = [],
  chain: string[] = [],
): Node {
  const base = child(node, 'extends');
  if (!base) return node;
  const kind = below === 'hardware.' ? 'hardware' : undefined;
  const reference = referenceOf(base, `${below}extends`, mainFile, kind);
  return merge(readChain(reference, below, files, chain), withKey(node, 'extends', undefined));
}
