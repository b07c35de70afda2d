import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** By the package's own name, so that it is found from wherever the code was built to. */
const HOME = dirname(createRequire(import.meta.url).resolve('wafersim/package.json'));

/** A file that ships with the project. */
export function bundled(path: string): string {
  return join(HOME, path);
}
