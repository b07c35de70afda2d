/** A file that is written as things happen, in a folder with a file that is there from the start. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface GrowingFile {
  /** Writes text behind all before. Throws the system's errors, as `close` does. */
  add(text: string): void;
  close(): void;
}

/**
 * Makes the folder, if there is none, with a file of this name that grows, and another one that is whole.
 * Throws the system's errors: EEXIST if the file that grows is there already.
 */
export function beginGrowing(
  folder: string,
  name: string,
  whole: { name: string; content: string },
): GrowingFile {
  mkdirSync(folder, { recursive: true });
  const file = openSync(join(folder, name), 'wx');
  writeFileSync(join(folder, whole.name), whole.content);
  return {
    add(text) {
      const bytes = Buffer.from(text);
      // A write may take part of what it is given.
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    },
    close: () => closeSync(file),
  };
}
