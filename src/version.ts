/** The package's version, which every document carries. */
import { readFileSync } from 'node:fs';
import { bundled } from './bundled.js';

export const VERSION = (
  JSON.parse(readFileSync(bundled('package.json'), 'utf8')) as { version: string }
).version;
