/** What hashes are taken of: values in an order of their own, whatever the order they were written in. */
import { createHash } from 'node:crypto';

/** SHA-256 of a plain JSON value, in hexadecimal, whatever the order of its keys. */
export function sha256Of(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)) ?? '')
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
