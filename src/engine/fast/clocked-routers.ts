/** The routers of the engine on a clock: who is due tries its colours in turn (machine-model 4a). */
import {
  BACK,
  FROM,
  HAVE,
  IDLE,
  INPUT,
  LAST_OUT,
  NOWHERE,
  OUTPUTS,
  POINTER,
  POPPED,
  RING,
  SENT,
  SINKS,
  STREAMS,
  TO,
  WAITING,
  WAITS,
  cyclesOf,
  hear,
} from './clocked-routes.js';
import { OUTPUT, PHASE, STREAMING } from './clocked-operations.js';
import { supply, takeFromRouter } from './clocked-streams.js';
import type { Clocked } from './clocked.js';
import { wakeCore, wakeRouter } from './due.js';

/** One cycle of all routers that are due. */
export function stepRouters(m: Clocked, t: number): void {
  const { due } = m;
  const b = t & (due.window - 1);
  const { words, groups, routers, some } = due;
  for (let g = 0; g < groups; g++) {
    let group = some[b * groups + g];
    some[b * groups + g] = 0;
    while (group !== 0) {
      const word = g * 32 + 31 - Math.clz32(group & -group);
      group &= group - 1;
      let bits = routers[b * words + word];
      routers[b * words + word] = 0;
      while (bits !== 0) {
        stepRouter(m, word * 32 + 31 - Math.clz32(bits & -bits), t);
        bits &= bits - 1;
      }
    }
  }
}

function stepRouter(m: Clocked, core: number, t: number): void {
  const { router, slot, chan, due, ring } = m;
  const { cores } = m.channels;
  const r = core << 2;
  const from = router[r + POINTER];
  let rest = router[r + HAVE] & ~router[r + WAITING];
  let granted = 0;
  while (rest !== 0) {
    const ahead = rest & (-1 << from);
    const bit = ahead !== 0 ? ahead & -ahead : rest & -rest;
    rest ^= bit;
    const color = 31 - Math.clz32(bit);
    const s = (color * cores + core) << 3;
    const input = slot[s + INPUT];
    const popped = chan[input + POPPED];
    const eligible = chan[input + RING + (popped & ring)];
    // Whoever sent it made the router due then.
    if (eligible > t) continue;
    const outputs = slot[s + OUTPUTS];
    if ((outputs & granted) !== 0) {
      wakeRouter(due, core, t + 1);
      continue;
    }
    if (!hasRoom(m, core, bit, s, t)) continue;
    if (granted === 0) router[r + POINTER] = (color + 1) & 31;
    granted |= outputs;
    chan[input + POPPED] = popped + 1;
    const back = t + slot[s + BACK];
    chan[input + RING + (popped & ring)] = back;
    if (chan[input + FROM] < 0) tellSender(m, core, input, back, t);
    if (popped + 1 === chan[input + SENT]) router[r + HAVE] &= ~bit;
    else if (chan[input + RING + ((popped + 1) & ring)] <= t) wakeRouter(due, core, t + 1);
    forward(m, core, s, t);
  }
}

/** Have all outputs of a slot a free place? If not, sees to it that the router is due when they may. */
function hasRoom(m: Clocked, core: number, bit: number, s: number, t: number): boolean {
  const { slot, chan, depth, ring } = m;
  for (let j = s + LAST_OUT; j > s + BACK && slot[j] >= 0; j--) {
    const o = slot[j];
    const before = chan[o + SENT] - depth;
    if (before >= chan[o + POPPED]) {
      chan[o + FROM] |= WAITS;
      m.router[(core << 2) + WAITING] |= bit;
      return false;
    }
    const free = chan[o + RING + (before & ring)];
    if (free <= t) continue;
    wakeRouter(m.due, core, Math.min(free, t + m.due.window - 1));
    return false;
  }
  return slot[s + OUTPUTS] !== 0;
}

/** A wavelet leaves by all outputs of a slot. */
function forward(m: Clocked, core: number, s: number, t: number): void {
  const { slot, chan, router, ring } = m;
  for (let j = s + LAST_OUT; j > s + BACK && slot[j] >= 0; j--) {
    const o = slot[j];
    const sent = chan[o + SENT];
    chan[o + SENT] = sent + 1;
    const to = chan[o + TO];
    if (to >= 0) {
      const at = t + cyclesOf(m, o);
      chan[o + RING + (sent & ring)] = at;
      router[((to >>> 5) << 2) + HAVE] |= 1 << (to & 31);
      wakeRouter(m.due, to >>> 5, at);
    } else reach(m, core, o, sent, t);
    if (m.meets && to > NOWHERE) hear(m, o, t + cyclesOf(m, o));
  }
}

/** A wavelet leaves for the core, or for a port that is not the input of its colour now. */
function reach(m: Clocked, core: number, o: number, sent: number, t: number): void {
  const { chan, ring } = m;
  const to = chan[o + TO];
  chan[o + RING + (sent & ring)] = t + (to <= IDLE ? m.ramp : cyclesOf(m, o));
  if (to === SINKS) takeFromRouter(m, core, o, t);
  else if (to === STREAMS) wakeCore(m.due, core, t + m.ramp);
  // A change of route may make that port the input while the wavelet is on its way.
  else if (to > NOWHERE) wakeRouter(m.due, ~to >>> 5, t + cyclesOf(m, o));
}

/** Who waits for a pop hears of it: the place is free from cycle `free` on. */
function tellSender(m: Clocked, core: number, c: number, free: number, t: number): void {
  const { chan, router, due } = m;
  const from = chan[c + FROM] & ~WAITS;
  chan[c + FROM] = from;
  const sender = from >>> 5;
  if (c !== m.cores[(core << 4) + OUTPUT]) {
    router[(sender << 2) + WAITING] &= ~(1 << (from & 31));
    wakeRouter(due, sender, free);
  } else if (m.cores[(core << 4) + PHASE] === STREAMING) wakeCore(due, core, free);
  else supply(m, core, t);
}
