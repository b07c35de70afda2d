/**
 * Which cores and routers are due in which of the next cycles: a bit for each, and a bit for each word of
 * 32 of them; 32 words are a block. To make one due costs a few instructions, and doing it twice changes
 * nothing. Those due are visited in rising order, which is the order of their state in memory.
 */
import { AHEAD, header } from './machine';
import { outOfMemory, powerOf2 } from './memory';
import { NEVER, Time } from './time';

/** How many cycles ahead something can be made due, a power of two. */
export let window: i32 = 0;
/** Words of bits in one cycle, and the blocks of words of this tile. */
let words: i32 = 0;
let blocks: i32 = 0;
export let firstBlock: i32 = 0;
export let blocksEnd: i32 = 0;
/**
 * By cycle modulo `window`: bits of cores, of routers, of words in which either has one, and any. The
 * first three are where they would begin if the tile began with core 0.
 */
let coreBits: usize = 0;
let routerBits: usize = 0;
let some: usize = 0;
let any: usize = 0;

/** Nothing is made due further ahead than a link and two ramps take. */
function cyclesAhead(): i32 {
  const link = <i64>header.hop * header.longest;
  const most = AHEAD + 2 * <i64>header.ramp + link + 2;
  if (most > 0x2000_0000) outOfMemory();
  return powerOf2(<i32>most);
}

/** Where a cycle is in the tables. */
@inline
function bucket(t: Time): i32 {
  return <i32>t & (window - 1);
}

/** Blocks that have bits of these cores. */
function blocksOf(from: i32, end: i32): i32 {
  return ((end + 1023) >> 10) - (from >> 10);
}

/** Bytes of the tables for the cores of a tile. */
export function bytesOfDue(from: i32, end: i32): u64 {
  const perCycle = blocksOf(from, end) * (2 * 32 * 4 + 4) + 1;
  return <u64>perCycle * cyclesAhead();
}

/** Uses these tables from now on; they are all zero, so nothing is due. */
export function useDue(at: usize, from: i32, end: i32): void {
  window = cyclesAhead();
  firstBlock = from >> 10;
  blocks = blocksOf(from, end);
  blocksEnd = firstBlock + blocks;
  words = blocks * 32;
  const bytes = <usize>(window * words * 4);
  coreBits = at - (<usize>firstBlock * 32 * 4);
  routerBits = coreBits + bytes;
  some = at + 2 * bytes - (<usize>firstBlock * 4);
  any = at + 2 * bytes + <usize>(window * blocks * 4);
}

/** Makes a core due in cycle `at`, less than `window` cycles from now. */
@inline
export function wakeCore(core: i32, at: Time): void {
  wake(coreBits, core, at);
}

/** Makes a router due in cycle `at`, less than `window` cycles from now. */
@inline
export function wakeRouter(core: i32, at: Time): void {
  wake(routerBits, core, at);
}

@inline
function wake(bits: usize, core: i32, at: Time): void {
  const b = bucket(at);
  const word = bits + ((<usize>(b * words + (core >> 5))) << 2);
  const before = load<i32>(word);
  store<i32>(word, before | (1 << core));
  if (before == 0) wakeBlock(b, core);
}

function wakeBlock(b: i32, core: i32): void {
  const block = some + ((<usize>(b * blocks + (core >> 10))) << 2);
  store<i32>(block, load<i32>(block) | (1 << (core >> 5)));
  store<u8>(any + b, 1);
}

/** Is a core or router due in cycle `t`? */
@inline
export function anyDue(t: Time): bool {
  return load<u8>(any + bucket(t)) == 1;
}

/** Cycle `t` is over. */
@inline
export function endCycle(t: Time): void {
  store<u8>(any + bucket(t), 0);
}

/** The words of a block in which a core or router is due in cycle `t`, as bits. */
@inline
export function dueWords(block: i32, t: Time): i32 {
  return load<i32>(some + ((<usize>(bucket(t) * blocks + block)) << 2));
}

/** The same, and clears them. */
@inline
export function takeDueWords(block: i32, t: Time): i32 {
  const at = some + ((<usize>(bucket(t) * blocks + block)) << 2);
  const bits = load<i32>(at);
  store<i32>(at, 0);
  return bits;
}

/** Takes the cores of a word that are due in cycle `t`. */
@inline
export function takeCores(word: i32, t: Time): i32 {
  return takeBits(coreBits, word, t);
}

/** Takes the routers of a word that are due in cycle `t`. */
@inline
export function takeRouters(word: i32, t: Time): i32 {
  return takeBits(routerBits, word, t);
}

@inline
function takeBits(table: usize, word: i32, t: Time): i32 {
  const at = table + ((<usize>(bucket(t) * words + word)) << 2);
  const bits = load<i32>(at);
  store<i32>(at, 0);
  return bits;
}

/** The next cycle after `now` in which a core or router is due, or NEVER. */
export function nextDue(now: Time): Time {
  for (let t = now + 1; t < now + window; t++) if (anyDue(t)) return t;
  return NEVER;
}
