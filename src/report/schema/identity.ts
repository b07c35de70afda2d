/** What a document is of: the version that made it, the input, and the files that were read. */
import * as z from 'zod';
import type { NamedFile } from '../../config/files.js';
import { schemaOf } from './parts.js';

const namedFile = schemaOf<NamedFile>()(
  z.strictObject({
    path: z.string().describe('As it was written where it is named.'),
    sha256: z.string().nullable().describe('Of its bytes; null if it could not be read.'),
  }),
);

export const identity = z.strictObject({
  version: z.string().describe('Of wafersim.'),
  key: z
    .string()
    .describe(
      'SHA-256 over the version, the configuration and the content of the files that it names: documents with the same key have the same numbers outside `host` and `reuse`; paths stand in them as written.',
    ),
  files: z.array(namedFile).describe('Every file that was read, each path as it was written.'),
});
export type Identity = z.infer<typeof identity>;
