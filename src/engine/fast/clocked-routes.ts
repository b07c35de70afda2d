/**
 * Channels and routes of the engine on a clock, as fields of flat arrays (see clocked.ts). A channel
 * counts wavelets sent and popped, and keeps a ring of cycles: where a wavelet stands, the one from
 * which it is eligible; where one was popped, the one from which its sender has the slot again.
 */
import { PORTS, RAMP, neighbour } from '../../hardware/mesh.js';
import { FROM_CORE, channelFrom, channelInto, slotAt } from './channels.js';
import type { Clocked } from './clocked.js';

/** Fields of a channel: wavelets sent and popped, its receiver, its sender, the ring. */
export const SENT = 0;
export const POPPED = 1;
/** Router * 32 + slot, negative while it is not the slot's input; or one of those below. */
export const TO = 2;
/** Router * 32 + slot; with `WAITS`, if the sender is to be told of the next pop. */
export const FROM = 3;
export const RING = 4;

export const WAITS = 0x80000000 | 0;

/** What becomes of a wavelet on its way to a core: it waits, the core is woken, or takes it as it comes. */
export const SINKS = -0x80000000;
export const STREAMS = SINKS + 1;
export const IDLE = SINKS + 2;
/** The receiver of a channel that leads to a router without a route for the colour. */
export const NOWHERE = SINKS + 3;

/** Fields of a slot: input, mask of outputs, cycles until a pop is known, channels from the end. */
export const INPUT = 0;
export const OUTPUTS = 1;
export const BACK = 2;
export const LAST_OUT = 7;

/** Fields of a router: slots that hold wavelets, those that wait for a pop, who is first, its slots. */
export const HAVE = 0;
export const WAITING = 1;
export const POINTER = 2;
export const SLOTS = 3;

const LONG_AGO = -0x80000000;

/** Channels with all slots free. */
export function fillChannels(m: Clocked): void {
  const { channels, chan, shift, router } = m;
  const { width, height, roleOf, base, place, slotBase } = channels;
  const heardOn = new Uint8Array(slotBase[channels.cores]);
  for (let core = 0; core < channels.cores; core++) {
    router[core * 4 + SLOTS] = slotBase[core];
    const ends = channels.ends[roleOf[core]];
    for (let i = 0; i < ends.length; i++) {
      const { color, end } = ends[i];
      const c = place[base[core] + i] << shift;
      chan.fill(LONG_AGO, c + RING, c + (1 << shift));
      chan[c + FROM] = (core << 5) | Math.max(0, slotAt(channels, core, color));
      if (end === RAMP) {
        chan[c + TO] = IDLE;
        continue;
      }
      const to = end === FROM_CORE ? core : neighbour(core, end, width, height);
      const slot = to < 0 ? -1 : slotAt(channels, to, color);
      chan[c + TO] = slot < 0 ? NOWHERE : ~((to << 5) | slot);
      if (slot >= 0 && ++heardOn[slotBase[to] + slot] > 1) m.meets = true;
    }
  }
}

/** Gives a colour at a router its route. */
export function setRoute(
  m: Clocked,
  core: number,
  color: number,
  inputs: number,
  outputs: number,
): void {
  const { channels, chan, slot, router, shift } = m;
  const local = slotAt(channels, core, color);
  const s = channels.slotPlace[channels.slotBase[core] + local] * 8;
  if (slot[s] >= 0) chan[slot[s] + TO] = ~chan[slot[s] + TO];
  const port = 31 - Math.clz32(inputs);
  const input = inputs === 0 ? -1 : channelInto(channels, core, port, color);
  slot[s + INPUT] = input < 0 ? -1 : input << shift;
  slot[s + BACK] = port === RAMP ? m.ramp : m.hop;
  router[core * 4 + HAVE] &= ~(1 << local);
  if (input >= 0) {
    const c = input << shift;
    chan[c + TO] = ~chan[c + TO];
    if (chan[c + SENT] !== chan[c + POPPED]) router[core * 4 + HAVE] |= 1 << local;
  }
  setOutputs(m, core, s, color, outputs);
  router[core * 4 + WAITING] &= ~(1 << local);
}

function setOutputs(m: Clocked, core: number, s: number, color: number, outputs: number): void {
  const { slot, shift } = m;
  slot[s + OUTPUTS] = outputs;
  slot.fill(-1, s + BACK + 1, s + LAST_OUT + 1);
  let next = s + LAST_OUT;
  for (let port = 0; port < PORTS; port++) {
    if (((outputs >> port) & 1) === 0) continue;
    slot[next--] = channelFrom(m.channels, core, port, color) << shift;
  }
}

/** Does the present input of a colour hold wavelets, those on their way to it included? */
export function holdsWavelets(m: Clocked, core: number, color: number): boolean {
  const { slotBase, slotPlace } = m.channels;
  const s = slotPlace[slotBase[core] + slotAt(m.channels, core, color)] * 8;
  const input = m.slot[s + INPUT];
  return input >= 0 && m.chan[input + SENT] !== m.chan[input + POPPED];
}

/** Counts wavelets of one colour that become eligible in one cycle on several ports of a router. */
export function hear(m: Clocked, c: number, at: number): void {
  const to = m.chan[c + TO] < 0 ? ~m.chan[c + TO] : m.chan[c + TO];
  const slot = m.channels.slotBase[to >>> 5] + (to & 31);
  const heard = slot * m.hearing + (at & (m.hearing - 1));
  if (m.heard[heard] === at) m.hazards++;
  m.heard[heard] = at;
}
