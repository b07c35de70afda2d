/**
 * What node.ts has, for a page: files are those of the package, which its bundle brings along, and those that are
 * given for some work; their paths are those of one folder. There are no threads.
 */
import { sha256 as sha2 } from '@noble/hashes/sha2.js';
import * as paths from 'pathe';
import * as z from 'zod';
import type { Shards } from '../engine/sharded/sharded.js';
import type { Sha256 } from './node.js';

// The policy of a page need not let text become code for the sake of faster checks. Before any schema is made.
z.config({ jitless: true });

export const { basename, dirname, isAbsolute, join, relative, resolve } = paths;

/** Texts by path, as pages hand them over. */
export type Texts = Readonly<Record<string, string>>;

/** Set by what bundles for a page (bundle.mjs): the version, and the files that configurations can name. */
declare const WAFERSIM_PACKAGE: { version: string; files: Texts };

export const VERSION = WAFERSIM_PACKAGE.version;
/** The folder that paths are relative to is the package's too. */
export const HOME = '/';

type Files = ReadonlyMap<string, Uint8Array>;

const packaged = filesOf(WAFERSIM_PACKAGE.files, HOME);
let given: Files = new Map();

function filesOf(texts: Texts, folder: string): Files {
  const encoder = new TextEncoder();
  return new Map(
    Object.entries(texts).map(([path, text]) => [resolve('/', folder, path), encoder.encode(text)]),
  );
}

/** Does some work, which ends when it returns, with these files; paths are relative to the current directory. */
export function withFiles<T>(texts: Texts, work: () => T): T {
  const before = given;
  given = filesOf(texts, '/');
  try {
    return work();
  } finally {
    given = before;
  }
}

function fileAt(path: string): Uint8Array | undefined {
  const at = resolve('/', path);
  return given.get(at) ?? packaged.get(at);
}

/** Names of what is directly in a folder. */
function namesIn(folder: string): Set<string> {
  const below = `${resolve('/', folder)}/`.replace('//', '/');
  const inside = [...packaged.keys(), ...given.keys()].filter((path) => path.startsWith(below));
  return new Set(inside.map((path) => path.slice(below.length).split('/')[0]));
}

function missing(path: string): Error {
  return Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
}

interface Stat {
  isFile(): boolean;
  isDirectory(): boolean;
  size: number;
}

function statOf(file: Uint8Array | undefined): Stat {
  return {
    isFile: () => file !== undefined,
    isDirectory: () => file === undefined,
    size: file?.length ?? 0,
  };
}

export function existsSync(path: string): boolean {
  return fileAt(path) !== undefined || namesIn(path).size > 0;
}

export function statSync(path: string, { throwIfNoEntry = true } = {}): Stat | undefined {
  if (existsSync(path)) return statOf(fileAt(path));
  if (throwIfNoEntry) throw missing(path);
  return undefined;
}

export function readdirSync(path: string): string[] {
  return [...namesIn(path)];
}

export function readFileSync(path: string): Uint8Array;
export function readFileSync(path: string, encoding: 'utf8'): string;
export function readFileSync(path: string, encoding?: 'utf8'): Uint8Array | string {
  const file = fileAt(path);
  if (file === undefined) throw missing(path);
  return encoding === undefined ? file : new TextDecoder().decode(file);
}

export const constants = { O_RDONLY: 0 };

/** Files that are read in pieces, by their number: what is left of each. */
const opened: { file: Uint8Array; at: number }[] = [];

export function openSync(path: string): number {
  const file = fileAt(path);
  if (file === undefined) throw missing(path);
  return opened.push({ file, at: 0 }) - 1;
}

export function fstatSync(number: number): Stat {
  return statOf(opened[number].file);
}

export function readSync(
  number: number,
  into: Uint8Array,
  offset = 0,
  length = into.length - offset,
  position: number | null = null,
): number {
  const one = opened[number];
  const at = position ?? one.at;
  const piece = one.file.subarray(at, at + length);
  into.set(piece, offset);
  if (position === null) one.at += piece.length;
  return piece.length;
}

export function closeSync(number: number): void {
  opened[number] = { file: new Uint8Array(0), at: 0 };
}

export function sha256(): Sha256 {
  const hash = sha2.create();
  const encoder = new TextEncoder();
  const own: Sha256 = {
    update(piece) {
      hash.update(typeof piece === 'string' ? encoder.encode(piece) : piece);
      return own;
    },
    hex: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
  return own;
}

/** Timers of a page wait 4 ms or more; a message does not. */
export async function nextTask(): Promise<void> {
  await new Promise<void>((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      done();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}

export function createShards(): Shards {
  throw new Error('a page has one thread: shards has to be 1');
}
