/** Files that are written whole, and folders that are kept on the disk. */
import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs';

/** What a file is given, at once or in pieces. */
export type Content = string | Uint8Array | Iterable<string | Uint8Array>;

/** Writes a file to the disk. @param before each piece, it may throw to give up */
export function writeWhole(path: string, content: Content, before: () => void = () => {}): void {
  const isOne = typeof content === 'string' || content instanceof Uint8Array;
  const file = openSync(path, 'w');
  try {
    for (const piece of isOne ? [content] : content) {
      before();
      writeFileSync(file, piece);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Has the disk keep what a folder lists. */
export function sync(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
