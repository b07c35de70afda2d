/**
 * Switches: routers that change a colour's route when a marked wavelet leaves them. Channels have a mark for
 * each place if the program marks any wavelet at all.
 */
import { Channel, RAMP, Route, Slot, header } from './machine';
import { allocateUnset, entry, setEntry } from './memory';
import { roleOf, twinOf } from './places';
import { Time } from './time';
import { FAR } from './words';

const NO_SWITCH: i32 = -1;

/** All switches at their first settings. */
export function createSwitches(): void {
  header.standing = allocateUnset(<u64>header.slotCount * 4);
  memory.fill(header.standing, 0xff, <usize>header.slotCount * 4);
  for (let core = 0; core < header.cores; core++) {
    const role = roleOf(core);
    const end = entry(header.routesFrom, role + 1);
    for (let i = entry(header.routesFrom, role); i < end; i++) {
      const route = routeAt(i);
      setEntry(header.standing, slotNumber(core, route.color), route.next < 0 ? NO_SWITCH : i);
    }
  }
}

function routeAt(i: i32): Route {
  return changetype<Route>(header.routes + <usize>i * offsetof<Route>());
}

@inline
function slotNumber(core: i32, color: i32): i32 {
  return color * header.cores + core;
}

/** Does a slot belong to a switch? */
export function isSwitch(slot: i32): bool {
  return header.switches == 1 && entry(header.standing, slot) != NO_SWITCH;
}

/** The wavelet sent last on a channel is marked; in another tile, its receiver's end of it says so. */
export function markLast(c: Channel): void {
  const end = c.to == FAR ? twinOf(c) : c;
  store<u8>(markAt(end, c.sent - 1), 1);
}

@inline
function markAt(c: Channel, place: Time): usize {
  return changetype<usize>(c) + header.marksAt + (<usize>place & header.markMask);
}

/** Is the wavelet at a place of a channel marked? The place is not from now on. */
export function takeMark(c: Channel, place: Time): bool {
  const mark = markAt(c, place);
  if (load<u8>(mark) == 0) return false;
  store<u8>(mark, 0);
  return true;
}

/** A marked wavelet has left by all outputs of a slot: it is marked where it goes. */
export function markNext(slot: Slot): void {
  let out = changetype<usize>(slot) + offsetof<Slot>('out0');
  // The ramp to the core is the last output; cores do not look at marks.
  for (let left = popcnt(slot.outputs & ~(1 << RAMP)); left > 0; left--) {
    markLast(changetype<Channel>(load<usize>(out)));
    out += sizeof<usize>();
  }
}

/** The setting that a switch stands at from now on, after its present one; null if it stays there. */
export function nextSetting(core: i32, color: i32): Route | null {
  const slot = slotNumber(core, color);
  if (!isSwitch(slot)) return null;
  const next = routeAt(entry(header.standing, slot)).next;
  if (next < 0) return null;
  setEntry(header.standing, slot, next);
  return routeAt(next);
}
