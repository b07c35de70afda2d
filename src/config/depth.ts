/** How deep JSON may be nested: what is far deeper exhausts the stack of whoever walks through it. */
export const MOST_LEVELS = 64;

/** Whether a value is nested more levels deep; looks no further than that. */
export function isDeeper(value: unknown, levels = MOST_LEVELS): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
