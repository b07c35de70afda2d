/** Hashes of numbers, of which the low 32 bits are used. */

/** Adds a word to a hash. */
export function mix(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** Adds some words to a hash. */
export function mixAll(hash: number, words: ArrayLike<number>): number {
  for (let i = 0; i < words.length; i++) hash = mix(hash, words[i]);
  return hash;
}
