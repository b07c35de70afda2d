/**
 * Loads the files that the command is built into (bundle.mjs), with what V8 compiled of them when they were built. Where
 * it takes none of that, as another version of V8 or with other flags, it compiles them anew: nothing else is different.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** What a file exports. */
export type Exports = Record<string, unknown>;

/** See as-script.mjs. */
type Body = (
  load: (path: string) => Exports,
  require: NodeJS.Require,
  importing: (path: string) => Promise<unknown>,
  url: string,
) => Exports;

const FOLDER = new URL('../command/', import.meta.url);

const scripts = new Map<string, { script: Script; hash: Buffer }>();
const loaded = new Map<string, Exports>();

/** @param path such as `./run.cjs` */
export function load(path: string): Exports {
  const known = loaded.get(path);
  if (known) return known;
  const { href } = new URL(path, FOLDER);
  const file = fileURLToPath(href);
  const source = readFileSync(file);
  const hash = hashOf(source);
  // On one line with the first one of the file, so that lines are those of the file; which is ASCII.
  const text = `(function ($load, $require, $import, $url) {${source.toString('latin1')}})`;
  const script = new Script(text, { filename: file, cachedData: compiled(file, hash) });
  scripts.set(file, { script, hash });
  const body = script.runInThisContext() as Body;
  const exported = body(load, createRequire(href), importing, href);
  loaded.set(path, exported);
  return exported;
}

async function importing(path: string): Promise<unknown> {
  return path.startsWith('.') ? load(path) : import(path);
}

/**
 * Of a file's text, and of what compiles it. V8 itself looks at its version, its flags and the length of the text, and
 * not at the kind of processor, nor at what Node.js has patched in that version.
 */
export function hashOf(source: Buffer): Buffer {
  const by = `${process.arch} ${process.versions.v8}`;
  return createHash('sha256').update(by).update(source).digest();
}

/** What was compiled of a file, if it was this very text, by the same. */
function compiled(file: string, hash: Buffer): Buffer | undefined {
  try {
    const kept = readFileSync(codeFile(file));
    return kept.subarray(0, hash.length).equals(hash) ? kept.subarray(hash.length) : undefined;
  } catch {
    return undefined;
  }
}

const codeFile = (file: string) => file.replace(/\.cjs$/, '.code');

/** Files of which V8 took what had been compiled. */
export function taken(): string[] {
  return [...scripts]
    .filter(([, { script }]) => script.cachedDataRejected === false)
    .map(([file]) => file);
}

/** What is compiled by now of all files that are loaded, for the next time: by file, with the hash of their text. */
export function* compiledCode(): Generator<[file: string, content: Uint8Array]> {
  for (const [file, { script, hash }] of scripts)
    yield [codeFile(file), Buffer.concat([hash, script.createCachedData()])];
}
