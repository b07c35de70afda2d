/**
 * What the engine of lines has to know of each router: when it moved wavelets, and whether what it did may depend on
 * its pointer. Only the translation for lines notes it (build.mjs).
 */
import { Channel, ENDS, FROM_CORE, RAMP, Router, header } from './machine';
import { entry, setEntry } from './memory';
import { channelAt, isDelayed, roleOf, routerOf } from './places';
import { NEVER, Time } from './time';

/**
 * In a contested cycle, in which two colours ask for one output, the pointer decides which of them moves. In a cycle in
 * which several colours move without a contest it decides only where it stands afterwards. So what a router does depends
 * on its first pointer if, from its first cycle on, several colours move in every cycle until one is contested, or
 * until its last cycle.
 */
export const moves_depends: i32 = 1;
/** It depends on it if the next cycle turns out to be contested. */
const MAY_DEPEND: i32 = 2;

/**
 * Rows of bits of a router: cycles with moves, with several, contested, with one to its core, and with the pointer among
 * its colours.
 */
export const MOVES_ROWS: i32 = 5;

@unmanaged
export class Moves {
  /** The first and the last cycle with a move; NEVER, and 0, if there is none. */
  first: Time;
  last: Time;
  /** The cycles from which all places are free again that it took, and that its core took in it. */
  free: Time;
  coreFree: Time;
  /** `moves_depends`; from bit 8 on the pointer. */
  flags: i32;
  /** The next entry of `header.nudges` that may be of this router. */
  nudge: i32;
  /** Which rows of bits are its: MOVES_ROWS times this and the next ones, or -1 for none. */
  noted: i32;
}

/** Words of a record with times of 32 bits, as lines have them; of an entry of `header.nudges`. */
export const MOVES_WORDS: i32 = 7;
export const NUDGE_WORDS: i32 = 3;

@inline
export function movesOf(core: i32): Moves {
  return changetype<Moves>(header.moves + <usize>core * offsetof<Moves>());
}

/** No router has moved anything; pointers are where the host wants them. */
export function noMoves(): void {
  for (let core = 0; core < header.cores; core++) {
    const moves = movesOf(core);
    moves.first = NEVER;
    routerOf(core).pointer = moves.flags >> 8;
    moves.flags = 0;
  }
}

/** The pointer of a router in cycle `t`, for which another line may have left it elsewhere. */
@inline
export function pointerIn(core: i32, router: Router, t: Time): i32 {
  if (header.nudges != 0) takeNudges(core, router, t);
  return router.pointer;
}

function takeNudges(core: i32, router: Router, t: Time): void {
  const moves = movesOf(core);
  for (;;) {
    const at = NUDGE_WORDS * moves.nudge;
    if (entry(header.nudges, at) != core || entry(header.nudges, at + 1) > <i32>t) return;
    router.pointer = entry(header.nudges, at + 2);
    moves.nudge++;
  }
}

/**
 * In cycle `t` a router whose pointer was at `pointer` moved wavelets of these colours over these outputs, which are
 * bits; others asked for these or not.
 */
export function noteMoves(
  core: i32,
  pointer: i32,
  colors: i32,
  outputs: i32,
  contested: bool,
  t: Time,
): void {
  const moves = movesOf(core);
  const several = (colors & (colors - 1)) != 0;
  const isFirst = moves.first == NEVER;
  if (isFirst) moves.first = t;
  moves.last = t;
  if (isFirst || (moves.flags & MAY_DEPEND) != 0)
    moves.flags = contested ? moves_depends : several ? MAY_DEPEND : 0;
  if (moves.noted < 0) return;
  const row = MOVES_ROWS * moves.noted;
  noteBit(row, t);
  if ((outputs & (1 << RAMP)) != 0) noteBit(row + 3, t);
  if (!several && !contested) return;
  if (several) noteBit(row + 1, t);
  if (contested) noteBit(row + 2, t);
  const all = entry(header.slotted, roleOf(core));
  const before = all & ((1 << pointer) - 1);
  if (before != 0 && before != all) noteBit(row + 4, t);
}

function noteBit(row: i32, t: Time): void {
  // A guess of how long a line takes may be short.
  if (<i32>t >> 5 >= header.moveWords) return;
  const word = row * header.moveWords + (<i32>t >> 5);
  setEntry(header.moveBits, word, entry(header.moveBits, word) | (1 << (<i32>t & 31)));
}

/** The run is over: notes where pointers are, and when places are free. */
export function endMoves(): void {
  for (let core = 0; core < header.cores; core++) {
    if (isDelayed(core)) continue;
    const moves = movesOf(core);
    if (moves.flags != 0) moves.flags = moves_depends;
    moves.flags |= routerOf(core).pointer << 8;
    const role = roleOf(core);
    const from = entry(header.kindsFrom, role);
    const end = entry(header.kindsFrom, role + 1);
    for (let i = from; i < end; i++) {
      const free = freeFrom(channelAt(core, i - from));
      if (entry(header.kinds, i) % ENDS == FROM_CORE) moves.coreFree = max(moves.coreFree, free);
      else moves.free = max(moves.free, free);
    }
  }
}

/** The cycle from which all places of an empty channel are free. */
@inline
function freeFrom(c: Channel): Time {
  return c.popped == 0 ? 0 : c.at(c.popped - 1);
}
