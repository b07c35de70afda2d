/** Channels and routes of the engine on a clock, as fields of flat arrays (see clocked.ts). */
import { PORTS } from '../../hardware/mesh.js';
import { channelFrom, channelInto } from './channels.js';
import type { Clocked } from './clocked.js';

/** Fields of a channel: one cache line holds two. */
export const AVAILABLE = 0;
export const CREDIT = 1;
export const SENT = 2;
export const TO = 3;
export const FROM = 4;
export const KIND = 5;
export const FLAGS = 6;
export const HELD = 7;
/** Flags of a channel: it is its receiver's input, its sender's output, one of several inputs. */
export const IS_INPUT = 1;
export const IS_OUTPUT = 2;
export const MEETS = 4;
/** Fields of a slot: its input channel, the mask of its ports, its channels, those without credit. */
export const OUTPUTS = 1;
export const FIRST_OUT = 2;
export const BLOCKED = 7;

/** Channels with all slots free. */
export function fillChannels(m: Clocked, depth: number): void {
  const { channels, chan, slots } = m;
  const inputs = new Uint8Array(channels.cores * slots);
  for (let core = 0; core < channels.cores; core++) {
    const role = channels.roleOf[core];
    channels.ends[role].forEach(({ color }, i) => {
      const channel = channels.base[core] + i;
      const c = channel << 3;
      const slot = channels.slotOf[role * channels.colors + color];
      chan[c + CREDIT] = depth;
      chan[c + KIND] = channels.kind[channel];
      chan[c + FROM] = (core << 5) | (slot < 0 ? 0 : slot);
      const toSlot = channels.toSlot[channel];
      chan[c + TO] = (channels.toCore[channel] << 5) | (toSlot < 0 ? 0 : toSlot);
      if (toSlot >= 0) inputs[channels.toCore[channel] * slots + toSlot]++;
    });
  }
  for (let c = 0; c < chan.length; c += 8) {
    if (channels.toSlot[c >> 3] < 0) continue;
    if (inputs[(chan[c + TO] >>> 5) * slots + (chan[c + TO] & 31)] > 1) chan[c + FLAGS] |= MEETS;
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
  const { channels, chan, slot } = m;
  const local = channels.slotOf[channels.roleOf[core] * channels.colors + color];
  const s = (core * m.slots + local) << 3;
  if (slot[s] >= 0) chan[(slot[s] << 3) + FLAGS] &= ~IS_INPUT;
  const input = inputs === 0 ? -1 : channelInto(channels, core, 31 - Math.clz32(inputs), color);
  slot[s] = input;
  m.have[core] &= ~(1 << local);
  if (input >= 0) {
    chan[(input << 3) + FLAGS] |= IS_INPUT;
    if (chan[(input << 3) + AVAILABLE] > 0) m.have[core] |= 1 << local;
  }
  setOutputs(m, core, local, color, outputs);
}

/** A slot without outputs is blocked for good: its wavelets wait until the route changes. */
export function setOutputs(
  m: Clocked,
  core: number,
  local: number,
  color: number,
  outputs: number,
): void {
  const { chan, slot } = m;
  const s = (core * m.slots + local) << 3;
  for (let i = s + FIRST_OUT; i < s + BLOCKED; i++) {
    if (slot[i] >= 0) chan[(slot[i] << 3) + FLAGS] &= ~IS_OUTPUT;
    slot[i] = -1;
  }
  let next = s + FIRST_OUT;
  slot[s + BLOCKED] = outputs === 0 ? 1 : 0;
  slot[s + OUTPUTS] = outputs;
  for (let port = 0; port < PORTS; port++) {
    if (((outputs >> port) & 1) === 0) continue;
    const channel = channelFrom(m.channels, core, port, color);
    slot[next++] = channel;
    chan[(channel << 3) + FLAGS] |= IS_OUTPUT;
    if (chan[(channel << 3) + CREDIT] === 0) slot[s + BLOCKED]++;
  }
  if (slot[s + BLOCKED] > 0) m.blocked[core] |= 1 << local;
  else m.blocked[core] &= ~(1 << local);
}

/** Does the present input of a colour hold wavelets, those on their way to it included? */
export function holdsWavelets(m: Clocked, core: number, color: number): boolean {
  const local = m.channels.slotOf[m.channels.roleOf[core] * m.channels.colors + color];
  const channel = m.slot[(core * m.slots + local) << 3];
  return channel >= 0 && m.chan[(channel << 3) + HELD] > 0;
}
