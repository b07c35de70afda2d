/**
 * The machine's state as records in linear memory, which all threads of a run share. Wavelets are counts
 * and a few cycles in a ring, not objects: a channel keeps for each wavelet in it the cycle from which it
 * is eligible, and for each place that was popped the cycle from which its sender has it again.
 */
import { DELAYS } from './notes';
import { LONG_AGO, Time } from './time';

/**
 * What the host says of program and wafer, and where its tables are (see shared.ts and ../tables.ts); then
 * where the state is. Cores that never do anything are not among the `cores`.
 */
@unmanaged
export class Header {
  /** Cycles before a program, and the last cycle that this run may reach. */
  programStart: f64;
  furthest: f64;
  cores: i32;
  colors: i32;
  /** Of the program's rectangle, with all its cores. */
  width: i32;
  height: i32;
  roles: i32;
  labels: i32;
  /** Cycles of a link of one hop and of the ramp, places of a queue. */
  hop: i32;
  ramp: i32;
  depth: i32;
  /** Hops of the longest link. */
  longest: i32;
  /** Bits of the colours of which wavelets may be marked; 1 if some router is a switch. */
  marked: i32;
  switches: i32;
  /** How many tiles there are, one for each thread: the cores are cut into them, or they go through parts. */
  tiles: i32;
  /** Parts that nothing connects: how many, or 0; by part its first core, and one past the last (i32). */
  parts: i32;
  partsFrom: usize;
  /** By core: the cycle it starts in (f64); its role, its place in the rectangle. */
  startAt: usize;
  roleOf: usize;
  placeOf: usize;
  /** By place: the core, or -1; hops of its links (u16 by place * 4 + port; or none). */
  coreAt: usize;
  linkHops: usize;
  /** By core: 0, or 1 and the port to which a delay line (delays.ts) goes on that it is in; or none. */
  delayed: usize;
  /** By role: list of operations; colours that have slots; its first channel kind; its first route. */
  listOf: usize;
  slotted: usize;
  kindsFrom: usize;
  routesFrom: usize;
  /** Kinds of channels that a role has (i32): colour * ENDS + end. */
  kinds: usize;
  routes: usize;
  /** By list of operations: its first, and one past the end of the last. */
  opsFrom: usize;
  ops: usize;
  /** Gaps of synthetic traffic, as ../gaps.ts writes them. */
  gaps: usize;
  /** Of exchanges that take several vectors: wavelets still to take (i32), by core * colors + colour. */
  toTake: usize;
  /**
   * Results, by core, by link (core * 4 + port), and by label; all f64, but i32 for `labelCore`, and for waits of
   * labels i64 until the run is over. `labelWait` has both causes.
   */
  end: usize;
  waitOutput: usize;
  linkWavelets: usize;
  labelEnd: usize;
  labelCore: usize;
  labelWait: usize;
  labelWaitOutput: usize;
  /**
   * Instants of synthetic traffic, if they are asked for: by core its next entries in `entered` and in
   * `taken` (core * 2, core * 2 + 1); the cycles of sends and of takes (f64), and the colours of these (u8).
   */
  notes: usize;
  entered: usize;
  taken: usize;
  takenColor: usize;
  /** Of lines (moves.ts): what is noted of each router; rows of bits of its cycles, so many words each. */
  moves: usize;
  moveBits: usize;
  moveWords: i32;
  /**
   * Of lines (quiet.ts): the number of quiet points; of each its cycle, that from which on all is over that was known
   * by then and, by label, cores in it and those of them that wait for output; by core, bits of the points at which it
   * does that.
   */
  quietCount: i32;
  quiets: usize;
  quietCores: usize;
  /** Of lines: pointers that others leave at their routers (router, cycle, pointer; then router -1), or 0. */
  nudges: usize;
  /** Where the next event is noted (events.ts), and where room for them ends; before the run how many bytes it has. */
  events: usize;
  eventsEnd: usize;
  /** By core: bits of the colours of which events are noted. */
  eventColors: usize;

  /** Masks an index into a channel's ring. */
  ringMask: usize;
  /** Bytes of a channel, and of a slot with one. */
  channelBytes: usize;
  slotBytes: usize;
  slots: usize;
  /** Slots are numbered colour * cores + core; their number. */
  slotCount: i32;
  routers: usize;
  coreRecords: usize;
  /** By core: its first entry in `places`, which has the address of each of its channels. */
  placesFrom: usize;
  places: usize;
  /** Index (role * colors + color) * ENDS + end: which of its core's channels that is (i16), or -1. */
  local: usize;
  /** Where marks of wavelets are in a channel, two bytes for each place, if some may be marked; their mask. */
  marksAt: usize;
  markMask: usize;
  /** By slot of a switch: the number of the route that it stands at; -1 of other slots. */
  standing: usize;
  /** Channels that lead from tile to tile. */
  crossings: i32;
  /** Can a colour arrive at some router on two ports? By slot, the last cycles in which one did. */
  meets: bool;
  arrivals: usize;
}

@unmanaged
export class Route {
  color: i32;
  inputs: i32;
  outputs: i32;
  /** Of a router's route, not of an operation: the number of the one that a marked wavelet sets, or -1. */
  next: i32;
}

/** Kinds of operations. */
export const FIXED: i32 = 0;
export const STREAM: i32 = 1;
export const ROUTE: i32 = 2;
export const TRAFFIC: i32 = 3;
export const TASK: i32 = 4;

/** In place of a latency: traffic that takes a number of wavelets of each colour. */
export const COUNTED_TAKES: i32 = -1;

@unmanaged
export class Op {
  setup: i64;
  /** Of a task: for each wavelet. */
  cycles: i64;
  kind: i32;
  /** Wavelets of a stream or task, or sends of synthetic traffic. */
  count: i32;
  /** Colours received from and sent on, -1 for none. */
  source: i32;
  destination: i32;
  latency: i32;
  label: i32;
  /** 1 for the last operation of its label in its list. */
  last: i32;
  /** Of a route, of traffic and of what marks wavelets more, see below. */
  a: i32;
  b: i32;
  c: i32;
  /** Which of its core's channels a stream takes from and sends to. */
  sourcePlace: i32;
  outputPlace: i32;

  /** Of what touches the fabric, but for a route: the cycles in which it computes. */
  get busy(): i64 {
    const count = <i64>this.count;
    if (this.kind == TRAFFIC) return count;
    const sends = this.destination >= 0;
    if (this.kind == TASK) return count * this.cycles + <i64>sends;
    return sends ? count + <i64>this.latency : count;
  }

  /** Of a route: itself. */
  @inline
  get route(): Route {
    return changetype<Route>(changetype<usize>(this) + offsetof<Op>('a'));
  }

  /** Of a stream or task: is its last wavelet marked? */
  @inline
  get marks(): bool {
    return this.a == 1;
  }

  /** Of traffic: its first of `gaps`. */
  @inline
  get firstGap(): i32 {
    return this.a;
  }

  /** Wavelets that it takes. */
  @inline
  get toTake(): i32 {
    return this.b;
  }

  /** Does it take a number of wavelets of each colour? They stand before its gaps. */
  @inline
  get counts(): bool {
    return this.kind == TRAFFIC && this.latency == COUNTED_TAKES;
  }

  /** Bits of the colours that it takes, if they are several. */
  @inline
  get several(): i32 {
    return this.c;
  }
}

/** Ends of a core's channels of one colour: four links, the ramp to the core, the ramp from it. */
export const ENDS: i32 = 6;
export const RAMP: i32 = 4;
export const FROM_CORE: i32 = 5;

/** Bytes for a channel's own ring and link, after its record, where there are delay lines. */
const OWN_BYTES: usize = DELAYS ? 16 : 0;

/**
 * The queue between a sender and a receiver; a ring of cycles follows it. It lies after the slot that
 * reads it at first (one line of a cache for both), or on its own. A channel from tile to tile
 * exists twice: each tile keeps its own end of it.
 */
@unmanaged
export class Channel {
  /** Wavelets sent and popped: one a cycle, so they fit a time. */
  sent: Time;
  popped: Time;
  /** Its reader and its sender (words.ts). */
  to: i32;
  from: i32;

  @inline
  at(place: Time): Time {
    return load<Time>(
      changetype<usize>(this) + ((<usize>place & this.mask) << alignof<Time>()),
      RING_AT,
    );
  }

  @inline
  setAt(place: Time, cycle: Time): void {
    store<Time>(
      changetype<usize>(this) + ((<usize>place & this.mask) << alignof<Time>()),
      cycle,
      RING_AT,
    );
  }

  /** Masks an index into its ring. */
  @inline
  get mask(): usize {
    return DELAYS ? load<usize>(changetype<usize>(this), offsetof<Channel>()) : header.ringMask;
  }

  /** Its places. */
  @inline
  get depth(): i32 {
    return DELAYS ? load<i32>(changetype<usize>(this), offsetof<Channel>() + 4) : header.depth;
  }

  /** Cycles of its link, if there are delay lines (see `cyclesOf` in places.ts). */
  @inline
  get cycles(): i32 {
    return load<i32>(changetype<usize>(this), offsetof<Channel>() + 8);
  }

  /** Says for how many places its ring is, and how long its link takes. */
  setOwn(mask: i32, depth: i32, cycles: i32): void {
    store<i32>(changetype<usize>(this), mask, offsetof<Channel>());
    store<i32>(changetype<usize>(this), depth, offsetof<Channel>() + 4);
    store<i32>(changetype<usize>(this), cycles, offsetof<Channel>() + 8);
  }
}

/** Where a channel's ring begins: as an offset in the instruction it costs nothing. */
export const RING_AT: usize = offsetof<Channel>() + OWN_BYTES;

/** One colour at one router. `back`: cycles until its sender knows of a pop. */
@unmanaged
export class Slot {
  input: Channel | null;
  outputs: i32;
  back: i32;
  /** Channels that a wavelet leaves by, in rising order of their ports, null after the last. */
  out0: Channel | null;
  out1: Channel | null;
  out2: Channel | null;
  out3: Channel | null;
  out4: Channel | null;
}

/** Colours that hold wavelets, those that wait for a pop, and the one that is tried first. */
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
  /** One past the last operation of its list. */
  opsEnd: Op;
  /** What its timer means. */
  phase: i32;
  source: Channel | null;
  output: Channel | null;
  /** Wavelets to send and to take. */
  left: i32;
  takes: i32;
  /** The first cycles in which one more may be sent or taken, the latest of all. */
  nextSend: Time;
  nextTake: Time;
  latest: Time;
  /** Of traffic: the cycle before which the next wavelet may not leave. */
  sendAt: Time;
  /**
   * Results in the pipeline: a bit each, bit 0 for the one at its end in cycle `pipeAt`. Traffic has no
   * pipeline: here it keeps the address of its next gap. A task works until `pipeAt`, on 1 or 0 wavelets.
   */
  pipe: i32;
  pipeAt: Time;
  stalledSince: Time;
  /** The timer of the core: its cycle, and the next core in the list. */
  timer: Time;
  next: i32;
}

/** Bytes of a core's record: the least power of two. */
export const CORE_BYTES: usize = sizeof<Time>() == 4 ? 64 : 128;

export const NOT_STALLED: Time = LONG_AGO;

/** Phases. */
export const STARTING: i32 = 0;
export const BEGINNING: i32 = 1;
export const CHANGING: i32 = 2;
export const STREAMING: i32 = 3;
export const MOVING: i32 = 4;
export const DONE: i32 = 5;
export const WORKING: i32 = 6;

/** In `gaps`: followed by a gap in eight bytes (f64), or by a colour and a gap. */
export const LONG: u8 = 255;
export const RECOLOR: u8 = 254;

/** How many cycles ahead a send can be announced. */
export const AHEAD: i32 = 8;

const HEADER_AT: usize = 64;
export const header: Header = changetype<Header>(HEADER_AT);
