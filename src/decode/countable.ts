/** Counts of cycles and wavelets are whole numbers, and sums of them exact, up to 2^53 - 1. */
import { LAST_CYCLE, MachineError } from '../engine/engine.js';

/**
 * Numbers of a document, however deep, none of which is too large to be exact; sums of many cores' cycles
 * get there first.
 * @throws MachineError 'too-long', with the path of the first that is
 */
export function countable<T>(values: T, path = ''): T {
  if (typeof values === 'number' && Math.abs(values) > LAST_CYCLE && Number.isFinite(values)) {
    const what = path === '' ? 'a sum' : path;
    const message = `too-long: ${what} is beyond ${LAST_CYCLE} (2^53 - 1), the most that can be counted exactly`;
    throw new MachineError('too-long', { cycle: LAST_CYCLE, cores: [], colors: [] }, message);
  }
  if (typeof values === 'object' && values !== null)
    for (const [key, value] of Object.entries(values))
      countable(value, path === '' ? key : `${path}.${key}`);
  return values;
}
