/** Hashes of numbers, of which the low 32 bits are used. */

/** Adds a word to a hash. */
export function mix(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, 0x85ebca6b);
  return h ^ (h >>> 13);
}
