/** Types of stored data and their bytes. Arithmetic and the fabric use `f16` (two to a wavelet) and `f32`. */
export type DataType = 'f16' | 'f32' | 'i32' | 'i8' | 'fp8' | 'e8m0' | 'mxfp4' | 'int4';
export type FloatType = 'f16' | 'f32';

/** Two numbers of 4 bits share a byte. */
export const BYTES: Record<DataType, number> = {
  ...{ f16: 2, f32: 4, i32: 4, i8: 1 },
  ...{ fp8: 1, e8m0: 1, mxfp4: 0.5, int4: 0.5 },
};

/** Bytes of so many numbers in a row, whole ones. */
export function bytesOf(type: DataType, length: number): number {
  return Math.ceil(length * BYTES[type]);
}

/** The nearest number of a type to another; of two equally near ones the even one. */
export const ROUND: Record<FloatType, (x: number) => number> = { f16: roundF16, f32: Math.fround };

/** Elements of a type that share one 32-bit wavelet. */
export function elementsPerWavelet(type: FloatType): number {
  return type === 'f16' ? 2 : 1;
}

const SMALLEST_NORMAL = 2 ** -14;
/** A double keeps 42 bits more than a binary16 number. */
const EXTRA_BITS = 2 ** 42;
/** A double of this size keeps multiples of 2^-24 only. */
const SUBNORMAL_SHIFT = 2 ** 28;

/** The largest finite binary16 number. */
export const MAX_F16 = 65504;
/** The least value of a type, from which a maximum starts. */
export const LEAST: Record<FloatType, number> = { f16: -MAX_F16, f32: -3.4e38 };
/** Half-way from MAX_F16 to 2^16; what is not below it is rounded to infinity. */
const OVERFLOW = 65520;

/**
 * The IEEE 754 binary16 number nearest to `x`, of two equally near ones the even one; infinity on
 * overflow. NaN, infinities and the sign of zero are kept. The machine's 16-bit float has 11 significant
 * bits, exponents -14 to 15 and gradual underflow in steps of 2^-24 (IEEE 754-2019, section 3.6).
 * Arithmetic is done in double precision and rounded once; Node 20 has no `Math.f16round`.
 */
export function roundF16(x: number): number {
  const size = x < 0 ? -x : x;
  if (size < OVERFLOW && size >= SMALLEST_NORMAL) {
    // Added to a number 2^42 times its size, x loses its 42 low bits, correctly rounded. That number has
    // 24 bits, so their sum stays below the next power of two, and a tie goes to x's even neighbour.
    const shift = Math.fround(x) * EXTRA_BITS;
    return x + shift - shift;
  }
  if (size < SMALLEST_NORMAL) {
    if (size === 0) return x;
    const rounded = size + SUBNORMAL_SHIFT - SUBNORMAL_SHIFT;
    return x < 0 ? -rounded : rounded;
  }
  return x * Infinity;
}
