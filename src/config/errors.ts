/**
 * Errors of a configuration, one short line that names what was expected and what was found; and the
 * kinds of values whose schemas report them so.
 */
import * as z from 'zod';
import { show } from '../model/errors.js';

/** A configuration that cannot be used; the message is one line, `file:line:col: path: expected, found`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Options of a zod schema that make its errors say `expected ..., found ...`. */
export function expected(what: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => `expected ${what}, found ${show(issue.input)}` };
}

export function amount(min: number, max: number) {
  const what = expected(`a number, at least ${min}, at most ${max}`);
  return z.number(what).min(min, what).max(max, what);
}

export function count(min: number, max = 1e9) {
  const what = expected(`an integer, at least ${min}, at most ${max}`);
  return z.number(what).int(what).min(min, what).max(max, what);
}

export function choice<const T extends readonly (string | number)[]>(...options: T) {
  return z.literal(options, expected(options.join(' or ')));
}

export function flag() {
  return z.boolean(expected('true or false'));
}

/** A text that is not empty. */
export function text(what: string) {
  return z.string(expected(what)).min(1, expected(what));
}
