/** Counts of cycles and wavelets are whole numbers, and sums of them exact, up to 2^53 - 1. */
import { LAST_CYCLE, MachineError } from '../engine/engine.js';

/**
 * Numbers of a document, however deep, none of which is too large to be exact; sums of many cores' cycles
 * get there first.
 * @throws MachineError 'too-long', with the path of the first that is
 */
export function countable<T>(values: T, path = ''): T {
  const keys = tooLarge(values);
  if (keys !== undefined) {
    const what = [...(path === '' ? [] : [path]), ...keys].join('.') || 'a sum';
    const message = `too-long: ${what} is beyond ${LAST_CYCLE} (2^53 - 1), the most that can be counted exactly`;
    throw new MachineError('too-long', { cycle: LAST_CYCLE, cores: [], colors: [] }, message);
  }
  return values;
}

/** Keys to the first number that is too large; a document has some hundred thousand, and mostly none that is. */
function tooLarge(values: unknown): string[] | undefined {
  if (typeof values === 'number')
    return Math.abs(values) > LAST_CYCLE && Number.isFinite(values) ? [] : undefined;
  if (typeof values !== 'object' || values === null) return undefined;
  for (const key in values) {
    const keys = tooLarge(values[key as keyof typeof values]);
    if (keys !== undefined) return [key, ...keys];
  }
  return undefined;
}
