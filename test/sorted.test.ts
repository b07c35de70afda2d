/** Places among numbers in rising order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeIn } from '../src/numeric/sorted.js';

test('the place of a number is that of the first one which is not below it', () => {
  const numbers = fc
    .uniqueArray(fc.integer({ min: -20, max: 20 }))
    .map((all) => Int32Array.from(all).sort());
  const holds = fc.property(
    numbers,
    fc.integer({ min: -22, max: 22 }),
    fc.nat(40),
    (all, one, at) => {
      const first = Math.min(at, all.length);
      const rest = all.subarray(first);
      expect(placeIn(all, one)).toBe(all.filter((other) => other < one).length);
      expect(placeIn(all, one, first)).toBe(first + rest.filter((other) => other < one).length);
      expect(placeIn(all, one, 0, first)).toBe(
        all.subarray(0, first).filter((other) => other < one).length,
      );
    },
  );
  fc.assert(holds, { seed: 20261202 });
});
