/**
 * The wafer cut into tiles, one for each thread (see exchange.ts for their messages). Of a program of several parts,
 * which nothing connects, each tile is one part after the other, and tiles do not meet.
 */
import { header } from './machine';
import { entry } from './memory';
import { roleOf } from './places';
import { TILES_AT } from './threads';
import { Time } from './time';

/** A tile as other tiles see it. Fields that end in 0 and 1 alternate from cycle to cycle. */
@unmanaged
export class Tile {
  /** Cycles that it has gone through. */
  cycles: i32;
  /** The next cycle in which it has something to do, or gave others to do. */
  next0: Time;
  next1: Time;
  messages0: i32;
  messages1: i32;
  box0: usize;
  box1: usize;
  /** Its first core. */
  first: i32;
  /** Its tables of what is due, and of timers. */
  due: usize;
  wheel: usize;
  /** By label: latest end in the tile, and the lowest core that has it. */
  labelEnd: usize;
  labelCore: usize;
  /** By label: core-cycles of waiting in it, whole numbers (i64) until the run is over; for output, of these. */
  labelWait: usize;
  labelWaitOutput: usize;
  hazards: i32;
  /** In which state its run of its part of the program ended. */
  state: i32;
  /** Wavelets sent into ramps and delivered to cores. */
  sent: f64;
  delivered: f64;
}

const TILE_BYTES: usize = 128;
/** As many as there is room for between `TILES_AT` and the static data, no two in a line of a cache. */
export const MOST_TILES: i32 = 40;

let mine: i32 = 0;
/** Cores of this tile. */
export let firstCore: i32 = 0;
export let coresEnd: i32 = 0;

@inline
export function tileAt(tile: i32): Tile {
  return changetype<Tile>(TILES_AT + <usize>tile * TILE_BYTES);
}

/** Do tiles meet after each cycle? */
@inline
export function tilesMeet(): bool {
  return header.tiles > 1 && header.parts == 0;
}

/** The first core of a tile, or one past the last of all. */
export function firstOf(tile: i32): i32 {
  return tile == header.tiles ? header.cores : tileAt(tile).first;
}

export function tileOf(core: i32): i32 {
  let tile = 0;
  while (firstOf(tile + 1) <= core) tile++;
  return tile;
}

/** Cuts a program's cores into tiles that have about as much to do: cores count by their operations. */
export function cutTiles(): void {
  let all: i64 = 0;
  for (let core = 0; core < header.cores; core++) all += weightOf(core);
  let core = 0;
  let before: i64 = 0;
  for (let tile = 0; tile < header.tiles; tile++) {
    const t = tileAt(tile);
    memory.fill(changetype<usize>(t), 0, TILE_BYTES);
    while (core < header.cores && before * header.tiles < all * tile) before += weightOf(core++);
    t.first = core;
  }
}

function weightOf(core: i32): i32 {
  const list = entry(header.listOf, roleOf(core));
  return 1 + entry(header.opsFrom, list + 1) - entry(header.opsFrom, list);
}

/** Is a core of this tile? */
@inline
export function isMine(core: i32): bool {
  return core >= firstCore && core < coresEnd;
}

/** This thread's tile from now on. */
export function own(tile: i32): void {
  mine = tile;
  firstCore = firstOf(tile);
  coresEnd = firstOf(tile + 1);
}

/** This thread's tile is a part of the program. */
export function ownPart(part: i32): void {
  firstCore = entry(header.partsFrom, part);
  coresEnd = entry(header.partsFrom, part + 1);
}

/** Is it this thread's? */
@inline
export function isOwn(tile: i32): bool {
  return tile == mine;
}

@inline
export function myTile(): Tile {
  return tileAt(mine);
}
