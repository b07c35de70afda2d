/** Configurations in a temporary folder, and the one line that is wrong with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadConfig } from '../src/config.js';
import { ConfigError } from '../src/config/errors.js';

export const SMALL = resolve('configs/hardware/small.yaml');
export const TINY = resolve('models/tiny.json');

export interface Folder {
  path: string;
  write: (name: string, text: string) => string;
  remove: () => void;
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'wafersim-config-'));
  return {
    path,
    write: (name, text) => {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    remove: () => rmSync(path, { recursive: true }),
  };
}

/** The message of the ConfigError that an action throws, without the folder's name. */
export function complaint(action: () => unknown, folder: Folder): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.replaceAll(`${folder.path}/`, '');
  }
  throw new Error('nothing was wrong');
}

/** What is wrong with a configuration of small hardware, the tiny model and these further lines. */
export function complaintAbout(lines: string, folder: Folder, sets: string[] = []): string {
  const path = folder.write('run.yaml', `hardware: ${SMALL}\nmodel: ${TINY}\n${lines}`);
  return complaint(() => loadConfig(path, sets), folder);
}
