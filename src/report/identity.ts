/** What a document is of: the version that made it, the input, and the files that were read. */
import type { NamedFile } from '../config/files.js';

export interface Identity {
  /** Of wafersim. */
  version: string;
  /**
   * SHA-256 over the version, the configuration and the content of the files that it names: documents
   * with the same key have the same numbers outside `host` and `reuse`; paths stand in them as written.
   */
  key: string;
  /** Every file that was read, each path as it was written. */
  files: NamedFile[];
}

/** The version of a document; those from before documents had one say nothing. */
export function versionOf(document: Partial<Identity>): string | null {
  return typeof document.version === 'string' ? document.version : null;
}
