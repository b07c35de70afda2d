/** Where the records of cores, routers, slots and channels are, and which core is whose neighbour. */
import { DELAYS } from './notes';
import { CORE_BYTES, Channel, Core, ENDS, Router, Slot, header } from './machine';
import { entry } from './memory';
import { calm, endOf, senderOf } from './words';

@inline
export function routerOf(core: i32): Router {
  return changetype<Router>(header.routers + (<usize>core << 4));
}

@inline
export function coreOf(core: i32): Core {
  return changetype<Core>(header.coreRecords + <usize>core * CORE_BYTES);
}

@inline
export function slotOf(core: i32, color: i32): Slot {
  return changetype<Slot>(header.slots + <usize>(color * header.cores + core) * header.slotBytes);
}

@inline
export function roleOf(core: i32): i32 {
  return entry(header.roleOf, core);
}

/** Has a router a slot for a colour? */
export function hasSlot(core: i32, color: i32): bool {
  return ((entry(header.slotted, roleOf(core)) >> color) & 1) == 1;
}

/** The channel by which a router sends a colour to a port, or its core into the ramp. */
export function channelFrom(core: i32, end: i32, color: i32): Channel | null {
  const kind = (roleOf(core) * header.colors + color) * ENDS + end;
  const i = <i32>load<i16>(header.local + (<usize>kind << 1));
  return i < 0 ? null : channelAt(core, i);
}

/** The i-th channel of a core. */
@inline
export function channelAt(core: i32, i: i32): Channel {
  return changetype<Channel>(entry(header.places, entry(header.placesFrom, core) + i));
}

/** The receiver's end of a channel from tile to tile. */
@inline
export function twinOf(c: Channel): Channel {
  return changetype<Channel>(load<usize>(changetype<usize>(c) + header.channelBytes));
}

/** Cycles from a router to the next one by a channel. */
@inline
export function cyclesOf(c: Channel): i32 {
  if (DELAYS) return c.cycles;
  return header.linkHops == 0 ? header.hop : cyclesOfLink(c.from);
}

function cyclesOfLink(from: i32): i32 {
  return header.hop * hopsOf(senderOf(calm(from)), endOf(from));
}

/** Hops of a core's link. */
export function hopsOf(core: i32, port: i32): i32 {
  if (header.linkHops == 0) return 1;
  const link = entry(header.placeOf, core) * 4 + port;
  return <i32>load<u16>(header.linkHops + (<usize>link << 1));
}

/** Is a router in a delay line (delays.ts), so that it has no channels? */
@inline
export function isDelayed(core: i32): bool {
  return DELAYS && portOfDelay(core) >= 0;
}

/** The port to which the delay line goes on that a router is in, or -1. */
export function portOfDelay(core: i32): i32 {
  return header.delayed == 0 ? -1 : <i32>load<u8>(header.delayed + core) - 1;
}

/** The core that hears what another one sends to a port, or -1. */
export function receiverOf(core: i32, port: i32): i32 {
  return beyondDelay(core, port, port);
}

/** The core that a core hears over a port, or -1. */
export function senderTo(core: i32, port: i32): i32 {
  return beyondDelay(core, port, port ^ 2);
}

/** The neighbour at a port, or where a delay line lies there the one beyond it; -1 if that goes on to another port. */
function beyondDelay(core: i32, port: i32, way: i32): i32 {
  let next = neighbour(core, port);
  while (next >= 0 && isDelayed(next)) next = portOfDelay(next) == way ? neighbour(next, port) : -1;
  return next;
}

/** The core beyond a link, or -1 if none is there that does anything. */
export function neighbour(core: i32, port: i32): i32 {
  const place = entry(header.placeOf, core);
  const width = header.width;
  const x = place % width;
  const y = place / width;
  if (port == 0) return y == 0 ? -1 : entry(header.coreAt, place - width);
  if (port == 1) return x == width - 1 ? -1 : entry(header.coreAt, place + 1);
  if (port == 2) return y == header.height - 1 ? -1 : entry(header.coreAt, place + width);
  return x == 0 ? -1 : entry(header.coreAt, place - 1);
}
