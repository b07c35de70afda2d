/**
 * Channels of the engine without a clock: wavelets and returned slots as queues of times, and the
 * receiver's promise to its sender (see streams.ts).
 */
import { COUNT, dropRun, dropUpTo, pushRun } from './runs.js';
import type { Streams } from './streams.js';

/** Fields of a channel, a cache line each: the queue of wavelets, the queue of returned slots ... */
export const WAVELETS = 0;
export const CREDITS = 4;
/** ... wavelets sent and popped, slots used before they were returned, the promise, flags, its ends. */
export const SENT = 8;
export const POPPED = 9;
export const OWED = 10;
export const OPEN_FROM = 11;
export const OPEN_UP_TO = 12;
export const FLAGS = 13;
export const TO = 14;
export const FROM = 15;
/** Flags: a ramp; deep enough for promises; unpopped wavelets are promised; the sender waits. */
export const IS_RAMP = 1;
export const IS_DEEP = 2;
export const IS_CLEAN = 4;
export const IS_WANTED = 8;
/** Has a station (a slot, or a core as ~core) looked at again. */
export function wakeStation(m: Streams, station: number): void {
  if (station < 0) {
    if (m.coreWaits[~station] === 1) return;
    m.coreWaits[~station] = 1;
  } else {
    if (m.slotWaits[station] === 1) return;
    m.slotWaits[station] = 1;
  }
  m.stations[(m.head + m.waiting++) & m.mask] = station;
}

/** Wakes one end of a channel; a core only if it is at a stream on this channel. */
function wakeEnd(m: Streams, c: number, station: number): void {
  if (station < 0 && m.input[~station] !== c >> 4 && m.output[~station] !== c >> 4) return;
  wakeStation(m, station);
}

/** How many wavelets may leave by a channel from cycle `t` on without slots known to be free. */
export function promised(m: Streams, c: number, t: number): number {
  const { chan } = m;
  const left = chan[c + OPEN_UP_TO] - chan[c + SENT];
  if (left <= 0) return 0;
  if (chan[c + SENT] === chan[c + POPPED]) return t >= chan[c + OPEN_FROM] ? left : 0;
  return (chan[c + FLAGS] & IS_CLEAN) !== 0 ? left : 0;
}

/** A run of wavelets enters a channel from cycle `t` on: slots are there, or promised. */
export function sendRun(m: Streams, c: number, t: number, count: number): void {
  const { chan, pool } = m;
  if (chan[c + SENT] === chan[c + POPPED]) {
    if (t >= chan[c + OPEN_FROM]) chan[c + FLAGS] |= IS_CLEAN;
    else chan[c + FLAGS] &= ~IS_CLEAN;
  }
  chan[c + OWED] += count - dropUpTo(pool, chan, c + CREDITS, count);
  chan[c + SENT] += count;
  const delay = (chan[c + FLAGS] & IS_RAMP) !== 0 ? m.ramp : m.hop;
  pushRun(pool, chan, c + WAVELETS, t + delay, count);
  wakeEnd(m, c, chan[c + TO]);
}

/** A run of wavelets is popped from cycle `t` on; the sender has the slots back a delay later. */
export function popRun(m: Streams, c: number, t: number, count: number): void {
  const { chan, pool } = m;
  dropRun(pool, chan, c + WAVELETS, count);
  chan[c + POPPED] += count;
  const delay = (chan[c + FLAGS] & IS_RAMP) !== 0 ? m.ramp : m.hop;
  const owed = Math.min(chan[c + OWED], count);
  chan[c + OWED] -= owed;
  if (count > owed) pushRun(pool, chan, c + CREDITS, t + delay + owed, count - owed);
  if ((chan[c + FLAGS] & IS_WANTED) === 0) return;
  chan[c + FLAGS] &= ~IS_WANTED;
  wakeEnd(m, c, chan[c + FROM]);
}

/** The receiver's promise for its `count` next wavelets if popped from cycle `from` on; 0 for none. */
export function promise(m: Streams, c: number, from: number, count: number): void {
  const { chan } = m;
  const before = chan[c + OPEN_UP_TO];
  const open = (chan[c + FLAGS] & IS_DEEP) !== 0 && chan[c + WAVELETS + COUNT] === 0 ? count : 0;
  chan[c + OPEN_UP_TO] = chan[c + POPPED] + open;
  chan[c + OPEN_FROM] = from - ((chan[c + FLAGS] & IS_RAMP) !== 0 ? m.ramp : m.hop);
  if (open > m.depth && chan[c + OPEN_UP_TO] > before) wakeEnd(m, c, chan[c + FROM]);
}

/**
 * How many more wavelets the receiver of a channel promises to take, whatever it has now; if only
 * wavelets on their way stand against it, the sender hears when they are popped.
 */
export function openFor(m: Streams, c: number): number {
  const { chan } = m;
  const left = chan[c + OPEN_UP_TO] - chan[c + SENT];
  if (left <= 0) return 0;
  if (chan[c + SENT] === chan[c + POPPED] || (chan[c + FLAGS] & IS_CLEAN) !== 0) return left;
  if (left > m.depth) chan[c + FLAGS] |= IS_WANTED;
  return 0;
}
