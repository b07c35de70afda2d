/** Plain JSON values: out of a text, their hash, whatever the order of keys, and how deeply they are nested. */
import { sha256 } from '../platform/node.js';

/** SHA-256 of a plain JSON value, in hexadecimal, whatever the order of its keys. */
export function sha256Of(value: unknown): string {
  return sha256()
    .update(JSON.stringify(sorted(value)) ?? '')
    .hex();
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** The value of a text; undefined if that is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** How deep JSON may be nested; a value far deeper exhausts the stack of the functions that walk it. */
export const MOST_LEVELS = 64;

/** Whether a value is nested more levels deep; looks no further than that. */
export function isDeeper(value: unknown, levels = MOST_LEVELS): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
