/** The package's version, which every document carries. */
import { createRequire } from 'node:module';

/** By the package's own name, so that it is found from wherever the code was built to. */
const { version } = createRequire(import.meta.url)('wafersim/package.json') as { version: string };

export const VERSION = version;
