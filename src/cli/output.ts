/** What leaves a command: results on stdout, notes on stderr, and run directories that are whole or absent. */
import { accessSync, appendFileSync, closeSync, constants, existsSync, lstatSync } from 'node:fs';
import { fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, orHostError } from '../index.js';
import { shown, shownPage, type Style } from '../report/format.js';
import { trying, unlessRefused, writing } from './command-thread.js';
import { clearLeftovers, inTemporary, tryPlace } from './temporary.js';

/** A terminal receives nothing that it would obey, whatever a name from a file holds. */
export function print(text: string): void {
  const page = shownPage(text);
  process.stdout.write(page.endsWith('\n') ? page : `${page}\n`);
}

/** One line on stderr. */
export function note(line: string): void {
  process.stderr.write(`${shown(line)}\n`);
}

/** Colours only on a terminal, and not under NO_COLOR. */
export function style(): Style {
  return { color: process.stdout.isTTY && !process.env['NO_COLOR'] };
}

/** Files of a run directory by name. */
export interface RunFiles {
  'run.json': string;
  'run.txt': string;
  'report.html'?: string;
  'trace.json.gz'?: Uint8Array;
  /** In pieces. */
  'requests.ndjson'?: Iterable<string>;
  'logits.safetensors'?: Iterable<Uint8Array>;
}

const RUN_FILES = new Set([
  'run.json',
  'run.txt',
  'report.html',
  'trace.json.gz',
  'requests.ndjson',
  'logits.safetensors',
]);

/**
 * Refuses, before the simulation, a directory that cannot be made or holds anything but an earlier run.
 * @throws ConfigError; HostError if it cannot be made
 */
export function checkRunDirectory(directory: string): void {
  const target = targetOf(directory);
  orHostError(directory, () =>
    trying(() => {
      clearLeftovers(target);
      refuseForeign(directory, target);
      tryPlace(target);
    }),
  );
}

/** What is looked at must be what is written later: `missing/..` is this directory once resolved. */
function targetOf(directory: string): string {
  if (directory.trim() === '')
    throw new ConfigError('-o: expected a directory, found an empty name');
  return resolve(directory);
}

function refuseForeign(directory: string, target: string): void {
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isDirectory())
    throw new ConfigError(`${directory}: -o expects a new directory, found a file or a link`);
  const foreign = readdirSync(target).find((name) => !RUN_FILES.has(name));
  if (foreign !== undefined)
    throw new ConfigError(
      `${directory}: -o expects a new directory or one of an earlier run, found ${foreign} in it`,
    );
}

/**
 * Refuses, before the simulation, a file that `writeFile` could not write.
 * @throws ConfigError if the name is empty; HostError
 */
export function checkFile(path: string): void {
  refuseEmpty(path);
  const target = resolve(path);
  orHostError(path, () => {
    if (isNoFile(target)) checkNoFile(target);
    else trying(() => tryPlace(target));
  });
}

/** A device or a pipe may be written to, a directory not; to open a pipe without a reader would block. */
function checkNoFile(path: string): void {
  if (statSync(path).isDirectory()) closeSync(openSync(path, 'a'));
  else accessSync(path, constants.W_OK);
}

function refuseEmpty(path: string): void {
  if (path.trim() === '') throw new ConfigError('expected the name of a file, found an empty name');
}

/**
 * A file whole or not at all: under a temporary name next to it, then renamed.
 * @throws HostError if it cannot be written
 */
export function writeFile(path: string, content: string): void {
  refuseEmpty(path);
  const target = resolve(path);
  orHostError(path, () =>
    writing(() => {
      // A device or a pipe is written to, not replaced.
      if (isNoFile(target)) return writeFileSync(target, content);
      mkdirSync(dirname(target), { recursive: true });
      clearLeftovers(target);
      inTemporary(target, (temporary) => {
        const next = join(temporary, 'next');
        write(next, content);
        unlessRefused();
        renameSync(next, target);
        sync(dirname(target));
      });
    }),
  );
}

function isNoFile(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && !there.isFile();
}

/** GitHub shows what is appended to this file on the page of the workflow's run. */
export function appendSummary(markdown: string): void {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (file) orHostError(file, () => appendFileSync(file, markdown));
}

/** Refuses, before the simulation, a place for the summary that cannot be written. @throws HostError */
export function checkSummary(): void {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (!file) return;
  orHostError(file, () => {
    if (isNoFile(file)) return checkNoFile(file);
    const wasThere = existsSync(file);
    trying(() => {
      closeSync(openSync(file, 'a'));
      if (!wasThere) rmSync(file);
    });
  });
}

/**
 * Writes under a temporary name next to the directory, then renames: a killed run leaves nothing there.
 * @throws HostError if it cannot be written
 */
export function writeRunDirectory(directory: string, files: RunFiles): void {
  const target = targetOf(directory);
  orHostError(directory, () =>
    writing(() => {
      mkdirSync(dirname(target), { recursive: true });
      clearLeftovers(target);
      // Whatever was put there since the simulation began is not an earlier run's to replace.
      refuseForeign(directory, target);
      inTemporary(target, (temporary) => {
        const next = join(temporary, 'next');
        mkdirSync(next);
        for (const [name, content] of Object.entries({ ...files }))
          write(join(next, name), content);
        sync(next);
        unlessRefused();
        const previous = join(temporary, 'previous');
        if (existsSync(target)) renameSync(target, previous);
        try {
          renameSync(next, target);
        } catch (error) {
          if (existsSync(previous)) renameSync(previous, target);
          throw error;
        }
        sync(dirname(target));
      });
    }),
  );
}

function write(path: string, content: string | Uint8Array | Iterable<string | Uint8Array>): void {
  const whole = typeof content === 'string' || content instanceof Uint8Array;
  const file = openSync(path, 'w');
  try {
    for (const piece of whole ? [content] : content) {
      unlessRefused();
      writeFileSync(file, piece);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
