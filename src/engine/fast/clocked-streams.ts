/**
 * Streams of the engine on a clock. A core that only takes wavelets, or only sends them, does so at
 * cycles that are known as soon as the wavelet or its place is: both are told ahead, and the core need
 * not be visited. One that does both is a rigid pipeline, which is looked at cycle by cycle.
 */
import type { TrafficOp } from '../../program/program.js';
import {
  FROM,
  HAVE,
  IDLE,
  POPPED,
  RING,
  SENT,
  TO,
  WAITING,
  WAITS,
  hear,
} from './clocked-routes.js';
import {
  OP,
  SOURCE,
  OUTPUT,
  LEFT,
  TAKES,
  NEXT_SEND,
  NEXT_TAKE,
  LATEST,
  BEGAN,
  PIPE,
  PIPE_AT,
  STALLED,
  NOT_STALLED,
  endOperation,
} from './clocked-operations.js';
import type { Clocked } from './clocked.js';
import { TRAFFIC } from './operations.js';
import { NEVER, wakeCore, wakeRouter } from './due.js';
import { setTimer } from './wheel.js';

/** How far ahead sends are told. */
export const AHEAD = 8;

/** A wavelet leaves the router in cycle `t` for a core that takes it as soon as it is there. */
export function takeFromRouter(m: Clocked, core: number, c: number, t: number): void {
  take(m, core, c, t + m.ramp);
  settle(m, core, t);
}

/** Takes the wavelets that are in the core's queue, or on their way to it. */
export function drain(m: Clocked, core: number, c: number, t: number): void {
  const { chan } = m;
  const x = core << 4;
  while (m.cores[x + TAKES] > 0 && chan[c + POPPED] < chan[c + SENT]) {
    const at = take(m, core, c, chan[c + RING + (chan[c + POPPED] & m.ring)]);
    if (chan[c + FROM] < 0) tellRouter(m, c, at + m.ramp, t);
  }
}

/** Takes one wavelet, usable from cycle `usable` on; returns when. */
function take(m: Clocked, core: number, c: number, usable: number): number {
  const { chan, cores } = m;
  const x = core << 4;
  const at = Math.max(usable, cores[x + NEXT_TAKE]);
  cores[x + NEXT_TAKE] = at + 1;
  if (at > cores[x + LATEST]) cores[x + LATEST] = at;
  if (--cores[x + TAKES] === 0) chan[c + TO] = IDLE;
  const popped = chan[c + POPPED]++;
  chan[c + RING + (popped & m.ring)] = at + m.ramp;
  return at;
}

/** The core's router may have waited for a place in the core's queue, which is free from `free` on. */
function tellRouter(m: Clocked, c: number, free: number, t: number): void {
  const from = m.chan[c + FROM] & ~WAITS;
  m.chan[c + FROM] = from;
  m.router[((from >>> 5) << 2) + WAITING] &= ~(1 << (from & 31));
  wakeRouter(m.due, from >>> 5, Math.min(free, t + m.due.window - 1));
}

/** Sends what finds a place that is free, or known to become so. */
export function supply(m: Clocked, core: number, now: number): void {
  const { chan, cores, depth, ring } = m;
  const x = core << 4;
  const o = cores[x + OUTPUT];
  while (cores[x + LEFT] > 0) {
    const ready = nextReady(m, core);
    if (ready - now > AHEAD) return setTimer(m.wheel, core, ready, now);
    const before = chan[o + SENT] - depth;
    if (before >= chan[o + POPPED]) {
      chan[o + FROM] |= WAITS;
      return;
    }
    const at = Math.max(ready, chan[o + RING + (before & ring)]);
    m.tally.waitOutput[core] += at - ready;
    cores[x + NEXT_SEND] = at + 1;
    if (at > cores[x + LATEST]) cores[x + LATEST] = at;
    cores[x + LEFT]--;
    enterRamp(m, o, at);
  }
  settle(m, core, now);
}

/** When the next wavelet of a stream could enter the ramp. */
function nextReady(m: Clocked, core: number): number {
  const { cores, ops } = m;
  const x = core << 4;
  const op = cores[x + OP];
  if (ops.kind[op] !== TRAFFIC) return cores[x + NEXT_SEND];
  const { times } = ops.whole[op] as TrafficOp;
  return Math.max(cores[x + NEXT_SEND], cores[x + BEGAN] + times[times.length - cores[x + LEFT]]);
}

function enterRamp(m: Clocked, o: number, at: number): void {
  const { chan } = m;
  const sent = chan[o + SENT]++;
  const eligible = at + m.ramp;
  chan[o + RING + (sent & m.ring)] = eligible;
  const to = chan[o + TO];
  if (to >= 0) m.router[((to >>> 5) << 2) + HAVE] |= 1 << (to & 31);
  wakeRouter(m.due, (to < 0 ? ~to : to) >>> 5, eligible);
  if (m.meets) hear(m, o, eligible);
}

/** Ends an operation that has sent and taken all. */
export function settle(m: Clocked, core: number, now: number): void {
  const x = core << 4;
  if (m.cores[x + LEFT] > 0 || m.cores[x + TAKES] > 0) return;
  endOperation(m, core, m.cores[x + LATEST] + 1, now);
}

/** One cycle of a pipeline from the fabric to the fabric. */
export function stream(m: Clocked, core: number, t: number): void {
  const { chan, cores, ring } = m;
  const x = core << 4;
  const input = cores[x + SOURCE];
  let left = cores[x + LEFT];
  let pipe = movedPipe(m, x, t);
  const head = left > 0 ? headOf(m, input) : NEVER;
  if ((pipe & 1) === 1 && !leavesPipe(m, core, head, t)) {
    cores[x + PIPE] = pipe;
    if (head > t && head !== NEVER) wakeCore(m.due, core, head);
    return;
  }
  pipe >>>= 1;
  if (head <= t) {
    cores[x + LEFT] = --left;
    const popped = chan[input + POPPED]++;
    chan[input + RING + (popped & ring)] = t + m.ramp;
    if (chan[input + FROM] < 0) tellRouter(m, input, t + m.ramp, t);
    pipe |= 1 << (m.ops.latency[cores[x + OP]] - 1);
  }
  cores[x + PIPE] = pipe;
  cores[x + PIPE_AT] = t + 1;
  if (left === 0 && pipe === 0) {
    endOperation(m, core, t + 1, t);
    return;
  }
  let next = left > 0 ? headOf(m, input) : NEVER;
  if (pipe !== 0) next = Math.min(next, t + 1 + bitsBefore(pipe));
  if (next === NEVER) return;
  wakeCore(m.due, core, Math.min(Math.max(next, t + 1), t + m.due.window - 1));
}

/** When the first wavelet of a channel is usable, or NEVER. */
function headOf(m: Clocked, c: number): number {
  const { chan } = m;
  const popped = chan[c + POPPED];
  return popped === chan[c + SENT] ? NEVER : chan[c + RING + (popped & m.ring)];
}

function bitsBefore(pipe: number): number {
  return 31 - Math.clz32(pipe & -pipe);
}

/** The pipeline in cycle `t`: it moved in every cycle since the last visit, unless a result stood. */
function movedPipe(m: Clocked, x: number, t: number): number {
  const pipe = m.cores[x + PIPE];
  if (pipe === 0) return 0;
  return pipe >>> Math.min(bitsBefore(pipe), t - m.cores[x + PIPE_AT]);
}

/** Lets the result at the pipeline's end into the ramp; if it has no place, sees when it may have. */
function leavesPipe(m: Clocked, core: number, head: number, t: number): boolean {
  const { chan, cores } = m;
  const x = core << 4;
  const o = cores[x + OUTPUT];
  const before = chan[o + SENT] - m.depth;
  const known = before < chan[o + POPPED];
  const free = chan[o + RING + (before & m.ring)];
  if (known && free <= t) {
    if (cores[x + STALLED] !== NOT_STALLED) {
      m.tally.waitOutput[core] += t - cores[x + STALLED];
      cores[x + STALLED] = NOT_STALLED;
    }
    enterRamp(m, o, t);
    return true;
  }
  if (known) wakeCore(m.due, core, free);
  else chan[o + FROM] |= WAITS;
  const usable = head <= t || cores[x + LEFT] === 0;
  if (usable && cores[x + STALLED] === NOT_STALLED) cores[x + STALLED] = t;
  return false;
}
