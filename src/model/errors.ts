/** A model that cannot be read or simulated; one line: field, what was expected, what was found. */
export class ModelError extends Error {
  /** Path of the first offending field in the configuration, with dots; empty if it is about none. */
  readonly field: string;

  constructor(message: string, field = '') {
    super(message);
    this.name = 'ModelError';
    this.field = field;
  }
}

/** `field: expected ..., found ...` */
export function expected(field: string, what: string, found: unknown): ModelError {
  return new ModelError(`${field}: expected ${what}, found ${show(found)}`, field);
}

/** A value as short as a message needs it. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}
