/** The package: where it lies, and its version, which every document carries. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** By the package's own name, so that it is found from wherever the code was built to. */
const ask = createRequire(import.meta.url);
const HOME = dirname(ask.resolve('wafersim/package.json'));

export const { version: VERSION } = ask('wafersim/package.json') as { version: string };

/** A file that ships with the project. */
export function bundled(path: string): string {
  return join(HOME, path);
}
