/** Lays the records of a program out in memory, all of them empty. */
import { findDelays, queuesOf } from './delays';
import { CORE_BYTES, Channel, ENDS, FROM_CORE, RAMP, RING_AT } from './machine';
import { Route, Slot, header } from './machine';
import { allocate, allocateUnset, entry, powerOf2, setEntry } from './memory';
import { hasSlot, isDelayed, receiverOf, roleOf, slotOf } from './places';
import { DELAYS } from './notes';
import { tileOf, tilesMeet } from './tiles';
import { Time } from './time';

const NO_PORT: u8 = 0xff;

export function layOut(): void {
  const cores = header.cores;
  const ring = powerOf2(header.depth);
  header.ringMask = ring - 1;
  header.marksAt = RING_AT + sizeof<Time>() * <usize>ring;
  // The wavelet after a popped one may take its place before its mark is looked at.
  header.markMask = 2 * ring - 1;
  const marks: usize = header.marked == 0 ? 0 : <usize>(2 * ring);
  header.channelBytes = (header.marksAt + marks + 15) & ~15;
  header.slotBytes = offsetof<Slot>() + header.channelBytes;
  let highest = -1;
  for (let role = 0; role < header.roles; role++)
    highest = max(highest, 31 - clz(entry(header.slotted, role)));
  header.slotCount = (highest + 1) * cores;
  numberKinds();
  if (DELAYS) findDelays();
  // Most slots are never used, and pages that are never touched are never committed.
  header.slots = allocateUnset(<u64>header.slotCount * header.slotBytes);
  for (let core = 0; core < cores; core++) {
    if (isDelayed(core)) continue;
    for (let bits = entry(header.slotted, roleOf(core)); bits != 0; bits &= bits - 1)
      memory.fill(changetype<usize>(slotOf(core, ctz(bits))), 0, header.slotBytes);
  }
  header.routers = allocate(cores * 16);
  header.coreRecords = allocate(<u64>cores * CORE_BYTES);
  countChannels();
  placeChannels(firstInputs());
}

/** By role and colour: the port from which its router reads the colour at first, or `NO_PORT`. */
function firstInputs(): usize {
  const inputs = allocate(header.roles * header.colors);
  memory.fill(inputs, NO_PORT, header.roles * header.colors);
  for (let role = 0; role < header.roles; role++) {
    const end = entry(header.routesFrom, role + 1);
    for (let i = entry(header.routesFrom, role); i < end; i++) {
      const route = changetype<Route>(header.routes + <usize>i * offsetof<Route>());
      if (route.inputs != 0)
        store<u8>(inputs + (role * header.colors + route.color), 31 - clz(route.inputs));
    }
  }
  return inputs;
}

/** Fills `local`. */
function numberKinds(): void {
  const ofKinds = header.colors * ENDS;
  header.local = allocate(header.roles * ofKinds * 2);
  memory.fill(header.local, 0xff, header.roles * ofKinds * 2);
  for (let role = 0; role < header.roles; role++) {
    const from = entry(header.kindsFrom, role);
    for (let i = from; i < entry(header.kindsFrom, role + 1); i++) {
      const kind = <usize>(role * ofKinds + entry(header.kinds, i));
      store<i16>(header.local + (kind << 1), <i16>(i - from));
    }
  }
}

/** Fills `placesFrom`. */
function countChannels(): void {
  header.placesFrom = allocate((header.cores + 1) * 4);
  for (let core = 0; core < header.cores; core++) {
    const role = roleOf(core);
    const kinds = entry(header.kindsFrom, role + 1) - entry(header.kindsFrom, role);
    const own = isDelayed(core) ? 0 : kinds;
    setEntry(header.placesFrom, core + 1, entry(header.placesFrom, core) + own);
  }
}

/**
 * Channels that no slot reads at first lie side by side by colour and end, core by core: at any time
 * most cores of a region are at the same operation, and what they touch then is a few stretches of
 * memory rather than all of it.
 */
function placeChannels(inputs: usize): void {
  const ofKinds = header.colors * ENDS;
  header.places = allocate(entry(header.placesFrom, header.cores) * 4);
  const next = allocate((ofKinds + 1) * 4);
  for (let core = 0; core < header.cores; core++) {
    const from = entry(header.placesFrom, core);
    const end = entry(header.placesFrom, core + 1);
    for (let i = from; i < end; i++) {
      const kind = entry(header.kinds, entry(header.kindsFrom, roleOf(core)) + i - from);
      const place = placeOf(core, kind / ENDS, kind % ENDS, inputs);
      setEntry(header.places, i, <i32>place);
      if (place == 0) setEntry(next, kind + 1, entry(next, kind + 1) + 1);
    }
  }
  for (let kind = 0; kind < ofKinds; kind++)
    setEntry(next, kind + 1, entry(next, kind + 1) + entry(next, kind));
  const channels = allocate(<u64>entry(next, ofKinds) * header.channelBytes);
  for (let core = 0; core < header.cores; core++) {
    const from = entry(header.placesFrom, core);
    const end = entry(header.placesFrom, core + 1);
    for (let i = from; i < end; i++) {
      if (entry(header.places, i) != 0) continue;
      const kind = entry(header.kinds, entry(header.kindsFrom, roleOf(core)) + i - from);
      const at = entry(next, kind);
      setEntry(next, kind, at + 1);
      setEntry(header.places, i, <i32>(channels + <usize>at * header.channelBytes));
    }
  }
}

/** A place for a channel after the slot that reads it at first, or in two tiles; 0 if it needs neither. */
function placeOf(core: i32, color: i32, end: i32, inputs: usize): usize {
  if (end == RAMP) return 0;
  const to = end == FROM_CORE ? core : receiverOf(core, end);
  if (to < 0 || !hasSlot(to, color)) return 0;
  const queues = DELAYS && end != FROM_CORE ? queuesOf(core, end) : 1;
  if (queues > 1) return allocate(bytesOfDelay(queues));
  const port = end == FROM_CORE ? RAMP : end ^ 2;
  let place: usize = 0;
  if (<i32>load<u8>(inputs + (roleOf(to) * header.colors + color)) == port)
    place = changetype<usize>(slotOf(to, color)) + offsetof<Slot>();
  if (!tilesMeet() || tileOf(core) == tileOf(to)) return place;
  header.crossings++;
  const near = allocate(header.channelBytes + sizeof<usize>());
  store<usize>(near + header.channelBytes, place != 0 ? place : allocate(header.channelBytes));
  return near;
}

/** Bytes of a channel that is so many queues. */
function bytesOfDelay(queues: i32): usize {
  const ring = <usize>powerOf2(queues * header.depth);
  return RING_AT + sizeof<Time>() * ring;
}
