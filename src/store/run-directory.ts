/** Directories of runs and of kernels, which are whole or absent: the files of the one before stay until all new ones are there. */
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UNGUARDED, type Guard } from './guard.js';
import { orHostError, PlaceError } from './host-error.js';
import { clearLeftovers, inTemporary, tryPlace } from './temporary.js';
import { sync, writeWhole, type Content } from './whole.js';

/** Files of a run that has no others. */
const ALWAYS = ['run.json', 'run.txt'] as const;
/** Files that a run may have in addition; for notebooks see docs/data.md. */
const MORE = [
  'report.html',
  'trace.json.gz',
  'requests.ndjson',
  'logits.safetensors',
  'summary.csv',
  'operators.csv',
  'regions.csv',
  'requests.csv',
  'cores.npz',
  'links.parquet',
  'operations.parquet',
] as const;

/** Files of a run directory by name; large ones in pieces. */
export type RunFiles = Record<(typeof ALWAYS)[number], Content> &
  Partial<Record<(typeof MORE)[number], Content>>;

/** Files of the directory of a kernel. */
const OF_KERNEL = [
  'kernel.json',
  'kernel.txt',
  'report.html',
  'summary.csv',
  'operators.csv',
] as const;
export type KernelFiles = Record<(typeof OF_KERNEL)[number], string>;

/** Files of the directory of a comparison. */
const OF_COMPARISON = ['compare.json', 'compare.txt', 'compare.html', 'summary.csv'] as const;
export type CompareFiles = Record<(typeof OF_COMPARISON)[number], string>;

const RUN_FILES = new Set<string>([...ALWAYS, ...MORE, ...OF_KERNEL, ...OF_COMPARISON]);

/**
 * Refuses, before the simulation, a directory that cannot be made or holds anything but an earlier run.
 * @throws PlaceError; HostError if it cannot be made
 */
export function checkRunDirectory(directory: string, guard: Guard = UNGUARDED): void {
  const target = targetOf(directory);
  orHostError(directory, () =>
    guard.trying(() => {
      clearLeftovers(target);
      refuseForeign(directory, target);
      tryPlace(target);
    }),
  );
}

/** What is looked at must be what is written later: `missing/..` is this directory once resolved. */
function targetOf(directory: string): string {
  if (directory.trim() === '')
    throw new PlaceError('-o: expected a directory, found an empty name');
  return resolve(directory);
}

function refuseForeign(directory: string, target: string): void {
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isDirectory())
    throw new PlaceError(`${directory}: -o expects a new directory, found a file or a link`);
  const foreign = readdirSync(target).find((name) => !RUN_FILES.has(name));
  if (foreign !== undefined)
    throw new PlaceError(
      `${directory}: -o expects a new directory or one of an earlier run, found ${foreign} in it`,
    );
}

/**
 * Writes under a temporary name next to the directory, then renames: a killed run leaves nothing there.
 * @throws HostError if it cannot be written
 */
export function writeRunDirectory(
  directory: string,
  files: RunFiles | KernelFiles | CompareFiles,
  guard: Guard = UNGUARDED,
): void {
  const target = targetOf(directory);
  orHostError(directory, () =>
    guard.writing(() => {
      mkdirSync(dirname(target), { recursive: true });
      clearLeftovers(target);
      // Whatever was put there since the simulation began is not an earlier run's to replace.
      refuseForeign(directory, target);
      inTemporary(target, (temporary) => {
        const next = join(temporary, 'next');
        mkdirSync(next);
        for (const [name, content] of Object.entries({ ...files }))
          writeWhole(join(next, name), content, () => guard.unlessRefused());
        sync(next);
        guard.unlessRefused();
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
