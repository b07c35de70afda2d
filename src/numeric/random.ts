/**
 * Repeatable numbers, the only ones that are drawn. A named stream (`arrivals 1`) is Alea of seedrandom, a
 * numbered one mulberry32 (T. Ettinger, public domain): what they draw is part of published results.
 */
import seedrandom from 'seedrandom';

/** Numbers from 0 (included) to 1, the same for the same seed: an integer, or a name. */
export function seededRandom(seed: number | string): () => number {
  if (typeof seed === 'string') return seedrandom.alea(seed);
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
