/**
 * Cases that only look closer at what others have seen run where there is time, in `.ci/run`, which sets
 * WAFERSIM_TESTS=full; `npm test` leaves them out.
 */
export const FULL = process.env['WAFERSIM_TESTS'] === 'full';

/** Some cases, and more of the kind in the full tests. */
export function cases<T>(some: T[], more: T[]): T[] {
  return FULL ? [...some, ...more] : some;
}

/** How many of a kind, and how many in the full tests. */
export function count(some: number, full: number): number {
  return FULL ? full : some;
}
