/**
 * Which positions a layer attends to, and where its cache keeps them. A window's cache is a ring: position p
 * lies in slot p mod size, so that a new token takes the place of the oldest one, which no token sees any
 * more. A chunk's begins anew with each block. Attended positions lie in the first slots in either.
 */
import type { AttentionSpec, Span } from './attention-spec.js';
import type { ModelSpec } from './model.js';

/** The positions that an attention reaches back over: all of them unless it says otherwise. */
export function spanOf(attention: AttentionSpec): Span {
  return attention.kind === 'gqa' ? attention.span : { kind: 'full' };
}

/** Slots of a cache for one user in a run of so many positions. */
export function slotsOf(span: Span, positions: number): number {
  return span.kind === 'full' ? positions : Math.min(span.size, positions);
}

/** The slot that keeps a position. */
export function slotAt(span: Span, position: number): number {
  return span.kind === 'full' ? position : position % span.size;
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
