/**
 * Who is due when: a bit per core and per router for each of the next cycles, and a bit for each group
 * of 32 of them. To make somebody due costs a few instructions and is the same said twice; those due
 * are visited in rising order, which is the order in which their state lies in memory.
 */
export interface Due {
  /** Cycles that can be told ahead, a power of two. */
  window: number;
  words: number;
  groups: number;
  /** By cycle modulo `window`: bits of cores, of routers, of words in which either has one, and any. */
  cores: Int32Array;
  routers: Int32Array;
  some: Int32Array;
  any: Uint8Array;
}

export function createDue(cores: number, window: number): Due {
  const words = (cores + 31) >> 5;
  const groups = (words + 31) >> 5;
  return {
    window,
    words,
    groups,
    cores: new Int32Array(window * words),
    routers: new Int32Array(window * words),
    some: new Int32Array(window * groups),
    any: new Uint8Array(window),
  };
}

/** Makes a core due in cycle `at`, less than `window` cycles from now. */
export function wakeCore(d: Due, core: number, at: number): void {
  const b = at & (d.window - 1);
  const word = b * d.words + (core >> 5);
  const before = d.cores[word];
  d.cores[word] = before | (1 << core);
  if (before === 0) wakeGroup(d, b, core);
}

/** Makes a router due in cycle `at`, less than `window` cycles from now. */
export function wakeRouter(d: Due, core: number, at: number): void {
  const b = at & (d.window - 1);
  const word = b * d.words + (core >> 5);
  const before = d.routers[word];
  d.routers[word] = before | (1 << core);
  if (before === 0) wakeGroup(d, b, core);
}

function wakeGroup(d: Due, b: number, core: number): void {
  d.some[b * d.groups + (core >> 10)] |= 1 << (core >> 5);
  d.any[b] = 1;
}

/** Later than any cycle. */
export const NEVER = 0x7fffffff;

/** The next cycle after `now` in which somebody is due, or NEVER. */
export function nextDue(d: Due, now: number): number {
  for (let t = now + 1; t < now + d.window; t++) if (d.any[t & (d.window - 1)] === 1) return t;
  return NEVER;
}
