/** How errors of a configuration name what was expected and what was found, in one short line. */

/** Shows a value as a user would recognise it. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const isNumber = typeof value === 'number';
  // JSON knows no NaN and no infinity.
  const text = isNumber ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Options of a zod schema that make its errors say `expected ..., found ...`. */
export function expected(what: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => `expected ${what}, found ${show(issue.input)}` };
}
