/** The cycles in which routers of a line move wavelets: bits, which its simulation notes if that is asked for. */
import { latestOf } from '../engine.js';
import { MOVES_ROWS } from '../fast/machine-code.js';
import type { Line } from './divide.js';
import { areAlike, bitBefore, bitFrom, bytesOfBits, hasBit } from './move-bits.js';
import { haveCommonBit, moveBitsOf, type MoveBits } from './move-bits.js';
import { keyOf, NEVER_MOVES, type LineResult } from './result.js';
import { placeIn } from '../../numeric/sorted.js';
import { pointersOf, simulate } from './simulate.js';
import { stretchedMoves } from './stretch.js';
import { isLong, noteBytes, type Asked, type LineTable } from './table.js';

/** Rows of bits (fast/assembly/moves.ts). */
const ROW = { moves: 0, several: 1, contested: 2, ramp: 3, elsewhere: 4 };

/** Of one router of a line: its first row, and the cycle that these count from. */
export interface Cycles {
  moves: MoveBits;
  row: number;
  base: number;
}

/** The cycles of a line's router, which are noted, with times that count from `base`. */
export function cyclesOf({ moves }: LineResult, router: number, base: number): Cycles {
  return { moves: moves!, row: placeIn(moves!.routers, router) * MOVES_ROWS, base };
}

/** Are the cycles of a line's router noted? */
export function areNoted({ moves }: LineResult, router: number): boolean {
  return moves !== undefined && moves.routers[placeIn(moves.routers, router)] === router;
}

/** Has the cycles of some routers of a line noted, if they are not: it is simulated once more. */
export function* noteCycles(
  table: LineTable,
  line: Pick<Line, 'shape' | 'group'>,
  result: LineResult,
  wanted: Iterable<number>,
): Generator<void, void> {
  const { shape } = line;
  const before = result.moves?.routers ?? [];
  const all = new Set(before);
  for (const router of wanted) all.add(router);
  if (all.size === before.length) return;
  const { first, starts, nudges } = result;
  const routers = Int32Array.from(all).sort();
  const words = wordsOf(result, routers);
  if (result.stretched !== undefined) {
    yield* noteCycles(table, line, result.stretched.of, routers);
    result.moves = stretchedMoves(result.stretched, routers, words);
    noteBytes(table, first.length, bytesOfBits(result.moves));
    return;
  }
  const pointers = pointersOf(shape, result);
  const counts = yield* simulate(table, shape, starts, pointers, nudges, routers, words);
  result.moves = moveBitsOf(routers, counts!.moves!.bits, words);
  noteBytes(table, first.length, bytesOfBits(result.moves));
  noteAsked(line, starts, routers, words);
}

/** Words for the bits of all cycles with moves of some routers. */
function wordsOf({ first, last }: LineResult, routers: Int32Array): number {
  let latest = 0;
  for (const router of routers)
    if (first[router] !== NEVER_MOVES) latest = Math.max(latest, last[router]);
  return (latest >> 5) + 1;
}

/** Routers of which cycles are noted before they are asked for, of any line of a group and of one that starts the same. */
const MOST_LIKELY = 64;
const MOST_AGAIN = 256;
/** Words of each of their rows of bits, together: cores may start far apart. */
const MOST_WORDS = 2 ** 16;

/** Notes of which routers of a short line cycles were asked for, and how many words these took from its last start on. */
function noteAsked(
  { shape, group }: Pick<Line, 'shape' | 'group'>,
  starts: Int32Array,
  routers: Int32Array,
  words: number,
): void {
  if (isLong(shape.places.length)) return;
  const more = Math.max(0, words - (latestOf(starts) >> 5));
  const before = shape.asked.get(group)?.routers ?? [];
  const all = Int32Array.from(new Set([...before, ...routers])).sort();
  const own = all.length > MOST_LIKELY ? routers : all;
  if (own.length <= MOST_LIKELY) shape.asked.set(group, { routers: own, words: more });
  else if (own.length <= MOST_AGAIN) shape.askedAt.set(keyOf(starts), { routers, words: more });
}

/**
 * Routers of a line of which cycles are likely to be asked for, and words for the bits of each (more than it takes).
 * @param asked what was asked for of lines of its shape that start the same, or are of its group
 */
export function likelyAsked(asked: Asked | undefined, starts: Int32Array): Asked {
  if (asked === undefined) return { routers: NO_ROUTERS, words: 0 };
  const { routers } = asked;
  // In steps, so that lines of one shape mostly have as many (fast/load.ts, `loadAgain`).
  const words = (asked.words + (latestOf(starts) >> 5) + 24) & -16;
  return words * routers.length > MOST_WORDS
    ? { routers: NO_ROUTERS, words: 0 }
    : { routers, words };
}

const NO_ROUTERS = new Int32Array(0);

/** Keeps cycles that were noted before they are asked for, unless there were too few words for them. */
export function keepCycles(
  table: LineTable,
  result: LineResult,
  routers: Int32Array,
  noted: number,
  all: Int32Array,
): void {
  if (wordsOf(result, routers) > noted) return;
  result.moves = moveBitsOf(routers, all, noted);
  noteBytes(table, result.first.length, bytesOfBits(result.moves));
}

/** The first cycle from `t` on in which the router moves anything; Infinity if there is none. */
function nextMove(of: Cycles, t: number): number {
  return nextIn(of, ROW.moves, ROW.moves, t);
}

/** The first one in which it moves several, or which is contested: in no other the pointer matters. */
export function nextOpen(of: Cycles, t: number): number {
  return nextIn(of, ROW.several, ROW.contested, t);
}

function nextIn({ moves, row, base }: Cycles, one: number, or: number, t: number): number {
  const cycle = Math.max(0, t - base);
  const next = bitFrom(moves, row + one, cycle);
  return base + (one === or ? next : Math.min(next, bitFrom(moves, row + or, cycle)));
}

/** The last cycle before `t` in which it does; -Infinity if there is none. */
export function moveBefore({ moves, row, base }: Cycles, t: number): number {
  return base + bitBefore(moves, row + ROW.moves, t - base);
}

/**
 * Does it matter where the pointer is before a cycle in which the router moves something? It does in a contested cycle.
 * In one in which several colours move without a contest it matters if it does in the next cycle with moves, or if there
 * is none: later lines find the pointer where this cycle leaves it.
 */
export function isNeeded(of: Cycles, t: number): boolean {
  for (let cycle = t; cycle !== Infinity; cycle = nextMove(of, cycle + 1)) {
    if (isNoted(of, ROW.contested, cycle)) return true;
    if (!isNoted(of, ROW.several, cycle)) return false;
  }
  return true;
}

/** Was the pointer in that cycle above some of the router's colours and not above all of them? */
export function isElsewhere(of: Cycles, t: number): boolean {
  return isNoted(of, ROW.elsewhere, t);
}

function isNoted({ moves, row, base }: Cycles, which: number, t: number): boolean {
  return hasBit(moves, row + which, t - base);
}

/** Do two lines move something at a router in one cycle, from `from` to `to`; or to its core, if that is asked? */
export function coincide(
  a: Cycles,
  b: Cycles,
  from: number,
  to: number,
  which: 'moves' | 'ramp' = 'moves',
): boolean {
  const own = a.row + ROW[which];
  const other = b.row + ROW[which];
  const first = (from - a.base) >> 5;
  return haveCommonBit(a.moves, own, b.moves, other, b.base - a.base, first, (to - a.base) >> 5);
}

/** Do the routers that are noted in two runs of a line move the same in the same cycles? Where pointers are may differ. */
export function moveAlike({ moves: a }: LineResult, { moves: b }: LineResult): boolean {
  return a !== undefined && b !== undefined && areAlike(a, b, ROW.elsewhere);
}
