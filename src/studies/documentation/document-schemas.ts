/** The JSON Schema of every document that a command prints: of its type, which is the schema's own. */
import type * as z from 'zod';
import { jsonSchemaOf } from '../../report/schema/json-schema.js';
import { kernelDocument } from '../../report/schema/kernel.js';
import { anyRun } from '../../report/schema/serving.js';
import { benchDocument } from '../bench/document.js';
import { compareDocument } from '../compare/document.js';
import { diffDocument } from '../diff/document.js';
import { servicesDocument } from '../services/document.js';
import { sweepDocument } from '../sweep/document.js';
import { validateDocument } from '../validate/document.js';

/** By the names of `wafersim schema`; a plan of a sweep has its own. */
export const DOCUMENT_SCHEMAS = {
  run: anyRun,
  compare: compareDocument,
  kernel: kernelDocument,
  bench: benchDocument,
  'sweep-document': sweepDocument,
  validate: validateDocument,
  services: servicesDocument,
  diff: diffDocument,
} satisfies Record<string, z.ZodType>;

export type DocumentName = keyof typeof DOCUMENT_SCHEMAS;

export const DOCUMENT_NAMES = Object.keys(DOCUMENT_SCHEMAS) as DocumentName[];

/** The schema of what `wafersim NAME --json` prints. */
export function documentSchema(name: DocumentName): object {
  return jsonSchemaOf(DOCUMENT_SCHEMAS[name], `wafersim ${name}`);
}
