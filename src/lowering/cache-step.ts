/** What a step's code depends on of the token's position in the cache. */
import { indexerOf, leavesOut, type GqaSpec } from '../model/attention-spec.js';
import { firstAttended, slotAt, spanOf } from '../model/cache-slots.js';
import type { LayerSpec } from '../model/model.js';

/** Cache slots of a row when `count` of them are dealt out row by row. */
export function positionsOfRow(count: number, row: number, rows: number): number {
  return row < count ? Math.floor((count - 1 - row) / rows) + 1 : 0;
}

/**
 * What a layer's code depends on of the token's position: how many it attends to, its slot in the cache, and
 * what its queries are multiplied by. Nothing where the layer keeps a state in place of a cache.
 */
export function cacheStepOf({ attention }: LayerSpec, position: number) {
  if (attention.kind === 'delta') return undefined;
  const span = spanOf(attention);
  const temperature = attention.kind === 'gqa' ? attention.temperature : undefined;
  return {
    attended: position - firstAttended(span, position) + 1,
    slot: slotAt(span, position),
    temperature: temperature ? temperatureAt(temperature, position) : 1,
  };
}

/** Of so many positions those that a layer's indexer does not choose. */
export function leftOutOf({ attention }: LayerSpec, positions: number): number {
  return leavesOut(attention, positions) ? positions - indexerOf(attention)!.topK : 0;
}

/** Of a query, by its position: grows at every `floor` positions, so that attention stays sharp in long contexts. */
function temperatureAt(
  { floor, scale }: NonNullable<GqaSpec['temperature']>,
  position: number,
): number {
  return 1 + scale * Math.log1p(Math.floor((position + 1) / floor));
}
