/** Single files that a command writes: whole or not at all, where that can be done. */
import { accessSync, appendFileSync, closeSync, constants, existsSync, mkdirSync } from 'node:fs';
import { openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UNGUARDED, type Guard } from './guard.js';
import { orHostError, PlaceError } from './host-error.js';
import { clearLeftovers, inTemporary, tryPlace } from './temporary.js';
import { sync, writeWhole } from './whole.js';

/**
 * Refuses, before the simulation, a file that `writeFile` could not write.
 * @throws PlaceError if the name is empty; HostError
 */
export function checkFile(path: string, guard: Guard = UNGUARDED): void {
  refuseEmpty(path);
  const target = resolve(path);
  orHostError(path, () => {
    if (isNoFile(target)) checkNoFile(target);
    else guard.trying(() => tryPlace(target));
  });
}

/** A device or a pipe may be written to, a directory not; to open a pipe without a reader would block. */
function checkNoFile(path: string): void {
  if (statSync(path).isDirectory()) closeSync(openSync(path, 'a'));
  else accessSync(path, constants.W_OK);
}

function refuseEmpty(path: string): void {
  if (path.trim() === '') throw new PlaceError('expected the name of a file, found an empty name');
}

/**
 * A file whole or not at all: under a temporary name next to it, then renamed.
 * @throws HostError if it cannot be written
 */
export function writeFile(path: string, content: string, guard: Guard = UNGUARDED): void {
  refuseEmpty(path);
  const target = resolve(path);
  orHostError(path, () =>
    guard.writing(() => {
      // A device or a pipe is written to, not replaced.
      if (isNoFile(target)) return writeFileSync(target, content);
      mkdirSync(dirname(target), { recursive: true });
      clearLeftovers(target);
      inTemporary(target, (temporary) => {
        const next = join(temporary, 'next');
        writeWhole(next, content, () => guard.unlessRefused());
        guard.unlessRefused();
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

/** Appends to a file that others append to as well. @throws HostError */
export function appendTo(file: string, text: string): void {
  orHostError(file, () => appendFileSync(file, text));
}

/** Refuses, before the simulation, a file that `appendTo` could not append to. @throws HostError */
export function checkAppending(file: string, guard: Guard = UNGUARDED): void {
  orHostError(file, () => {
    if (isNoFile(file)) return checkNoFile(file);
    const wasThere = existsSync(file);
    guard.trying(() => {
      closeSync(openSync(file, 'a'));
      if (!wasThere) rmSync(file);
    });
  });
}
