/** A model that cannot be read or simulated; one line: field, what was expected, what was found. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  /** Path of the first offending field in the configuration, with dots; empty if it is about none. */
  readonly field: string;

  constructor(message: string, field = '') {
    super(message);
    this.field = field;
  }
}

/** `field: expected ..., found ...` */
export function unexpected(field: string, what: string, found: unknown): ModelError {
  return new ModelError(`${field}: expected ${what}, found ${show(found)}`, field);
}

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
