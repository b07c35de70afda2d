/** The routers of the engine on a clock: who is due tries its colours in turn (machine-model 4a). */
import {
  BACK,
  FROM,
  HAVE,
  IDLE,
  INPUT,
  LINKS,
  NOWHERE,
  OUTPUTS,
  POINTER,
  POPPED,
  RING,
  SENT,
  SINKS,
  SLOTS,
  TO,
  TO_RAMP,
  WAITING,
  WAITS,
  hear,
} from './clocked-routes.js';
import { OUTPUT, PHASE, STREAMING, supply, takeFromRouter } from './clocked-streams.js';
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
  const r = core << 2;
  const slots = router[r + SLOTS];
  const from = router[r + POINTER];
  let rest = router[r + HAVE] & ~router[r + WAITING];
  let granted = 0;
  while (rest !== 0) {
    const ahead = rest & (-1 << from);
    const bit = ahead !== 0 ? ahead & -ahead : rest & -rest;
    rest ^= bit;
    const local = 31 - Math.clz32(bit);
    const s = slots + (local << 3);
    const input = slot[s + INPUT];
    const popped = chan[input + POPPED];
    const eligible = chan[input + RING + (popped & ring)];
    if (eligible > t) {
      wakeRouter(due, core, eligible, t);
      continue;
    }
    const outputs = slot[s + OUTPUTS];
    if ((outputs & granted) !== 0) {
      wakeRouter(due, core, t + 1, t);
      continue;
    }
    if (!hasRoom(m, core, bit, s, t)) continue;
    if (granted === 0) router[r + POINTER] = (local + 1) & 31;
    granted |= outputs;
    chan[input + POPPED] = popped + 1;
    const back = t + slot[s + BACK];
    chan[input + RING + (popped & ring)] = back;
    if (chan[input + FROM] < 0) tellSender(m, core, input, back, t);
    if (popped + 1 === chan[input + SENT]) router[r + HAVE] &= ~bit;
    else wakeRouter(due, core, Math.max(t + 1, chan[input + RING + ((popped + 1) & ring)]), t);
    forward(m, core, s, t);
  }
}

/** Have all outputs of a slot a free place? If not, sees to it that the router is due when they may. */
function hasRoom(m: Clocked, core: number, bit: number, s: number, t: number): boolean {
  const { slot, chan, depth, ring } = m;
  let unknown = -1;
  let free = t;
  for (let j = s + LINKS; j <= s + TO_RAMP; j++) {
    const o = slot[j];
    if (o < 0) continue;
    const before = chan[o + SENT] - depth;
    if (before >= chan[o + POPPED]) unknown = o;
    else if (chan[o + RING + (before & ring)] > free) free = chan[o + RING + (before & ring)];
  }
  if (slot[s + OUTPUTS] === 0 || unknown >= 0) {
    m.router[(core << 2) + WAITING] |= bit;
    if (unknown >= 0) chan[unknown + FROM] |= WAITS;
    return false;
  }
  if (free === t) return true;
  wakeRouter(m.due, core, free, t);
  return false;
}

/** A wavelet leaves by all outputs of a slot. */
function forward(m: Clocked, core: number, s: number, t: number): void {
  const { slot, chan, router, due, ring } = m;
  const at = t + m.hop;
  for (let j = s + LINKS; j < s + TO_RAMP && slot[j] >= 0; j++) {
    const o = slot[j];
    const sent = chan[o + SENT];
    chan[o + SENT] = sent + 1;
    chan[o + RING + (sent & ring)] = at;
    const to = chan[o + TO];
    if (to >= 0) {
      router[((to >>> 5) << 2) + HAVE] |= 1 << (to & 31);
      wakeRouter(due, to >>> 5, at, t);
    }
    if (m.meets && to !== NOWHERE) hear(m, o, at);
  }
  const o = slot[s + TO_RAMP];
  if (o < 0) return;
  const sent = chan[o + SENT];
  chan[o + SENT] = sent + 1;
  chan[o + RING + (sent & ring)] = t + m.ramp;
  if (chan[o + TO] === IDLE) return;
  if (chan[o + TO] === SINKS) takeFromRouter(m, core, o, t);
  else wakeCore(due, core, t + m.ramp, t);
}

/** Who waits for a pop hears of it: the place is free from cycle `free` on. */
function tellSender(m: Clocked, core: number, c: number, free: number, t: number): void {
  const { chan, router, due } = m;
  const from = chan[c + FROM] & ~WAITS;
  chan[c + FROM] = from;
  const sender = from >>> 5;
  if (c !== m.cores[(core << 4) + OUTPUT]) {
    router[(sender << 2) + WAITING] &= ~(1 << (from & 31));
    wakeRouter(due, sender, free, t);
  } else if (m.cores[(core << 4) + PHASE] === STREAMING) wakeCore(due, core, free, t);
  else supply(m, core, t);
}
