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

/** Two colours asked for one output in one cycle. */
export const moves_contested: i32 = 1;
/** In the last cycle with a move several colours moved: which the pointer is behind depends on where it was. */
export const moves_several: i32 = 2;

@unmanaged
export class Moves {
  /** The first and the last cycle with a move; NEVER, and 0, if there is none. */
  first: Time;
  last: Time;
  /** The cycles from which all places are free again that it took, and that its core took in it. */
  free: Time;
  coreFree: Time;
  /** `moves_contested`, `moves_several`; from bit 8 on the pointer. */
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

/** In cycle `t` a router moved wavelets of these colours, which are bits. */
export function noteMoves(core: i32, colors: i32, t: Time): void {
  const moves = movesOf(core);
  moves.first = min(moves.first, t);
  moves.last = t;
  moves.flags &= ~moves_several;
  if ((colors & (colors - 1)) != 0) moves.flags |= moves_several;
  if (header.moveBits == 0) return;
  const word = core * header.moveWords + (<i32>t >> 5);
  setEntry(header.moveBits, word, entry(header.moveBits, word) | (1 << (<i32>t & 31)));
}

export function noteContest(core: i32): void {
  movesOf(core).flags |= moves_contested;
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
