/** Fields that a family's class knows by two names. */
import { ModelError, show, unexpected } from '../errors.js';
import type { Fields } from '../fields.js';
import type { Family } from './common.js';

/**
 * Reads a file's fields under the names that the family reads them by; errors have the name in the file.
 * @throws ModelError where both names are given and say different things
 */
export function withAliases<T>(
  fields: Fields,
  { aliases = {} }: Family,
  read: (renamed: Fields) => T,
): T {
  const used = Object.entries(aliases).filter(([other]) => (fields[other] ?? null) !== null);
  const renamed = { ...fields };
  for (const [other, name] of used) {
    const { [name]: named = fields[other] } = fields;
    if (named !== fields[other])
      throw unexpected(other, `the same as ${name} = ${show(named)}`, fields[other]);
    delete renamed[other];
    renamed[name] = named;
  }
  try {
    return read(renamed);
  } catch (error) {
    const written = used.find(([, name]) => fields[name] === undefined && isOf(error, name));
    if (written === undefined) throw error;
    const [other, name] = written;
    throw new ModelError(other + (error as ModelError).message.slice(name.length), other);
  }
}

const isOf = (error: unknown, field: string): boolean =>
  error instanceof ModelError && error.field === field;
