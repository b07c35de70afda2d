/**
 * Channels and routes of the engine on a clock, as fields of flat arrays (see clocked.ts). A channel
 * counts wavelets sent and popped, and keeps a ring of cycles: where a wavelet stands, the one from
 * which it is eligible; where one was popped, the one from which its sender has the slot again.
 */
import { PORTS, RAMP, neighbour } from '../../hardware/mesh.js';
import { FROM_CORE, channelFrom, channelInto, hasSlot } from './channels.js';
import type { Clocked } from './clocked.js';

/** Fields of a channel: wavelets sent and popped, its receiver, its sender, the ring. */
export const SENT = 0;
export const POPPED = 1;
/** Router * 32 + colour, negative while it is not the slot's input; or one of those below. */
export const TO = 2;
/** Router * 32 + colour; with `WAITS`, if the sender is to be told of the next pop. */
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

/** Fields of a router: colours that hold wavelets, those that wait for a pop, who is first. */
export const HAVE = 0;
export const WAITING = 1;
export const POINTER = 2;

const LONG_AGO = -0x80000000;

/** Channels with all places free, slots without a route. */
export function fillChannels(m: Clocked): void {
  const { channels, chan, slot, shift } = m;
  const { linkHops } = m.program;
  const { width, height, roleOf, base, place, cores } = channels;
  const heardOn = new Uint8Array(channels.slots);
  for (let core = 0; core < cores; core++) {
    for (let color = 0; color < channels.colors; color++)
      if (hasSlot(channels, core, color)) slot[(color * cores + core) * 8 + INPUT] = -1;
    const ends = channels.ends[roleOf[core]];
    for (let i = 0; i < ends.length; i++) {
      const { color, end } = ends[i];
      const c = place[base[core] + i] << shift;
      chan.fill(LONG_AGO, c + RING, c + (1 << shift));
      chan[c + FROM] = (core << 5) | color;
      if (end === RAMP) {
        chan[c + TO] = IDLE;
        continue;
      }
      if (end < RAMP && linkHops !== undefined)
        m.ways![c >>> shift] = m.hop * linkHops[core * 4 + end];
      const to = end === FROM_CORE ? core : neighbour(core, end, width, height);
      const arrives = to >= 0 && hasSlot(channels, to, color);
      chan[c + TO] = arrives ? ~((to << 5) | color) : NOWHERE;
      if (arrives && ++heardOn[color * cores + to] > 1) m.meets = true;
    }
  }
}

/** Cycles from a router to the next one by a channel. */
export function cyclesOf(m: Clocked, c: number): number {
  return m.ways === undefined || c < 0 ? m.hop : m.ways[c >>> m.shift];
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
  const s = (color * channels.cores + core) * 8;
  if (slot[s] >= 0) chan[slot[s] + TO] = ~chan[slot[s] + TO];
  const port = 31 - Math.clz32(inputs);
  const input = inputs === 0 ? -1 : channelInto(channels, core, port, color);
  slot[s + INPUT] = input < 0 ? -1 : input << shift;
  slot[s + BACK] = port === RAMP ? m.ramp : cyclesOf(m, slot[s + INPUT]);
  router[core * 4 + HAVE] &= ~(1 << color);
  if (input >= 0) {
    const c = input << shift;
    chan[c + TO] = ~chan[c + TO];
    if (chan[c + SENT] !== chan[c + POPPED]) router[core * 4 + HAVE] |= 1 << color;
  }
  setOutputs(m, core, s, color, outputs);
  router[core * 4 + WAITING] &= ~(1 << color);
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
  const input = m.slot[(color * m.channels.cores + core) * 8 + INPUT];
  return input >= 0 && m.chan[input + SENT] !== m.chan[input + POPPED];
}

/** Counts wavelets of one colour that become eligible in one cycle on several ports of a router. */
export function hear(m: Clocked, c: number, at: number): void {
  const to = m.chan[c + TO] < 0 ? ~m.chan[c + TO] : m.chan[c + TO];
  const slot = (to & 31) * m.channels.cores + (to >>> 5);
  const heard = slot * m.hearing + (at & (m.hearing - 1));
  if (m.heard[heard] === at) m.hazards++;
  m.heard[heard] = at;
}
