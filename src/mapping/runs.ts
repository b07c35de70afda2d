/** Runs of elements of a matrix's axis, and how many blocks of a format they are in. */

/** A run of elements of an axis: `length` of `of`, beginning at a multiple of `step`; several such runs. */
export interface Runs {
  length: number;
  of: number;
  step?: number;
  /** A run never goes on beyond a multiple of it. */
  within?: number;
  runs?: number;
}

/** `runs` elements of which any two may be in different blocks. */
export function single(of: number, runs: number): Runs {
  return { length: 1, of, runs };
}

/** Runs of elements within heads, one after the other: where they begin follows from both. */
export function runsIn(length: number, headDim: number, heads: number): Runs {
  return { length, step: gcd(length, headDim), of: heads * headDim };
}

/**
 * How many blocks runs of elements are in, at most: a run that begins at a multiple of `step` (its length, if
 * not given) begins in a block at a multiple of what divides both. Runs of different matrices share no block.
 */
export function blocksTouched(
  { length, of, step = length, within, runs = 1 }: Runs,
  block: number,
): number {
  if (within !== undefined && block % within === 0) return runs;
  const latest = block - gcd(step, block);
  const each = Math.ceil((latest + length) / block);
  return runs * Math.min(each, Math.ceil(of / block));
}

/** Ends too where columns are too few for their groups, so that slices have no size. */
export function gcd(a: number, b: number): number {
  return b > 0 ? gcd(b, a % b) : a;
}
