/** The package: where it lies, and its version, which every document carries. */
import { HOME, join } from './platform/node.js';

export { VERSION } from './platform/node.js';

/** A file that ships with the project. */
export function bundled(path: string): string {
  return join(HOME, path);
}
