/**
 * Which positions a layer attends to, and where its cache keeps them. A window's cache is a ring: position p
 * lies in slot p mod size, so that a new token takes the place of the oldest one, which no token sees any
 * more. A chunk's begins anew with each block. Attended positions lie in the first slots in either.
 *
 * Where tokens are drafted, up to `spare` of them are in flight that may be rejected: they must not have taken the
 * place of a position that the next token sees. A window's ring is longer by as many slots. A chunk's first
 * positions have slots of their own in every other chunk. The spare slots among those that are read are masked.
 */
import type { AttentionSpec, Span } from './attention-spec.js';
import type { ModelSpec } from './model.js';

/** The positions that an attention reaches back over: all of them unless it says otherwise. */
export function spanOf(attention: AttentionSpec): Span {
  return attention.kind === 'gqa' ? attention.span : { kind: 'full' };
}

/** Slots of a cache for one user in a run of so many positions. */
export function slotsOf(span: Span, positions: number, spare = 0): number {
  switch (span.kind) {
    case 'full':
      return positions;
    case 'window':
      return Math.min(span.size + spare, positions);
    case 'chunk':
      return Math.min(span.size, positions) + spare;
  }
}

/** The slot that keeps a position. */
export function slotAt(span: Span, position: number, spare = 0): number {
  switch (span.kind) {
    case 'full':
      return position;
    case 'window':
      return position % (span.size + spare);
    case 'chunk': {
      const place = position % span.size;
      return place < spare ? place + firstOfChunk(span.size, position, spare) : place + spare;
    }
  }
}

/** Chunks take turns with the slots of their first positions. */
function firstOfChunk(size: number, position: number, spare: number): number {
  return Math.floor(position / size) % 2 === 0 ? 0 : spare;
}

/** Slots from `from` on, up to but not including `to`. */
export interface SlotRange {
  from: number;
  to: number;
}

/** The slots that a token reads, from 0 on: how many, and those among them that keep no position it attends to. */
export function readSlots(
  span: Span,
  position: number,
  spare = 0,
): { count: number; masked: SlotRange[] } {
  switch (span.kind) {
    case 'full':
      return { count: position + 1, masked: [] };
    case 'window': {
      const ring = span.size + spare;
      const [oldest, first] = [position + 1 - ring, position + 1 - span.size];
      const masked = ringRanges(Math.max(0, oldest), Math.max(0, first), ring);
      return { count: Math.min(position + 1, ring), masked };
    }
    case 'chunk': {
      const place = position % span.size;
      const own = firstOfChunk(span.size, position, spare);
      const isAmongFirst = place < spare;
      const count = isAmongFirst ? own + place + 1 : place + spare + 1;
      const other = { from: spare - own, to: 2 * spare - own };
      return { count, masked: other.from < Math.min(count, other.to) ? [other] : [] };
    }
  }
}

/** The slots of positions from `from` to before `to` in a ring. */
function ringRanges(from: number, to: number, ring: number): SlotRange[] {
  if (to <= from) return [];
  const [first, last] = [from % ring, (to - 1) % ring];
  if (first <= last) return [{ from: first, to: last + 1 }];
  return [
    { from: 0, to: last + 1 },
    { from: first, to: ring },
  ];
}

/** The first position that a token attends to; it attends to all from there to its own. */
export function firstAttended(span: Span, position: number): number {
  switch (span.kind) {
    case 'full':
      return 0;
    case 'window':
      return Math.max(0, position - span.size + 1);
    case 'chunk':
      return position - (position % span.size);
  }
}

/** The model without windows and chunks: its layers keep all positions. */
export function attendingToAll(model: ModelSpec): ModelSpec {
  const kinds = model.kinds.map((layer) => {
    const { attention } = layer;
    if (attention.kind !== 'gqa') return layer;
    return { ...layer, attention: { ...attention, span: { kind: 'full' } as const } };
  });
  return { ...model, kinds };
}
