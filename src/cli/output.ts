/** The way out: results on stdout, notes on stderr, and run directories that are whole or absent. */
import {
  accessSync,
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../config/errors.js';
import { shown, shownPage, type Style } from '../report/format.js';
import { unlessRefused, writing } from './command-thread.js';
import { HostError } from './errors.js';
import { clearLeftovers, inTemporary } from './temporary.js';

/** Whatever a name from a file holds, a terminal is sent nothing that it would obey. */
export function print(text: string): void {
  const page = shownPage(text);
  process.stdout.write(page.endsWith('\n') ? page : `${page}\n`);
}

/** Characters that JSON may hold as they are and a terminal would obey: the same, spelt out. */
const OBEYED = /[\u007F-\u009F\u2028\u2029\p{Bidi_Control}]/gu;

export function json(document: object): string {
  const text = JSON.stringify(document, null, 2);
  const spelt = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${text.replaceAll(OBEYED, spelt)}\n`;
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
}

const RUN_FILES = new Set([
  'run.json',
  'run.txt',
  'report.html',
  'trace.json.gz',
  'requests.ndjson',
]);

/**
 * Refuses, before the simulation, a directory that cannot be made or holds anything but an earlier run.
 * @throws ConfigError; HostError if it cannot be made
 */
export function checkRunDirectory(directory: string): void {
  // What is looked at must be what is written later: `missing/..` is this directory once resolved.
  const target = resolve(directory);
  if (directory.trim() === '')
    throw new ConfigError('-o: expected a directory, found an empty name');
  orHostError(directory, () => {
    mkdirSync(dirname(target), { recursive: true });
    accessSync(dirname(target), constants.W_OK);
    clearLeftovers(target);
  });
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
 * A file whole or not at all: under a temporary name beside it, then renamed.
 * @throws HostError if it cannot be written
 */
export function writeFile(path: string, content: string): void {
  if (path.trim() === '') throw new ConfigError('expected the name of a file, found an empty name');
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

/**
 * Writes under a temporary name beside the directory, then renames: a killed run leaves nothing there.
 * @throws HostError if it cannot be written
 */
export function writeRunDirectory(directory: string, files: RunFiles): void {
  // Whatever was put there since the simulation began is not an earlier run's to replace.
  checkRunDirectory(directory);
  const target = resolve(directory);
  orHostError(directory, () =>
    writing(() =>
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
      }),
    ),
  );
}

/** Errors of the system while something is written are the host's; they name the file. */
function orHostError<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const named = error.message.includes("'") ? error.message : `${error.message} '${path}'`;
    throw new HostError(named, { cause: error });
  }
}

function write(path: string, content: string | Uint8Array | Iterable<string>): void {
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
