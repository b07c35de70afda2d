/** The cycles in which routers of a line move wavelets: bits, which its simulation notes if that is asked for. */
import { MOVES_ROWS } from '../fast/machine-code.js';
import type { Pass } from './pass.js';
import { NEVER_MOVES, pointersOf, simulate, type LineResult } from './simulate.js';
import type { LineTable } from './table.js';

/** Rows of bits (fast/assembly/moves.ts). */
const ROW = { moves: 0, several: 1, contested: 2, elsewhere: 3 };

/** Of one router of a line; cycles are absolute. */
export interface Cycles extends NonNullable<LineResult['moves']> {
  base: number;
  at: number;
}

/** The cycles of a line's router `at`: the line is simulated once more, and they are noted. */
export function* cyclesOf(
  table: LineTable,
  { division, results, bases }: Pass,
  line: number,
  at: number,
): Generator<void, Cycles> {
  const result = results[line];
  if (result.moves === undefined) {
    const { shape } = division.lines[line];
    const { first, last, starts, nudges } = result;
    let latest = 0;
    for (let i = 0; i < last.length; i++)
      if (first[i] !== NEVER_MOVES) latest = Math.max(latest, last[i]);
    const words = (latest >> 5) + 1;
    const pointers = pointersOf(shape, result);
    const counts = yield* simulate(table, shape, starts, pointers, nudges, words);
    result.moves = { words, bits: counts!.moves!.bits };
    table.bytes += result.moves.bits.byteLength;
  }
  return { ...result.moves, base: bases[line], at };
}

/** The first cycle from `t` on in which the router moves anything; Infinity if there is none. */
export function nextMove({ words, bits, base, at }: Cycles, t: number): number {
  if (t === Infinity) return t;
  const cycle = Math.max(0, t - base);
  const row = MOVES_ROWS * at * words;
  let mask = -1 << (cycle & 31);
  for (let word = cycle >> 5; word < words; word++) {
    const rest = bits[row + word] & mask;
    if (rest !== 0) return base + word * 32 + 31 - Math.clz32(rest & -rest);
    mask = -1;
  }
  return Infinity;
}

/** The last cycle before `t` in which it does; -Infinity if there is none. */
export function moveBefore({ words, bits, base, at }: Cycles, t: number): number {
  const cycle = Math.min(words * 32, t - base) - 1;
  const row = MOVES_ROWS * at * words;
  let mask = -1 >>> (31 - (cycle & 31));
  for (let word = cycle >> 5; word >= 0; word--) {
    const rest = bits[row + word] & mask;
    if (rest !== 0) return base + word * 32 + 31 - Math.clz32(rest);
    mask = -1;
  }
  return -Infinity;
}

/**
 * Does it matter where the pointer is before a cycle in which the router moves something? Where several move, and none
 * is in another's way, it does if it matters in the next one, or if that is the last: later lines find it there.
 */
export function isNeeded(of: Cycles, t: number): boolean {
  for (let cycle = t; cycle !== Infinity; cycle = nextMove(of, cycle + 1)) {
    if (isNoted(of, ROW.contested, cycle)) return true;
    if (!isNoted(of, ROW.several, cycle)) return false;
  }
  return true;
}

/** Was the pointer then between the router's colours, not before or behind them all? */
export function isElsewhere(of: Cycles, t: number): boolean {
  return isNoted(of, ROW.elsewhere, t);
}

function isNoted({ words, bits, base, at }: Cycles, row: number, t: number): boolean {
  const cycle = t - base;
  return ((bits[(MOVES_ROWS * at + row) * words + (cycle >> 5)] >>> (cycle & 31)) & 1) === 1;
}
