/** What a step's code depends on of the token's position in the cache. */
import { indexerOf, leavesOut, type GqaSpec } from '../model/attention-spec.js';
import { readSlots, slotAt, spanOf, type SlotRange } from '../model/cache-slots.js';
import type { LayerSpec } from '../model/model.js';

/** Cache slots of a row when `count` of them are dealt out row by row. */
export function positionsOfRow(count: number, row: number, rows: number): number {
  return row < count ? Math.floor((count - 1 - row) / rows) + 1 : 0;
}

/** Slots of a row that are masked, in the row's own numbers. */
export function maskedOfRow(
  masked: readonly SlotRange[],
  row: number,
  rows: number,
): { from: number; length: number }[] {
  return masked.flatMap((range) => {
    const from = positionsOfRow(range.from, row, rows);
    const length = positionsOfRow(range.to, row, rows) - from;
    return length > 0 ? [{ from, length }] : [];
  });
}

/**
 * What a layer's code depends on of the token's position: how many slots it reads and which of them are masked, its
 * own slot in the cache, and what its queries are multiplied by. Nothing where the layer keeps a state in place of a
 * cache.
 * @param inFlight tokens of a round, all but one of which may be rejected
 */
export function cacheStepOf({ attention }: LayerSpec, position: number, inFlight = 1) {
  if (attention.kind === 'delta') return undefined;
  const span = spanOf(attention);
  const temperature = attention.kind === 'gqa' ? attention.temperature : undefined;
  const { count, masked } = readSlots(span, position, inFlight - 1);
  return {
    attended: count,
    ...(masked.length > 0 && { masked }),
    slot: slotAt(span, position, inFlight - 1),
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
