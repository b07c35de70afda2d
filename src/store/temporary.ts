/**
 * Temporary directories next to what is written: `.NAME-HOST-PID-xxxxxx`. A process that is killed leaves
 * its own, and the next one that writes the same name clears them.
 */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { hostKey, isRunning } from './processes.js';

/** A process is known by its number on its host only; several hosts may share the disk. */
const HOST = hostKey(hostname());

/** Gives `work` a directory next to `target`, which is gone afterwards. */
export function inTemporary(target: string, work: (temporary: string) => void): void {
  const prefix = `.${basename(target)}-${HOST}-${process.pid}-`;
  const temporary = mkdtempSync(join(dirname(target), prefix));
  try {
    work(temporary);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Does what writing `target` later does where the system may refuse it, and leaves nothing: folders that
 * are missing are made in a temporary one, so that no other process comes to rely on them.
 * @throws the system's error
 */
export function tryPlace(target: string): void {
  const missing: string[] = [];
  let first = target;
  while (!isThere(dirname(first))) {
    missing.unshift(basename(first));
    first = dirname(first);
  }
  inTemporary(first, (temporary) => {
    if (missing.length > 0) {
      const folders = missing.slice(0, -1);
      const folder = join(temporary, ...folders);
      mkdirSync(folder, { recursive: true });
      inTemporary(join(folder, missing.at(-1)!), () => {});
    } else if (isThere(target)) tryToMove(target, temporary);
  });
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Throws why the system would not move it at all: a mount point, another user's in a shared folder. */
function tryToMove(target: string, temporary: string): void {
  const full = join(temporary, 'full');
  mkdirSync(full);
  writeFileSync(join(full, 'file'), '');
  try {
    // This never succeeds: a folder that is not empty is not replaced.
    renameSync(target, full);
  } catch (error) {
    if (IMMOVABLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** What a system says of what it would not move anywhere; Windows says EPERM of a full folder, too. */
const IMMOVABLE = new Set(
  process.platform === 'win32' ? [] : ['EBUSY', 'EXDEV', 'EPERM', 'EACCES', 'EROFS'],
);

/**
 * Removes what ended processes left that wrote `target`; what one of them had moved aside and not yet
 * replaced goes back.
 */
export function clearLeftovers(target: string): void {
  const folder = dirname(target);
  if (!isThere(folder)) return;
  const begin = `.${basename(target)}-${HOST}-`;
  for (const name of readdirSync(folder)) {
    const owner = /^(\d+)-[A-Za-z0-9]{6}$/.exec(name.slice(begin.length))?.[1];
    if (!name.startsWith(begin) || owner === undefined || isAlive(Number(owner))) continue;
    const previous = join(folder, name, 'previous');
    if (existsSync(previous) && !existsSync(target)) renameSync(previous, target);
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(owner: number): boolean {
  // This process has none of its own yet: one with its number is from before, in a container of this name.
  return owner !== process.pid && isRunning(owner);
}
