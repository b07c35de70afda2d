/** Where simulated steps are kept from one command to the next: the user's cache folder. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { host, stepCache, type StepCache, cacheFolder, codeHash } from '../index.js';
import { prefixed } from './errors.js';
import { note } from './output.js';
import type { LimitOptions } from './simulating.js';

/** Bytes of all steps together; one takes less than a kilobyte. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Steps known to earlier commands, unless `--no-cache` was given. With a limit of cycles all steps are
 * simulated, since each has to keep it. Where steps cannot be kept a note says so.
 */
export function stepsOf({ cache, maxCycles }: { cache: boolean } & LimitOptions): StepCache {
  if (!cache || maxCycles !== undefined) return stepCache();
  try {
    const { folder, mostBytes, code } = stepFolder();
    return stepCache(code, cacheFolder(folder, { mostBytes, now: host.date }), notKept);
  } catch (error) {
    notKept(error as Error);
    return stepCache();
  }
}

/** Where they are kept, how many bytes of them, and by which code. */
export function stepFolder(): { folder: string; mostBytes: number; code: string } {
  return { folder: folderOf(), mostBytes: MOST_BYTES, code: codeHash() };
}

/** As the XDG base directory specification has it: a relative path does not count. */
function folderOf(): string {
  const named = process.env['XDG_CACHE_HOME'] ?? '';
  const base = isAbsolute(named) ? named : join(homedir(), '.cache');
  return join(base, 'wafersim', 'steps');
}

function notKept({ message }: Error): void {
  note(prefixed(`simulated steps are not kept: ${message}; --no-cache does without`));
}
