/**
 * The fabric of a program as flat tables, by role. A *slot* is one colour at one router; a *channel* is
 * the queue between a sender and a receiver: from a router by a link to the next router, from a router
 * to its core, or from a core into its router. Only those exist that some route or operation names.
 */
import { RAMP } from '../../hardware/mesh.js';
import { outputsOf } from '../../program/program.js';
import type { Route, Setting } from '../../program/program.js';
import { ENDS, FROM_CORE, OP, OP_WORDS, ROUTE, ROUTE_WORDS } from './machine-code.js';
import type { LaidOperations } from './operations.js';

const RAMPS = (1 << RAMP) | (1 << FROM_CORE);
/** Next to the bits of ends: the colour has a slot in the router. */
const ROUTED = 1 << ENDS;

export interface Channels {
  /** By role: bits of the colours that have a slot in its router. */
  slotted: Int32Array;
  /** By role, and one past the end: the first of its `kinds`, and of its `routes`. */
  kindsFrom: Int32Array;
  routesFrom: Int32Array;
  /** Kinds of channels: colour * ENDS + end: four links, the ramp to the core, the one from it. */
  kinds: Int32Array;
  /** Routes in records of `ROUTE_WORDS`: the first ones of all roles, then further settings of switches. */
  routes: Int32Array;
  /** Is some router a switch? */
  switches: boolean;
}

/** A role as far as its routes go. */
export interface Routed {
  routes: readonly Route[];
}

export function layChannels(
  { roles }: { roles: Routed[] },
  colors: number,
  ops: LaidOperations,
): Channels {
  const ofLists = usesOfLists(ops, colors);
  placeStreams(ops, ofLists, colors);
  const slotted = new Int32Array(roles.length);
  const kindsFrom = new Int32Array(roles.length + 1);
  const routesFrom = new Int32Array(roles.length + 1);
  const kinds: number[] = [];
  let next = 0;
  const uses = new Uint8Array(colors);
  roles.forEach((role, r) => {
    const list = ops.listOf[r] * colors;
    uses.set(ofLists.subarray(list, list + colors));
    // Ramps that operations use come first: their places are the same for all roles with that list.
    for (let color = 0; color < colors; color++) pushEnds(kinds, color, uses[color] & RAMPS);
    for (const route of role.routes) uses[route.color] |= outputsOf(route) | ROUTED;
    next += role.routes.length;
    for (let color = 0; color < colors; color++) {
      if (uses[color] === 0) continue;
      if ((uses[color] & ROUTED) !== 0) slotted[r] |= 1 << color;
      pushEnds(kinds, color, uses[color] & ~(ofLists[list + color] & RAMPS));
    }
    kindsFrom[r + 1] = kinds.length;
    routesFrom[r + 1] = next;
  });
  return {
    slotted,
    kindsFrom,
    routesFrom,
    kinds: Int32Array.from(kinds),
    ...layRoutes(roles, next),
  };
}

/** Records of the `count` first routes, in order, and after them those of further settings of switches. */
function layRoutes(roles: Routed[], count: number): Pick<Channels, 'routes' | 'switches'> {
  let further = 0;
  for (const { routes } of roles)
    for (const { positions } of routes) if (positions !== undefined) further += positions.length;
  const records = new Int32Array((count + further) * ROUTE_WORDS);
  let at = 0;
  for (const { routes } of roles) at = fillFirst(records, at, routes);
  if (further > 0) fillFurther(records, roles, count);
  return { routes: records, switches: further > 0 };
}

/** Writes records of first settings, which nothing changes, from number `at` on; the number after them. */
function fillFirst(records: Int32Array, at: number, routes: readonly Route[]): number {
  for (const route of routes) fill(records, at++, route.color, route, -1);
  return at;
}

/** Writes those of further settings from number `more` on, and which one follows each setting of a switch. */
function fillFurther(records: Int32Array, roles: Routed[], more: number): void {
  let at = 0;
  for (const { routes } of roles)
    for (const { color, positions = [], returns } of routes) {
      if (positions.length > 0) records[at * ROUTE_WORDS + 3] = more;
      positions.forEach((setting, i) => {
        const after = i < positions.length - 1 ? more + 1 : returns ? at : -1;
        fill(records, more++, color, setting, after);
      });
      at++;
    }
}

/** Writes a route's record; `next` is the number of the one that a marked wavelet sets, or -1. */
function fill(
  records: Int32Array,
  number: number,
  color: number,
  { inputs, outputs }: Setting,
  next: number,
): void {
  const at = number * ROUTE_WORDS;
  records[at] = color;
  records[at + 1] = inputs;
  records[at + 2] = outputs;
  records[at + 3] = next;
}

function pushEnds(kinds: number[], color: number, uses: number): void {
  // Not the bit beyond the ends, which says that there is a slot.
  for (let left = uses & (ROUTED - 1); left !== 0; left &= left - 1)
    kinds.push(color * ENDS + 31 - Math.clz32(left & -left));
}

/** By list and colour: ends that the streams and changed routes of a list use, and `ROUTED`. */
function usesOfLists(ops: LaidOperations, colors: number): Uint8Array {
  const { first, records } = ops;
  const lists = first.length - 1;
  const uses = new Uint8Array(lists * colors);
  for (let list = 0; list < lists; list++) {
    for (let color = 0; color < colors; color++) {
      if ((ops.takesFrom[list] >> color) & 1) uses[list * colors + color] |= 1 << RAMP;
      if ((ops.sendsOn[list] >> color) & 1)
        uses[list * colors + color] |= (1 << FROM_CORE) | ROUTED;
    }
    for (let op = first[list]; op < first[list + 1]; op++) {
      const [at, own] = [op * OP_WORDS, list * colors];
      const [source, destination] = [records[at + OP.source], records[at + OP.destination]];
      if (source >= 0) uses[own + source] |= 1 << RAMP;
      if (destination >= 0) uses[own + destination] |= (1 << FROM_CORE) | ROUTED;
      if (records[at + OP.kind] === ROUTE)
        uses[own + records[at + OP.more]] |= records[at + OP.more + 2] | ROUTED;
    }
  }
  return uses;
}

/** Writes into operations which of their core's channels they take from and send to. */
function placeStreams({ first, records }: LaidOperations, uses: Uint8Array, colors: number): void {
  const places = new Int32Array(colors * ENDS);
  for (let list = 0; list < first.length - 1; list++) {
    let next = 0;
    for (let color = 0; color < colors; color++) {
      const ends = uses[list * colors + color];
      if ((ends >> RAMP) & 1) places[color * ENDS + RAMP] = next++;
      if ((ends >> FROM_CORE) & 1) places[color * ENDS + FROM_CORE] = next++;
    }
    for (let at = first[list] * OP_WORDS; at < first[list + 1] * OP_WORDS; at += OP_WORDS) {
      if (records[at + OP.source] >= 0)
        records[at + OP.sourcePlace] = places[records[at + OP.source] * ENDS + RAMP];
      if (records[at + OP.destination] >= 0)
        records[at + OP.outputPlace] = places[records[at + OP.destination] * ENDS + FROM_CORE];
    }
  }
}
