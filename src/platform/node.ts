/**
 * What Node has and a page has not: files, paths, hashes, threads, and where the package lies. Everything that runs
 * in both takes it from here; what is bundled for pages has browser.ts in its place, which has the same names.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';

export { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs';
export { readFileSync, readSync, readdirSync, statSync } from 'node:fs';
export { availableParallelism } from 'node:os';
export { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
export { isDeepStrictEqual } from 'node:util';
export { createShards } from '../engine/sharded/sharded.js';

/** By the package's own name, so that it is found from wherever the code was built to. */
const ask = createRequire(import.meta.url);

/** The folder of the package. */
export const HOME = dirname(ask.resolve('wafersim/package.json'));

export const { version: VERSION } = ask('wafersim/package.json') as { version: string };

/** A hash that is fed piece by piece. */
export interface Sha256 {
  update(piece: string | Uint8Array): Sha256;
  /** In hexadecimal; nothing is fed after that. */
  hex(): string;
}

export function sha256(): Sha256 {
  const hash = createHash('sha256');
  const own: Sha256 = {
    update(piece) {
      hash.update(piece);
      return own;
    },
    hex: () => hash.digest('hex'),
  };
  return own;
}

/** Resolves once timers, messages and interrupts that wait have been served. */
export async function nextTask(): Promise<void> {
  await setImmediate();
}
