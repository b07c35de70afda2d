/** A folder of a host's temporary ones, with files that came from elsewhere under the paths that they have there. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isRunning } from './processes.js';

/** Makes a new one, `NAME-PROCESS-xxxxxx`. @param temporary where */
export function makeFolder(temporary: string, name: string, process: number): string {
  return mkdtempSync(join(temporary, `${name}-${process}-`));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Removes those of processes that were killed. */
export function clearFolders(temporary: string, name: string): void {
  for (const found of readdirSync(temporary)) {
    const rest = found.startsWith(`${name}-`) ? found.slice(name.length + 1) : '';
    const owner = /^\d+(?=-)/.exec(rest)?.[0];
    if (owner !== undefined && !isRunning(Number(owner))) removeFolder(join(temporary, found));
  }
}

/**
 * Puts files into a folder; what has no content is linked to what this host has under that path.
 * @param directory also made
 * @returns paths of files that this host does not have
 * @throws Error if a path leads out of the folder
 */
export function putFiles(
  folder: string,
  directory: string,
  files: readonly { path: string; content: Uint8Array | undefined }[],
): string[] {
  const missing: string[] = [];
  mkdirSync(join(folder, resolve(directory)), { recursive: true });
  for (const { path, content } of files) {
    if (resolve(path) !== path) throw new Error(`expected an absolute path, found ${path}`);
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    if (content !== undefined) writeFileSync(at, content);
    else if (statSync(path, { throwIfNoEntry: false })?.isFile()) symlinkSync(path, at);
    else missing.push(path);
  }
  return missing;
}
