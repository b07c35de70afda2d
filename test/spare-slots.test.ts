/** Which slots of a cache tokens in flight take, and which a token reads, against a cache that is kept by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Span } from '../src/model/attention-spec.js';
import { firstAttended, readSlots, slotAt, slotsOf } from '../src/model/cache-slots.js';
import { count } from './helpers/full.js';

const SIZES = fc.integer({ min: 3, max: 9 });
const SPANS: fc.Arbitrary<Span> = fc.oneof(
  fc.constant<Span>({ kind: 'full' }),
  SIZES.map((size): Span => ({ kind: 'window', size })),
  SIZES.map((size): Span => ({ kind: 'chunk', size })),
);

/** The positions that a token finds in the slots that it reads; a slot that none was written to has -1. */
function found(span: Span, position: number, spare: number, cache: readonly number[]): number[] {
  const { count: read, masked } = readSlots(span, position, spare);
  return cache
    .slice(0, read)
    .filter((_, slot) => masked.every(({ from, to }) => slot < from || slot >= to))
    .toSorted((a, b) => a - b);
}

describe('a token reads the positions that it attends to, and no others', () => {
  it('whatever of the tokens before it was rejected', () => {
    fc.assert(
      fc.property(
        SPANS,
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.nat(3), { minLength: 5, maxLength: 25 }),
        (span, spare, draws) => {
          const room = draws.length * (spare + 1) + spare;
          const cache = Array.from({ length: slotsOf(span, room, spare) }, () => -1);
          let first = 0;
          for (const draw of draws) {
            for (let position = first; position <= first + spare; position++) {
              const slot = slotAt(span, position, spare);
              expect(slot).toBeLessThan(cache.length);
              cache[slot] = position;
              const from = firstAttended(span, position);
              const attended = Array.from({ length: position - from + 1 }, (_, i) => from + i);
              expect(found(span, position, spare, cache)).toEqual(attended);
            }
            first += Math.min(draw, spare) + 1;
          }
        },
      ),
      { numRuns: count(200, 2000) },
    );
  });

  it('and masks no slot, and keeps none to spare, where no token is rejected', () => {
    for (const kind of ['window', 'chunk'] as const)
      for (let position = 0; position < 20; position++) {
        const span = { kind, size: 4 };
        const attended = position - firstAttended(span, position) + 1;
        expect(readSlots(span, position)).toEqual({ count: attended, masked: [] });
        expect(slotAt(span, position)).toBe(position % 4);
        expect(slotsOf(span, 20)).toBe(4);
      }
  });
});
