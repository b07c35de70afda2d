/**
 * Who is due when: a bit per core and per router for each of the next cycles, and a bit for each group
 * of 32 of them. To make somebody due costs a few instructions and is the same said twice; those due
 * are visited in rising order, which is the order in which their state lies in memory.
 */
import { allocate, header, powerOf2 } from './machine';
import { AHEAD } from './streams';

/** Later than any cycle. */
export const NEVER: i32 = i32.MAX_VALUE;

/** Cycles that can be told ahead, a power of two; words of bits in one of them, and groups of words. */
export let window: i32 = 0;
let words: i32 = 0;
export let groups: i32 = 0;
/** By cycle modulo `window`: bits of cores, of routers, of words in which either has one, and any. */
let coreBits: usize = 0;
let routerBits: usize = 0;
let some: usize = 0;
let any: usize = 0;

/** Nobody is due; nothing will be told ahead for longer than a link and two ramps take. */
export function createDue(): void {
  window = powerOf2(AHEAD + 2 * header.ramp + header.hop * header.longest + 2);
  words = (header.cores + 31) >> 5;
  groups = (words + 31) >> 5;
  coreBits = allocate(window * words * 4);
  routerBits = allocate(window * words * 4);
  some = allocate(window * groups * 4);
  any = allocate(window);
}

/** Makes a core due in cycle `at`, less than `window` cycles from now. */
@inline
export function wakeCore(core: i32, at: i32): void {
  wake(coreBits, core, at);
}

/** Makes a router due in cycle `at`, less than `window` cycles from now. */
@inline
export function wakeRouter(core: i32, at: i32): void {
  wake(routerBits, core, at);
}

@inline
function wake(bits: usize, core: i32, at: i32): void {
  const b = at & (window - 1);
  const word = bits + ((<usize>(b * words + (core >> 5))) << 2);
  const before = load<i32>(word);
  store<i32>(word, before | (1 << core));
  if (before == 0) wakeGroup(b, core);
}

function wakeGroup(b: i32, core: i32): void {
  const group = some + ((<usize>(b * groups + (core >> 10))) << 2);
  store<i32>(group, load<i32>(group) | (1 << (core >> 5)));
  store<u8>(any + b, 1);
}

/** Is anybody due in cycle `t`? */
@inline
export function anyDue(t: i32): bool {
  return load<u8>(any + (t & (window - 1))) == 1;
}

/** Cycle `t` is over. */
@inline
export function endCycle(t: i32): void {
  store<u8>(any + (t & (window - 1)), 0);
}

/** The words of a group in which somebody is due in cycle `t`, as bits. */
@inline
export function dueWords(group: i32, t: i32): i32 {
  return load<i32>(some + ((<usize>((t & (window - 1)) * groups + group)) << 2));
}

/** The same, forgotten with that. */
@inline
export function takeDueWords(group: i32, t: i32): i32 {
  const at = some + ((<usize>((t & (window - 1)) * groups + group)) << 2);
  const bits = load<i32>(at);
  store<i32>(at, 0);
  return bits;
}

/** Takes the cores of a word that are due in cycle `t`. */
@inline
export function takeCores(word: i32, t: i32): i32 {
  return takeBits(coreBits, word, t);
}

/** Takes the routers of a word that are due in cycle `t`. */
@inline
export function takeRouters(word: i32, t: i32): i32 {
  return takeBits(routerBits, word, t);
}

@inline
function takeBits(table: usize, word: i32, t: i32): i32 {
  const at = table + ((<usize>((t & (window - 1)) * words + word)) << 2);
  const bits = load<i32>(at);
  store<i32>(at, 0);
  return bits;
}

/** The next cycle after `now` in which somebody is due, or NEVER. */
export function nextDue(now: i32): i32 {
  for (let t = now + 1; t < now + window; t++) if (anyDue(t)) return t;
  return NEVER;
}
