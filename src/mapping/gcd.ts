/** Ends too where columns are too few for their groups, so that slices have no size. */
export function gcd(a: number, b: number): number {
  return b > 0 ? gcd(b, a % b) : a;
}
