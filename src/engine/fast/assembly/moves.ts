/**
 * What the engine of lines has to know of each router: when it moved wavelets, and whether what it did may depend on
 * its pointer. Only the translation for lines notes it (build.mjs).
 */
import { Channel, ENDS, FROM_CORE, header } from './machine';
import { entry, setEntry } from './memory';
import { channelAt, roleOf, routerOf } from './places';
import { NEVER, Time } from './time';

/** Whether moves are noted: a constant, so that the compiler leaves them out of the other translations. */
export const NOTES_MOVES: bool = false;

/**
 * A cycle is open if two colours asked for one output in it, or several moved: what moves then, or where the pointer
 * is behind it, depends on where that was. Some cycle with moves was open; the first one was.
 */
export const moves_open: i32 = 1;
export const moves_openFirst: i32 = 2;

@unmanaged
export class Moves {
  /** The first and the last cycle with a move; NEVER, and 0, if there is none. */
  first: Time;
  last: Time;
  /** The cycles from which all places are free again that it took, and that its core took in it. */
  free: Time;
  coreFree: Time;
  /** `moves_open`, `moves_openFirst`; from bit 8 on the pointer. */
  flags: i32;
}

/** Words of a record with times of 32 bits, as lines have them. */
export const MOVES_WORDS: i32 = 5;

@inline
function movesOf(core: i32): Moves {
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

/**
 * In cycle `t` a router whose pointer was at `pointer` moved wavelets of these colours, which are bits; others asked
 * for their outputs or not.
 */
export function noteMoves(core: i32, pointer: i32, colors: i32, contested: bool, t: Time): void {
  const moves = movesOf(core);
  const isOpen = contested || (colors & (colors - 1)) != 0;
  if (isOpen) moves.flags |= moves.first == NEVER ? moves_open | moves_openFirst : moves_open;
  moves.first = min(moves.first, t);
  moves.last = t;
  if (header.moveBits == 0) return;
  noteBit(3 * core, t);
  if (!isOpen) return;
  const all = entry(header.slotted, roleOf(core));
  const before = all & ((1 << pointer) - 1);
  noteBit(3 * core + (before == 0 || before == all ? 1 : 2), t);
}

function noteBit(row: i32, t: Time): void {
  const word = row * header.moveWords + (<i32>t >> 5);
  setEntry(header.moveBits, word, entry(header.moveBits, word) | (1 << (<i32>t & 31)));
}

/** The run is over: notes where pointers are, and when places are free. */
export function endMoves(): void {
  for (let core = 0; core < header.cores; core++) {
    const moves = movesOf(core);
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
