/** Fields of a parsed `config.json`: values at a path, within bounds, errors by the field's name. */
import { z } from 'zod';
import { unexpected } from './errors.js';

/** Parsed JSON of which nothing is known yet. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of names, and of places in lists, with dots; undefined if there is none. */
export function at(config: unknown, path: string): unknown {
  const within = (value: unknown, key: string) =>
    isFields(value) || Array.isArray(value) ? (value as Fields)[key] : undefined;
  return path.split('.').reduce<unknown>(within, config);
}

/** A whole number; the bounds lie far above any model and keep every product below 2^53. */
export function whole(most: number, least = 1) {
  const error = `a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export function between(least: number, most: number) {
  const error = `a number from ${least} to ${most}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
}

export const flag = z.boolean({ error: 'true or false' });
export const name = z.string({ error: 'a name' });

/** Throws a ModelError that names the first field that is wrong; `prefix` stands before its name. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, prefix = ''): T {
  // See config/problems.ts.
  const result = schema.safeParse(value, { jitless: true });
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  const field = path.join('.');
  throw unexpected(prefix + field, message, at(value, field));
}
