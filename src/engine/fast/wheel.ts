/**
 * Timers of cores, at most one each: a wheel of cycles whose entries are linked through the cores, and
 * one more list for those beyond it, which is looked through twice a turn.
 */
const SIZE = 4096;
const NONE = -1;

export interface Wheel {
  heads: Int32Array;
  next: Int32Array;
  at: Int32Array;
  far: number;
  /** Timers in the wheel and beyond it. */
  near: number;
  beyond: number;
  /** The cycle in which the far ones are looked through next. */
  sift: number;
}

export function createWheel(cores: number, now: number): Wheel {
  return {
    heads: new Int32Array(SIZE).fill(NONE),
    next: new Int32Array(cores),
    at: new Int32Array(cores),
    far: NONE,
    near: 0,
    beyond: 0,
    sift: now + SIZE / 2,
  };
}

/** Sets the timer of a core, which has none yet, to cycle `at` >= `now`. */
export function setTimer(w: Wheel, core: number, at: number, now: number): void {
  w.at[core] = at;
  if (at - now < SIZE) {
    w.next[core] = w.heads[at & (SIZE - 1)];
    w.heads[at & (SIZE - 1)] = core;
    w.near++;
  } else {
    w.next[core] = w.far;
    w.far = core;
    w.beyond++;
  }
}

/** Takes one core whose timer is cycle `now`, or -1. */
export function takeTimer(w: Wheel, now: number): number {
  const core = w.heads[now & (SIZE - 1)];
  if (core === NONE) return NONE;
  w.heads[now & (SIZE - 1)] = w.next[core];
  w.near--;
  return core;
}

/** Brings far timers into the wheel; to be called in cycle `sift` at the latest. */
export function siftTimers(w: Wheel, now: number): void {
  let core = w.far;
  w.far = NONE;
  w.beyond = 0;
  while (core !== NONE) {
    const next = w.next[core];
    setTimer(w, core, w.at[core], now);
    core = next;
  }
  w.sift = now + SIZE / 2;
}

/**
 * The next cycle after `now` with a timer, or in which far ones are to be looked through; `limit` if
 * there is none before it.
 */
export function nextCycle(w: Wheel, now: number, limit: number): number {
  if (w.near === 0) {
    let least = limit;
    for (let core = w.far; core !== NONE; core = w.next[core]) least = Math.min(least, w.at[core]);
    return least;
  }
  const last = Math.min(limit, w.sift);
  let t = now + 1;
  while (t < last && w.heads[t & (SIZE - 1)] === NONE) t++;
  return t;
}
