/**
 * Bits of the cycles in which routers of a line move wavelets, in `MOVES_ROWS` rows for each (fast/assembly/moves.ts). Of
 * their words hardly one in twenty has a bit, and only those are kept.
 */
import { placeIn } from '../../numeric/sorted.js';
import { MOVES_ROWS } from '../fast/machine-code.js';

/** Of some routers, in rising order. */
export interface MoveBits {
  routers: Int32Array;
  /** By router * MOVES_ROWS + row, and one past the last: where its words begin. */
  from: Int32Array;
  /** By word, in rising order: its number, which is that of its first cycle / 32; and its bits, of which some are 1. */
  numbers: Int32Array;
  bits: Int32Array;
}

/** The same from all words: `words` of them for each row. */
export function moveBitsOf(routers: Int32Array, all: Int32Array, words: number): MoveBits {
  const rows = routers.length * MOVES_ROWS;
  const from = new Int32Array(rows + 1);
  for (let row = 0, at = 0; row < rows; row++) {
    let count = 0;
    for (let word = 0; word < words; word++) if (all[at++] !== 0) count++;
    from[row + 1] = from[row] + count;
  }
  const numbers = new Int32Array(from[rows]);
  const bits = new Int32Array(from[rows]);
  for (let row = 0, at = 0, next = 0; row < rows; row++)
    for (let word = 0; word < words; word++) {
      const own = all[at++];
      if (own === 0) continue;
      numbers[next] = word;
      bits[next++] = own;
    }
  return { routers, from, numbers, bits };
}

export function bytesOfBits({ from, bits }: MoveBits): number {
  return 4 * from.length + 8 * bits.length;
}

/** The first of a row's words that is not before another one; one past its last if there is none. */
function wordFrom({ from, numbers }: MoveBits, row: number, number: number): number {
  return placeIn(numbers, number, from[row], from[row + 1]);
}

/** The word of a cycle, which may be of another line, far away. */
function wordOf(cycle: number): number {
  return Math.floor(cycle / 32);
}

/** The first cycle of a row from `cycle` on; Infinity if there is none. */
export function bitFrom(moves: MoveBits, row: number, cycle: number): number {
  const word = wordOf(cycle);
  const at = wordFrom(moves, row, word);
  const end = moves.from[row + 1];
  if (at === end) return Infinity;
  if (moves.numbers[at] > word) return firstIn(moves, at);
  const rest = moves.bits[at] & (-1 << (cycle & 31));
  if (rest !== 0) return word * 32 + 31 - Math.clz32(rest & -rest);
  return at + 1 < end ? firstIn(moves, at + 1) : Infinity;
}

function firstIn({ numbers, bits }: MoveBits, at: number): number {
  return numbers[at] * 32 + 31 - Math.clz32(bits[at] & -bits[at]);
}

/** The last cycle of a row before `cycle`; -Infinity if there is none. */
export function bitBefore(moves: MoveBits, row: number, cycle: number): number {
  const { from, numbers, bits } = moves;
  const word = wordOf(cycle);
  let at = wordFrom(moves, row, word);
  if (at < from[row + 1] && numbers[at] === word) {
    const rest = bits[at] & ~(-1 << (cycle & 31));
    if (rest !== 0) return word * 32 + 31 - Math.clz32(rest);
  }
  return --at < from[row] ? -Infinity : numbers[at] * 32 + 31 - Math.clz32(bits[at]);
}

/** Has a row a bit for a cycle? */
export function hasBit(moves: MoveBits, row: number, cycle: number): boolean {
  return bitFrom(moves, row, cycle) === cycle;
}

/**
 * Have rows of two lines, of which the second begins `later` cycles after the first, a cycle in common? It is one of the words
 * `first` to `last` of the first.
 */
export function haveCommonBit(
  a: MoveBits,
  row: number,
  b: MoveBits,
  other: number,
  later: number,
  first: number,
  last: number,
): boolean {
  const end = a.from[row + 1];
  const otherEnd = b.from[other + 1];
  for (let at = wordFrom(a, row, first); at < end && a.numbers[at] <= last; at++) {
    // As many bits of the other one may lie in two words.
    const cycle = a.numbers[at] * 32 - later;
    const [number, shift] = [wordOf(cycle), cycle & 31];
    let next = wordFrom(b, other, number);
    let bits = 0;
    if (next < otherEnd && b.numbers[next] === number) bits = b.bits[next++] >>> shift;
    if (shift > 0 && next < otherEnd && b.numbers[next] === number + 1)
      bits |= b.bits[next] << (32 - shift);
    if ((a.bits[at] & bits) !== 0) return true;
  }
  return false;
}

/** Are the first so many rows of all routers the same in two runs of a line? */
export function areAlike(a: MoveBits, b: MoveBits, rows: number): boolean {
  for (let router = 0; router < a.routers.length; router++)
    for (let row = router * MOVES_ROWS, end = row + rows; row < end; row++)
      if (!isSameRow(a, b, row)) return false;
  return true;
}

function isSameRow(a: MoveBits, b: MoveBits, row: number): boolean {
  const [first, other] = [a.from[row], b.from[row]];
  const count = a.from[row + 1] - first;
  if (b.from[row + 1] - other !== count) return false;
  for (let i = 0; i < count; i++)
    if (a.numbers[first + i] !== b.numbers[other + i] || a.bits[first + i] !== b.bits[other + i])
      return false;
  return true;
}
