/** The folder of a record: one file that grows as things happen, and others that are there from the beginning. */
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GrowingFile {
  append(text: string): void;
  close(): void;
}

/** @throws the system's error; EEXIST if the growing file is there already */
export function beginRecord(
  folder: string,
  growing: string,
  others: Record<string, string>,
): GrowingFile {
  mkdirSync(folder, { recursive: true });
  const file = openSync(join(folder, growing), 'wx');
  for (const [name, text] of Object.entries(others)) writeFileSync(join(folder, name), text);
  return {
    append: (text) => writeFileSync(file, text),
    close: () => closeSync(file),
  };
}
