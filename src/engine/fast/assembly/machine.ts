/**
 * The machine's state as records in linear memory, and where they lie. Wavelets are counts and a few
 * cycles in a ring, not objects: a channel keeps for each wavelet in it the cycle from which it is
 * eligible, and for each place that was popped the cycle from which its sender has it again.
 */

/**
 * What the host says of program and wafer, and where its tables are; in the order of ../machine.ts.
 * Cores that never do anything are not among the `cores`.
 */
@unmanaged
export class Header {
  cores: i32;
  colors: i32;
  /** Of the program's rectangle, with all its cores. */
  width: i32;
  height: i32;
  roles: i32;
  /** Cycles of a link of one hop and of the ramp, places of a queue, cycles before a program. */
  hop: i32;
  ramp: i32;
  depth: i32;
  programStart: i32;
  /** Hops of the longest link. */
  longest: i32;
  /** By core: its role (u16), its place in the rectangle, the cycle it starts in. */
  roleOf: usize;
  placeOf: usize;
  startAt: usize;
  /** By place: the core, or -1; hops of its links (u16 by place * 4 + port; or none). */
  coreAt: usize;
  linkHops: usize;
  /** By role: list of operations; colours that have slots; its first channel kind; its first route. */
  listOf: usize;
  slotted: usize;
  kindsFrom: usize;
  routesFrom: usize;
  /** Kinds of channels that a role has (i32): colour * ENDS + end. */
  kinds: usize;
  routes: usize;
  /** By list of operations: its first, and one entry behind the last. */
  opsFrom: usize;
  ops: usize;
  /** Cycles of synthetic traffic (i32). */
  times: usize;
  /** Results, by core, by label, and by link (core * 4 + port). */
  end: usize;
  waitOutput: usize;
  labelEnd: usize;
  labelCore: usize;
  linkWavelets: usize;
}

@unmanaged
export class Route {
  color: i32;
  inputs: i32;
  outputs: i32;
}

/** Kinds of operations; a core with only the first three kinds' work is on a timer. */
export const FIXED: i32 = 0;
export const STREAM: i32 = 1;
export const ROUTE: i32 = 2;
export const TRAFFIC: i32 = 3;

@unmanaged
export class Op {
  kind: i32;
  setup: i32;
  cycles: i32;
  /** Wavelets of a stream, or sends of synthetic traffic. */
  count: i32;
  /** Colours received from and sent on, -1 for none. */
  source: i32;
  destination: i32;
  latency: i32;
  label: i32;
  /** 1 for the last operation of its label in its list. */
  last: i32;
  /** Of a route its colour, inputs and outputs; of traffic its first cycle in `times`, what it takes. */
  a: i32;
  b: i32;
  c: i32;
}

/** Ends of a core's channels of one colour: four links, the ramp to the core, the ramp from it. */
export const ENDS: i32 = 6;
export const RAMP: i32 = 4;
export const FROM_CORE: i32 = 5;

/**
 * The queue between a sender and a receiver; a ring of cycles follows it. It lies behind the slot that
 * reads it at first (one line of a cache for both), or on its own.
 */
@unmanaged
export class Channel {
  sent: i32;
  popped: i32;
  /** Router * 32 + colour, negative while it is not the slot's input; or one of those below. */
  to: i32;
  /** (Sender * 8 + end) * 32 + colour; with `WAITS`, if it is to be told of the next pop. */
  from: i32;

  @inline
  at(place: i32): i32 {
    return load<i32>(changetype<usize>(this) + ((<usize>(place & ringMask)) << 2), 16);
  }

  @inline
  setAt(place: i32, cycle: i32): void {
    store<i32>(changetype<usize>(this) + ((<usize>(place & ringMask)) << 2), cycle, 16);
  }
}

export const WAITS: i32 = i32.MIN_VALUE;

/** What becomes of a wavelet on its way to a core: taken as it comes, the core is woken, it waits. */
export const SINKS: i32 = i32.MIN_VALUE;
export const STREAMS: i32 = SINKS + 1;
export const IDLE: i32 = SINKS + 2;
/** The receiver of a channel that leads to a router without a route for the colour. */
export const NOWHERE: i32 = SINKS + 3;

/** One colour at one router. `back`: cycles until its sender knows of a pop. */
@unmanaged
export class Slot {
  input: Channel | null;
  outputs: i32;
  back: i32;
  /** Channels that a wavelet leaves by, in rising order of their ports, none behind the last. */
  out0: Channel | null;
  out1: Channel | null;
  out2: Channel | null;
  out3: Channel | null;
  out4: Channel | null;
}

/** Colours that hold wavelets, those that wait for a pop, and who is tried first. */
@unmanaged
export class Router {
  have: i32;
  waiting: i32;
  pointer: i32;
  unused: i32;
}

@unmanaged
export class Core {
  op: Op;
  /** Behind the last operation of its list. */
  behind: Op;
  /** What a visit means. */
  phase: i32;
  source: Channel | null;
  output: Channel | null;
  /** Wavelets to send and to take. */
  left: i32;
  takes: i32;
  /** The first cycles in which one more may be sent or taken, the latest of all. */
  nextSend: i32;
  nextTake: i32;
  latest: i32;
  /** Of traffic: the cycle it began in. */
  began: i32;
  /** Results in the pipeline: a bit each, bit 0 for the one at its end in cycle `pipeAt`. */
  pipe: i32;
  pipeAt: i32;
  stalledSince: i32;
  /** The timer of the core: its cycle, and who is behind it in the list. */
  timer: i32;
  next: i32;
}

export const NOT_STALLED: i32 = i32.MIN_VALUE;

/** Phases. */
export const STARTING: i32 = 0;
export const BEGINNING: i32 = 1;
export const CHANGING: i32 = 2;
export const STREAMING: i32 = 3;
export const MOVING: i32 = 4;
export const DONE: i32 = 5;

const HEADER_AT: usize = 64;
export const header: Header = changetype<Header>(HEADER_AT);

export let ringMask: i32 = 0;
/** Bytes of a channel, and of a slot with one. */
let channelBytes: usize = 0;
let slotBytes: usize = 0;
let slots: usize = 0;
/** Slots are numbered colour * cores + core; their number. */
export let slotCount: i32 = 0;
let routers: usize = 0;
let cores: usize = 0;
/** By core: its first entry in `places`, which has the address of each of its channels. */
let placesFrom: usize = 0;
let places: usize = 0;
/** Index (role * colors + color) * ENDS + end: which of its core's channels that is (i16), or -1. */
let local: usize = 0;

/** Machines that failed, cores that are done, pairs of wavelets that met (see fabric.ts). */
export let failed: bool = false;
export let done: i32 = 0;

export function fail(): void {
  failed = true;
}

export function countDone(): void {
  done++;
}

let heap: usize = 0;
/** Memory from here on was never used: it is zero, and costs nothing before it is. */
let fresh: usize = 0;

/** Memory for `bytes` of tables or state, full of zeros, from a multiple of 64 on. */
export function allocate(bytes: usize): usize {
  const before = fresh;
  const at = allocateUnset(bytes);
  if (at < before) memory.fill(at, 0, min(heap, before) - at);
  return at;
}

/** The same with anything in it. */
function allocateUnset(bytes: usize): usize {
  const at = heap;
  heap += (bytes + 63) & ~63;
  const missing = <i32>((heap + 0xffff) >> 16) - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) unreachable();
  fresh = max(fresh, heap);
  return at;
}

/** Forgets everything; the next to be allocated are the tables of a program. */
export function reset(): usize {
  heap = (HEADER_AT + offsetof<Header>() + 63) & ~63;
  heap = max(heap, (__heap_base + 63) & ~63);
  return HEADER_AT;
}

@inline
export function routerOf(core: i32): Router {
  return changetype<Router>(routers + ((<usize>core) << 4));
}

@inline
export function coreOf(core: i32): Core {
  return changetype<Core>(cores + ((<usize>core) << 6));
}

@inline
export function slotOf(core: i32, color: i32): Slot {
  return changetype<Slot>(slots + <usize>(color * header.cores + core) * slotBytes);
}

@inline
export function roleOf(core: i32): i32 {
  return load<u16>(header.roleOf + ((<usize>core) << 1));
}

/** An entry of a table of i32. */
@inline
export function entry(table: usize, index: i32): i32 {
  return load<i32>(table + ((<usize>index) << 2));
}

@inline
export function setEntry(table: usize, index: i32, value: i32): void {
  store<i32>(table + ((<usize>index) << 2), value);
}

/** Has a router a slot for a colour? */
export function hasSlot(core: i32, color: i32): bool {
  return ((entry(header.slotted, roleOf(core)) >> color) & 1) == 1;
}

/** The channel by which a router sends a colour to a port, or its core into the ramp. */
export function channelFrom(core: i32, end: i32, color: i32): Channel | null {
  const kind = (roleOf(core) * header.colors + color) * ENDS + end;
  const i = <i32>load<i16>(local + (<usize>kind << 1));
  return i < 0 ? null : channelAt(core, i);
}

/** The i-th channel of a core. */
@inline
export function channelAt(core: i32, i: i32): Channel {
  return changetype<Channel>(entry(places, entry(placesFrom, core) + i));
}

/** Cycles from a router to the next one by a channel. */
@inline
export function cyclesOf(c: Channel): i32 {
  return header.linkHops == 0 ? header.hop : cyclesOfLink(c.from);
}

function cyclesOfLink(from: i32): i32 {
  const link = entry(header.placeOf, (from & ~WAITS) >>> 8) * 4 + ((from >> 5) & 7);
  return header.hop * <i32>load<u16>(header.linkHops + (<usize>link << 1));
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

/** Lays the records of a program out, all of them empty. */
export function layOut(): void {
  const n = header.cores;
  failed = false;
  done = 0;
  const ring = powerOf2(header.depth);
  ringMask = ring - 1;
  channelBytes = (offsetof<Channel>() + 4 * <usize>ring + 15) & ~15;
  slotBytes = offsetof<Slot>() + channelBytes;
  let highest = -1;
  for (let role = 0; role < header.roles; role++)
    highest = max(highest, 31 - clz(entry(header.slotted, role)));
  slotCount = (highest + 1) * n;
  slots = allocateUnset(<usize>slotCount * slotBytes);
  for (let core = 0; core < n; core++)
    for (let bits = entry(header.slotted, roleOf(core)); bits != 0; bits &= bits - 1)
      memory.fill(changetype<usize>(slotOf(core, ctz(bits))), 0, slotBytes);
  routers = allocate(n * 16);
  cores = allocate(n * 64);
  layChannels(firstInputs());
}

/** By role and colour: the port from which its router reads the colour at first, or `NO_PORT`. */
function firstInputs(): usize {
  const inputs = allocate(header.roles * header.colors);
  memory.fill(inputs, NO_PORT, header.roles * header.colors);
  for (let role = 0; role < header.roles; role++) {
    const behind = entry(header.routesFrom, role + 1);
    for (let i = entry(header.routesFrom, role); i < behind; i++) {
      const route = changetype<Route>(header.routes + <usize>i * offsetof<Route>());
      if (route.inputs != 0)
        store<u8>(inputs + (role * header.colors + route.color), 31 - clz(route.inputs));
    }
  }
  return inputs;
}

const NO_PORT: u8 = 0xff;

/**
 * Channels that no slot reads at first lie side by side by colour and end, core by core: at any time
 * most cores of a region are at the same operation, and what they touch then is a few stretches of
 * memory rather than all of it.
 */
function layChannels(inputs: usize): void {
  const n = header.cores;
  const ofKinds = header.colors * ENDS;
  local = allocate(header.roles * ofKinds * 2);
  memory.fill(local, 0xff, header.roles * ofKinds * 2);
  for (let role = 0; role < header.roles; role++) {
    const from = entry(header.kindsFrom, role);
    for (let i = from; i < entry(header.kindsFrom, role + 1); i++)
      store<i16>(local + (<usize>(role * ofKinds + entry(header.kinds, i)) << 1), <i16>(i - from));
  }
  placesFrom = allocate((n + 1) * 4);
  for (let core = 0; core < n; core++) {
    const role = roleOf(core);
    const kinds = entry(header.kindsFrom, role + 1) - entry(header.kindsFrom, role);
    setEntry(placesFrom, core + 1, entry(placesFrom, core) + kinds);
  }
  places = allocate(entry(placesFrom, n) * 4);
  const next = allocate((ofKinds + 1) * 4);
  for (let core = 0; core < n; core++) {
    const role = roleOf(core);
    const from = entry(header.kindsFrom, role);
    for (let i = from; i < entry(header.kindsFrom, role + 1); i++) {
      const kind = entry(header.kinds, i);
      const behind = behindSlot(core, kind / ENDS, kind % ENDS, inputs);
      setEntry(places, entry(placesFrom, core) + i - from, <i32>behind);
      if (behind == 0) setEntry(next, kind + 1, entry(next, kind + 1) + 1);
    }
  }
  for (let kind = 0; kind < ofKinds; kind++)
    setEntry(next, kind + 1, entry(next, kind + 1) + entry(next, kind));
  const channels = allocate(<usize>entry(next, ofKinds) * channelBytes);
  for (let core = 0; core < n; core++) {
    const from = entry(header.kindsFrom, roleOf(core));
    const behind = entry(placesFrom, core + 1);
    for (let i = entry(placesFrom, core); i < behind; i++) {
      if (entry(places, i) != 0) continue;
      const kind = entry(header.kinds, from + i - entry(placesFrom, core));
      const at = entry(next, kind);
      setEntry(next, kind, at + 1);
      setEntry(places, i, <i32>(channels + <usize>at * channelBytes));
    }
  }
}

/** Where a channel lies behind the slot that reads it at first; 0 if none does. */
function behindSlot(core: i32, color: i32, end: i32, inputs: usize): usize {
  if (end == RAMP) return 0;
  const to = end == FROM_CORE ? core : neighbour(core, end);
  if (to < 0 || !hasSlot(to, color)) return 0;
  const port = end == FROM_CORE ? RAMP : end ^ 2;
  if (<i32>load<u8>(inputs + (roleOf(to) * header.colors + color)) != port) return 0;
  return changetype<usize>(slotOf(to, color)) + offsetof<Slot>();
}

/** The least power of two that is not less than `n`. */
export function powerOf2(n: i32): i32 {
  return n <= 1 ? 1 : 1 << (32 - clz(n - 1));
}
