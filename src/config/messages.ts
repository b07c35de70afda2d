/** How errors of a configuration name what was expected and what was found, in one short line. */
import { show } from '../model/errors.js';

/** Options of a zod schema that make its errors say `expected ..., found ...`. */
export function expected(what: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => `expected ${what}, found ${show(issue.input)}` };
}
