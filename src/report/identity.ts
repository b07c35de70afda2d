/** What a document is of: the version that made it, the input, and the files that were read. */
import type { Identity } from './schema/identity.js';

export type { Identity } from './schema/identity.js';

/** The version of a document; those from before documents had one say nothing. */
export function versionOf(document: Partial<Identity>): string | null {
  return typeof document.version === 'string' ? document.version : null;
}
