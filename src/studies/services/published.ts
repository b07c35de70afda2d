/**
 * Speeds that services were published with, as facts with their sources, and what is simulated for each of their
 * models: `measurements/services.json`.
 */
import * as z from 'zod';
import { bundled } from '../../bundled.js';
import { readText, type NamedFile } from '../../config/files.js';
import { choice, count, expected, text as textNamed } from '../../config/errors.js';
import { validate } from '../../config/problems.js';
import { readYaml } from '../../config/yaml.js';

const text = textNamed('a text');
const above0 = z.number(expected('a number above 0')).positive(expected('a number above 0'));

const row = z.strictObject({
  model: text,
  /** Of one user. */
  tokensPerSecond: above0,
  /** `2025`, `2025-05` or `2025-05-28`, as exactly as it is known. */
  date: z.string(expected('a date')).regex(/^\d{4}(-\d\d){0,2}$/, expected('a date')),
  by: text,
  /** A: the vendor's own or a measurement under known conditions; C: at second hand. */
  grade: choice('A', 'B', 'C'),
  /** Whose machine it is; wafers where nothing is said. */
  system: text.exactOptional(),
  wafers: count(1).exactOptional(),
  weightBits: count(1, 32).exactOptional(),
  /** Whether it decodes speculatively; null if nothing is said of it. */
  speculation: z.boolean(expected('true, false or null')).nullable().exactOptional(),
  /** Tokens in the cache. */
  context: count(1).exactOptional(),
  maxContext: count(1).exactOptional(),
  ttftMs: above0.exactOptional(),
  note: text.exactOptional(),
});

const value = z.union([text, z.number()], expected('a text or a number'));

const simulated = z.strictObject({
  /** A bundled model. */
  model: text,
  /** Settings of its configuration. */
  set: z.record(z.string(), value).exactOptional(),
  /** What is assumed by simulating this for the published model; nothing where it is that very model. */
  assumed: text.exactOptional(),
});
const notSimulated = z.strictObject({ notSimulated: text });

const file = z.strictObject({
  schema: z.literal('services/1', expected('services/1')),
  note: text,
  models: z.record(z.string(), z.union([simulated, notSimulated])),
  rows: z.array(row),
});

export type PublishedSpeed = z.output<typeof row>;
export type SimulatedAs = z.output<typeof simulated> | z.output<typeof notSimulated>;
export type Services = Pick<z.output<typeof file>, 'models' | 'rows'>;

/** The bundled table; its file is noted in `files`. */
export function publishedServices(files?: NamedFile[]): Services {
  const path = bundled('measurements/services.json');
  return validate(file, readYaml(readText({ path, from: 'measurements' }, files), path));
}

/** Such as `gpt-oss-120b/2026-05/2700`: a model has several speeds of one date. */
export function idOf({ model, date, tokensPerSecond, system }: PublishedSpeed): string {
  return [model, date, tokensPerSecond, ...(system === undefined ? [] : [system])].join('/');
}
