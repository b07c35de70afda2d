import { fileURLToPath } from 'node:url';

/** A file that ships with the project; sources and built files stand equally deep. */
export function bundled(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
