/**
 * Formats of few bits: FP8 (E4M3), FP4 (E2M1) and powers of two (E8M0) of the OCP's microscaling formats
 * (OCP MX v1.0, section 5; its E4M3 has no infinities), and integers of 4 and 8 bits. Codes stand for numbers
 * here: 6, not 0111.
 */
import { roundF16 } from './types.js';

/** Types of codes whose scales are of blocks of a matrix, not of all of it. */
export type BlockType = 'fp8' | 'mxfp4' | 'int4';
/** What cores widen on use. */
export type WidenedType = 'i8' | BlockType;

/** E2M1, by its four bits; the upper one is the sign. */
export const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6] as const;
export const MAX_E2M1 = 6;
export const MAX_E4M3 = 448;
const MAX_INT4 = 7;
const MIN_INT4 = -8;
/** The exponents of E8M0. */
const MAX_EXPONENT = 127;

/** The nearest number of E2M1, the even one of two; larger ones become 6. */
export function roundE2m1(x: number): number {
  return roundFloat(x, 1, 0, MAX_E2M1);
}

/** The nearest number of E4M3, the even one of two; larger ones become 448. */
export function roundE4m3(x: number): number {
  return roundFloat(x, 3, -6, MAX_E4M3);
}

/** To floats of so many bits after the point, whose least normal number is 2^`least`. */
function roundFloat(x: number, bits: number, least: number, largest: number): number {
  const size = Math.abs(x);
  const step = 2 ** (Math.max(exponentOf(size), least) - bits);
  return Math.sign(x) * Math.min(step * nearestEven(size / step), largest);
}

function nearestEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** The power of two that a number is not below and its double is above: floor(log2(x)), exactly. */
function exponentOf(x: number): number {
  if (x === 0) return -Infinity;
  let exponent = Math.floor(Math.log2(x));
  if (2 ** exponent > x) exponent--;
  else if (2 ** (exponent + 1) <= x) exponent++;
  return exponent;
}

/** How a block of numbers becomes codes and a scale: by its largest, which a scale of 1 leaves as it is. */
export const QUANTISE: Record<
  BlockType,
  { scale: (largest: number) => number; code: (x: number) => number }
> = {
  /** The largest becomes 448. */
  fp8: { scale: (largest) => Math.fround(largest / MAX_E4M3) || 1, code: roundE4m3 },
  /** A power of two by which the largest has the exponent of 4 to 6 (OCP MX, section 6.3). */
  mxfp4: {
    scale: (largest) =>
      largest === 0 ? 1 : 2 ** clamp(exponentOf(largest) - 2, -MAX_EXPONENT, MAX_EXPONENT),
    code: roundE2m1,
  },
  /** The largest becomes 7 or -7. */
  int4: {
    scale: (largest) => roundF16(largest / MAX_INT4) || 1,
    code: (x) => clamp(nearestEven(x), MIN_INT4, MAX_INT4),
  },
};

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
