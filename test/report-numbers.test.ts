/** Numbers as people read them: what the runtime's own formats write, which take long to load. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { count, fixed } from '../src/report/numbers.js';

const DIGITS = [0, 1, 2, 3] as const;
const FORMATS = DIGITS.map(
  (digits) =>
    new Intl.NumberFormat('en-US', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }),
);

/** Numbers of every size, and decimals that end in a 5 where they are rounded. */
const numbers = fc.oneof(
  fc.double(),
  fc.double({ min: -1e7, max: 1e7 }),
  fc.integer(),
  fc
    .tuple(fc.integer({ min: -2e7, max: 2e7 }), fc.integer({ min: 1, max: 4 }))
    .map(([whole, digits]) => Number(`${whole}5e-${digits}`)),
);

describe.each(DIGITS)('numbers with %i digits after the point', (digits) => {
  it('are written as Intl writes them', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        expect(fixed(value, digits)).toBe(FORMATS[digits].format(value));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([0, -0, NaN, Infinity, -Infinity, 999.9999, -0.0004, 0.5, 1.005, 1e21, 5e-324, 2 ** 53])(
    'are so for %d',
    (value) => {
      expect(fixed(value, digits)).toBe(FORMATS[digits].format(value));
    },
  );
});

it('are counts without digits', () => {
  expect([0, 12, 1234567.5, -1000].map((value) => count(value))).toEqual([
    ...['0', '12', '1,234,568', '-1,000'],
  ]);
});
