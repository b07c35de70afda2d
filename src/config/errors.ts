/** Errors of a configuration: one short line that names what was expected and what was found. */
import { show } from '../model/errors.js';

/** A configuration that cannot be used; the message is one line, `file:line:col: path: expected, found`. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** Options of a zod schema that make its errors say `expected ..., found ...`. */
export function expected(what: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => `expected ${what}, found ${show(issue.input)}` };
}
