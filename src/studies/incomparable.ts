/** Documents that are read back: what every one has of its identity, and that it is none to compare. */
import * as z from 'zod';

/** Version, key and files (report/identity.ts), which documents from before they had them lack. */
export const identityFields = {
  version: z.string().exactOptional(),
  key: z.string().exactOptional(),
  files: z
    .array(z.looseObject({ path: z.string(), sha256: z.string().nullable() }))
    .exactOptional(),
};

/** Two things that cannot be held against each other: a foreign, damaged or newer file, other work. */
export class IncomparableError extends Error {
  override readonly name = 'IncomparableError';
}
