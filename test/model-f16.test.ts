import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { MAX_F16, roundF16 } from '../src/numeric/types.js';

/** The value of a binary16 bit pattern, from the standard's definition of the fields. */
function decode(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The positive finite numbers in rising order: bit pattern i has place i. */
const finite = Array.from({ length: 0x7c00 }, (_, bits) => decode(bits));

/** Nearest by search in the list of all numbers, ties to the even pattern. */
function nearest(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const size = Math.abs(x);
  let low = 0;
  let high = 0x7c00;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (finite[middle] <= size) low = middle;
    else high = middle;
  }
  const below = finite[low];
  const above = high === 0x7c00 ? 65536 : finite[high];
  const up = size - below > above - size || (size - below === above - size && low % 2 === 1);
  const magnitude = up ? (high === 0x7c00 ? Infinity : above) : below;
  return x < 0 || Object.is(x, -0) ? -magnitude : magnitude;
}

describe('rounding to binary16', () => {
  it('leaves each of the 65,536 bit patterns as it is', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = decode(bits);
      if (!Object.is(roundF16(value), value)) expect.fail(`pattern ${bits}: ${roundF16(value)}`);
    }
  });

  it('sends every midpoint to the even neighbour, and whatever lies next to it to the nearer one', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [below, above] = [finite[bits], finite[bits + 1]];
      const middle = (below + above) / 2;
      const even = bits % 2 === 0 ? below : above;
      const step = middle * 2 ** -50;
      const found = [roundF16(middle), roundF16(middle - step), roundF16(middle + step)];
      if (found[0] !== even || found[1] !== below || found[2] !== above)
        expect.fail(`between ${below} and ${above}: ${found.join(', ')}`);
    }
  });

  it('brings the doubles right next to a number back to it', () => {
    for (let bits = 0x400; bits < 0x7c00; bits++) {
      const value = finite[bits];
      for (const nearly of [value * (1 - 2 ** -53), value * (1 + 2 ** -52)])
        if (roundF16(nearly) !== value) expect.fail(`${nearly} became ${roundF16(nearly)}`);
    }
  });

  it('overflows to infinity from half a step above the largest number, and not before', () => {
    expect(MAX_F16).toBe(finite[0x7bff]);
    expect(roundF16(65519.999999999)).toBe(65504);
    expect(roundF16(65520)).toBe(Infinity);
    expect(roundF16(-65520)).toBe(-Infinity);
    expect(roundF16(Number.MAX_VALUE)).toBe(Infinity);
    expect(roundF16(-Infinity)).toBe(-Infinity);
  });

  it('underflows in steps of 2^-24, ties to even, and keeps the sign of zero and NaN', () => {
    expect(roundF16(2 ** -24)).toBe(2 ** -24);
    expect(roundF16(2 ** -25)).toBe(0);
    expect(roundF16(2 ** -25 * (1 + 2 ** -40))).toBe(2 ** -24);
    expect(roundF16(3 * 2 ** -25)).toBe(2 ** -23);
    expect(roundF16(Number.MIN_VALUE)).toBe(0);
    expect(roundF16(-Number.MIN_VALUE)).toBe(-0);
    expect(roundF16(-0)).toBe(-0);
    expect(roundF16(NaN)).toBeNaN();
  });

  it('rounds a double once, not first to 32 bits and then to 16', () => {
    const justAboveTie = 1 + 2 ** -11 + 2 ** -40;
    expect(Math.fround(justAboveTie)).toBe(1 + 2 ** -11);
    expect(roundF16(justAboveTie)).toBe(1 + 2 ** -10);
  });

  it('agrees with a search through all binary16 numbers on any double', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.double({ min: -7e4, max: 7e4 }), fc.float()), (x) => {
        expect(roundF16(x)).toBe(nearest(x));
      }),
      { seed: 16, numRuns: 5000 },
    );
  });
});
