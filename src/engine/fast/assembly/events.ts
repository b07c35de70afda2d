/**
 * When wavelets move, one by one: what follows a path back to its beginning (../../path) has to know. Only the
 * translation for that notes it (build.mjs), in a run of one tile.
 */
import { Channel, FROM_CORE, RAMP, header } from './machine';
import { allocateUnset, entry } from './memory';
import { Time } from './time';
import { calm, colorOf, endOf, fromOf, senderOf } from './words';

/**
 * Makes room for as many bytes of events as the host has written in place of their end. It comes last: there may be far
 * fewer than there is room for, and pages that are never touched are never committed.
 */
export function placeEvents(): void {
  header.events = allocateUnset(header.eventsEnd);
  header.eventsEnd += header.events;
}

/** Kinds: a wavelet leaves a router, a core sends one into its ramp, or takes one. */
export const event_departs: i32 = 0;
export const event_sends: i32 = 1;
export const event_takes: i32 = 2;

/** Of an event: core, kind and colour (as `fromOf` has them), the cycle, and of a departure its ports. */
export const EVENT_WORDS: i32 = 3;

/** A core sends into its ramp, or takes from its queue. */
@inline
export function noteAtCore(kind: i32, c: Channel, at: Time): void {
  const from = calm(c.from);
  note(senderOf(from), kind, colorOf(from), at, 0);
}

/** A wavelet leaves a router that it entered by a channel; outputs are a mask. */
@inline
export function noteDeparture(core: i32, color: i32, input: Channel, outputs: i32, at: Time): void {
  const end = endOf(calm(input.from));
  const port = end == FROM_CORE ? RAMP : end ^ 2;
  note(core, event_departs, color, at, port | (outputs << 8));
}

function note(core: i32, kind: i32, color: i32, at: Time, ports: i32): void {
  if (((entry(header.eventColors, core) >> color) & 1) == 0) return;
  const to = header.events;
  // The host makes room for all that a run before moved.
  if (to >= header.eventsEnd) unreachable();
  store<i32>(to, fromOf(core, kind, color));
  store<i32>(to, <i32>at, 4);
  store<i32>(to, ports, 8);
  header.events = to + 4 * EVENT_WORDS;
}
