/** What all columns with heads keep that attend to positions, whatever their keys and values are. */
import type { FloatType } from '../numeric/types.js';
import type { AddBuffer } from './buffers.js';

/**
 * Cosine and sine of each pair at the current position, and of one step, kept in f32 and advanced by one step a
 * token; `turn` holds cosine, sine and minus sine once per head, pair by pair. Of tokens in flight those of each
 * position are kept, as it is not known yet at which one the user goes on.
 */
export function addAngles(
  add: AddBuffer,
  value: FloatType,
  { pairs, heads, inFlight = 0 }: { pairs: number; heads: number; inFlight?: number | undefined },
): void {
  add('angle', 'f32', 2 * pairs, true);
  if (inFlight > 0) add('angleCopies', 'f32', inFlight * 2 * pairs, true);
  add('angleStep', 'f32', 2 * pairs, true);
  add('angleWork', 'f32', 2 * pairs);
  add('turn', value, 3 * pairs * heads);
  add('turned', value, pairs * heads);
}

export function addSoftmax(
  add: AddBuffer,
  value: FloatType,
  { queryHeads, slots }: { queryHeads: number; slots: number },
): void {
  // As long as the cache: one user may have all of it (serving).
  add('scores', value, queryHeads * slots);
  add('rowPeak', value, queryHeads);
  // With their signs changed: what is added to scores is minus the largest of them.
  add('minusPeak', 'f32', queryHeads);
  add('total', 'f32', queryHeads);
}
