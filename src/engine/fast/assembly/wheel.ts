/**
 * Timers of cores, at most one each: a wheel of cycles whose entries are linked through the cores, and
 * one more list for those beyond it, which is looked through twice a revolution.
 */
import { entry, setEntry } from './memory';
import { coreOf } from './places';
import { Time } from './time';

const SIZE: i32 = 4096;
const NONE: i32 = -1;

let heads: usize = 0;
let far: i32 = NONE;
/** Timers in the wheel, and all of them. */
let near: i32 = 0;
export let timers: i32 = 0;
/** The cycle in which the far ones are looked through next. */
export let sift: Time = 0;

export const WHEEL_BYTES: usize = 4 * SIZE;

/** From now on this table is the one, without timers. */
export function useWheel(at: usize): void {
  heads = at;
  memory.fill(heads, 0xff, WHEEL_BYTES);
  far = NONE;
  near = 0;
  timers = 0;
  sift = SIZE / 2;
}

/** Where a cycle is in the wheel. */
@inline
function indexOf(t: Time): i32 {
  return <i32>t & (SIZE - 1);
}

/** Sets the timer of a core, which has none yet, to cycle `at` >= `now`. */
export function setTimer(core: i32, at: Time, now: Time): void {
  const c = coreOf(core);
  c.timer = at;
  timers++;
  if (at - now < SIZE) {
    c.next = entry(heads, indexOf(at));
    setEntry(heads, indexOf(at), core);
    near++;
  } else {
    c.next = far;
    far = core;
  }
}

/** Takes one core whose timer is cycle `now`, or -1. */
export function takeTimer(now: Time): i32 {
  const core = entry(heads, indexOf(now));
  if (core == NONE) return NONE;
  setEntry(heads, indexOf(now), coreOf(core).next);
  near--;
  timers--;
  return core;
}

/** Brings far timers into the wheel; to be called in cycle `sift` at the latest. */
export function siftTimers(now: Time): void {
  let core = far;
  far = NONE;
  while (core != NONE) {
    const c = coreOf(core);
    const next = c.next;
    timers--;
    setTimer(core, c.timer, now);
    core = next;
  }
  sift = now + SIZE / 2;
}

/** The next cycle after `now` with a timer, or to look through far ones; `limit` if there is none. */
export function nextTimer(now: Time, limit: Time): Time {
  if (near == 0) {
    let least = limit;
    for (let core = far; core != NONE; core = coreOf(core).next)
      least = min(least, coreOf(core).timer);
    return least;
  }
  const last = min(limit, sift);
  let t = now + 1;
  while (t < last && entry(heads, indexOf(t)) == NONE) t++;
  return t;
}
