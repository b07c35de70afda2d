/** Files that a page can write: those that came with it, and its map as a picture. */
import type { Downloads } from './data.js';
import { byId } from './dom.js';
import type { MapState } from './map.js';
import { pictureOf } from './picture.js';
import { inflate } from './unpack.js';

/** Files that came with the page, by their buttons. */
export function offerFiles({ name, files }: Downloads): void {
  for (const button of document.querySelectorAll<HTMLElement>('[data-file]'))
    button.addEventListener('click', () => {
      const file = button.dataset['file']!;
      void inflate(files[file]).then((bytes) => save(`${name}-${file}`, new Blob([bytes])));
    });
}

/** The map as it is shown, as a picture. */
export function offerPicture(name: string, map: MapState): void {
  byId('png').addEventListener('click', () =>
    pictureOf(map).toBlob((blob) => {
      const { wafer, quantities } = { ...map.data, wafer: map.wafer.wafer };
      const of = quantities[map.quantity].title.replaceAll(/\W+/g, '-');
      if (blob) save(`${name}-wafer-${wafer}-${of}.png`, blob);
    }),
  );
}

function save(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: the browser has still to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
