/** Files that a page carries along, so that a reader can have them from it. */
import type { Deflate } from './html-maps.js';
import type { Downloads } from './page/data.js';

export interface CarriedFiles {
  /** Begins the files' names. */
  name: string;
  /** Texts by name. */
  files: Record<string, string>;
}

export function packedFiles({ name, files }: CarriedFiles, deflate: Deflate): Downloads {
  const packed = Object.entries(files).map(([file, text]) => {
    const bytes = deflate(new TextEncoder().encode(text));
    return [file, Buffer.from(bytes).toString('base64')];
  });
  return { name, files: Object.fromEntries(packed) as Record<string, string> };
}

/** A button for each of them. */
export function downloadButtons({ files }: CarriedFiles): string {
  const buttons = Object.keys(files).map((file) => `<button data-file="${file}">${file}</button>`);
  return `<div class="controls">${buttons.join(' ')}</div>`;
}
