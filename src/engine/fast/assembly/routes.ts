/** Routes of the machine: which channel a slot reads, and which ones it feeds. */
import { DELAYS } from './notes';
import { queuesOf } from './delays';
import { Channel, ENDS, FROM_CORE, RAMP, Route, Slot, header } from './machine';
import { allocate, entry, powerOf2 } from './memory';
import { channelAt, channelFrom, cyclesOf, hasSlot, hopsOf, isDelayed } from './places';
import { receiverOf, roleOf, routerOf, senderTo, slotOf, twinOf } from './places';
import { createSwitches, isSwitch, markNext, nextSetting, takeMark } from './switches';
import { tileOf, tilesMeet } from './tiles';
import { LONG_AGO, Time } from './time';
import { wakeRouter, window } from './due';
import { FAR, IDLE, NOWHERE, WAITS, calm, colorOf, endOf, fromOf } from './words';
import { readerOf, routerWord, senderOf, toOf } from './words';

/** Pairs of wavelets of one colour that reached one router of this tile in one cycle. */
export let hazards: i32 = 0;

export function noHazards(): void {
  hazards = 0;
}

/** Channels with all places free, and the first routes of all routers. */
export function createRoutes(): void {
  const cores = header.cores;
  if (header.switches == 1) createSwitches();
  const heardOn = allocate(cores * header.colors);
  for (let core = 0; core < cores; core++) {
    if (isDelayed(core)) continue;
    const role = roleOf(core);
    const from = entry(header.kindsFrom, role);
    const end = entry(header.kindsFrom, role + 1);
    for (let i = from; i < end; i++)
      connect(channelAt(core, i - from), core, entry(header.kinds, i), heardOn);
  }
  if (header.meets) {
    const entries = <u64>header.slotCount * window;
    header.arrivals = allocate(entries * sizeof<Time>());
    for (let i: u64 = 0; i < entries; i++) store<Time>(arrivalAt(<usize>i), LONG_AGO);
  }
  for (let core = 0; core < cores; core++) {
    if (isDelayed(core)) continue;
    const role = roleOf(core);
    const end = entry(header.routesFrom, role + 1);
    for (let i = entry(header.routesFrom, role); i < end; i++)
      setRoute(core, changetype<Route>(header.routes + <usize>i * offsetof<Route>()));
  }
}

/** A channel from an end of a core for a colour, to the router or core at its other end. */
function connect(c: Channel, core: i32, kind: i32, heardOn: usize): void {
  const color = kind / ENDS;
  const end = kind % ENDS;
  const from = fromOf(core, end, color);
  if (end == RAMP) {
    fill(c, from, IDLE);
    return;
  }
  const to = end == FROM_CORE ? core : receiverOf(core, end);
  if (to < 0 || !hasSlot(to, color)) {
    fill(c, from, NOWHERE);
    return;
  }
  const receiver = ~toOf(to, color);
  if (!tilesMeet() || tileOf(core) == tileOf(to)) fill(c, from, receiver);
  else {
    fill(c, from, FAR);
    // The other tile receives every pop.
    fill(twinOf(c), from | WAITS, receiver);
  }
  const ports = heardOn + <usize>(color * header.cores + to);
  if (load<u8>(ports) == 1 && !isSwitch(color * header.cores + to)) header.meets = true;
  store<u8>(ports, 1);
}

function fill(c: Channel, from: i32, to: i32): void {
  c.from = from;
  c.to = to;
  if (DELAYS) measure(c, senderOf(from), endOf(from));
  for (let place: Time = 0; <usize>place <= c.mask; place++) c.setAt(place, LONG_AGO);
}

/** How many places a channel has, and cycles its link. */
function measure(c: Channel, core: i32, end: i32): void {
  const queues = end < RAMP ? queuesOf(core, end) : 1;
  const hops = queues > 1 ? queues : end < RAMP ? hopsOf(core, end) : 0;
  const depth = queues * header.depth;
  c.setOwn(powerOf2(depth) - 1, depth, hops * header.hop);
}

/** The channel that brings wavelets of a colour to a router's port (RAMP: from its core). */
function channelInto(core: i32, port: i32, color: i32): Channel | null {
  if (port == RAMP) return channelFrom(core, FROM_CORE, color);
  const from = senderTo(core, port);
  if (from < 0) return null;
  const c = channelFrom(from, port ^ 2, color);
  return c != null && c.to == FAR ? twinOf(c) : c;
}

/**
 * Gives a colour at a router its route. It does not wait for a pop then: that only a colour with wavelets does,
 * whose route may not change.
 */
export function setRoute(core: i32, route: Route): void {
  const color = route.color;
  const slot = slotOf(core, color);
  const router = routerOf(core);
  const before = slot.input;
  if (before != null) before.to = ~before.to;
  const port = 31 - clz(route.inputs);
  let input: Channel | null = null;
  if (route.inputs != 0) input = channelInto(core, port, color);
  slot.input = input;
  slot.back = port == RAMP || input == null ? header.ramp : cyclesOf(input);
  router.have &= ~(1 << color);
  if (input != null) {
    input.to = ~input.to;
    if (input.sent != input.popped) router.have |= 1 << color;
  }
  slot.outputs = route.outputs;
  setOutputs(slot, core, color, route.outputs);
}

/**
 * A wavelet has left a slot in cycle `t`. If it is marked, it is so where it goes, and a switch stands at its
 * next setting from the next cycle on.
 */
export function passMark(core: i32, color: i32, t: Time): void {
  const slot = slotOf(core, color);
  const input = slot.input!;
  if (!takeMark(input, input.popped - 1)) return;
  markNext(slot);
  const route = nextSetting(core, color);
  if (route == null) return;
  setRoute(core, route);
  wakeRouter(core, t + 1);
}

function setOutputs(slot: Slot, core: i32, color: i32, outputs: i32): void {
  let out = changetype<usize>(slot) + offsetof<Slot>('out0');
  memory.fill(out, 0, 5 * sizeof<usize>());
  for (let port = 0; port <= RAMP; port++) {
    if (((outputs >> port) & 1) == 0) continue;
    store<usize>(out, changetype<usize>(channelFrom(core, port, color)));
    out += sizeof<usize>();
  }
}

/** Does the present input of a colour hold wavelets, those on their way to it included? */
export function holdsWavelets(core: i32, color: i32): bool {
  const input = slotOf(core, color).input;
  return input != null && input.sent != input.popped;
}

/** A wavelet is on its way to a router, which may pass it on from cycle `at` on. */
@inline
export function arrive(c: Channel, at: Time): void {
  const sent = c.sent;
  c.sent = sent + 1;
  c.setAt(sent, at);
  const to = c.to;
  if (to >= 0) routerOf(readerOf(to)).have |= 1 << colorOf(to);
  wakeRouter(readerOf(routerWord(to)), at);
  if (header.meets) noteArrival(c, at);
}

/** A router that waits for a place in a channel looks again in cycle `at`. */
@inline
export function wakeSender(c: Channel, at: Time): void {
  const from = calm(c.from);
  c.from = from;
  routerOf(senderOf(from)).waiting &= ~(1 << colorOf(from));
  wakeRouter(senderOf(from), at);
}

@inline
function arrivalAt(index: usize): usize {
  return header.arrivals + (index << alignof<Time>());
}

/** Counts wavelets of one colour that become eligible in one cycle on several ports of a router. */
export function noteArrival(c: Channel, at: Time): void {
  const to = routerWord(c.to);
  const slot = colorOf(to) * header.cores + readerOf(to);
  if (isSwitch(slot)) return;
  const last = arrivalAt(<usize>slot * window + (<i32>at & (window - 1)));
  if (load<Time>(last) == at) hazards++;
  store<Time>(last, at);
}
