/**
 * The fabric of a program as flat tables, by role. A *slot* is one colour at one router; a *channel* is
 * the queue between a sender and a receiver: from a router by a link to the next router, from a router
 * to its core, or from a core into its router. Only those exist that some route or operation names.
 */
import { RAMP } from '../../hardware/mesh.js';
import { type Operation, type Program, type Role } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import type { WaferSpec } from '../../hardware/wafer.js';

/** Ends of a core's channels of one colour: four links, the ramp to the core, the ramp from it. */
const ENDS = 6;
const FROM_CORE = 5;
/** Beside ends: the colour has a slot in the router. */
const ROUTED = 1 << ENDS;

export interface Channels {
  /** By role: bits of the colours that have a slot in its router. */
  slotted: Int32Array;
  /** By role, and one entry behind the last: the first of its `kinds`, and of its `routes`. */
  kindsFrom: Int32Array;
  routesFrom: Int32Array;
  /** Kinds of channels: colour * 6 + end, where 5 is the ramp from the core. */
  kinds: Int32Array;
  /** First routes: colour, inputs, outputs. */
  routes: Int32Array;
}

export function layChannels({ roles }: Program, wafer: WaferSpec): Channels {
  const { colors } = wafer.fabric;
  const byList = new Map<Operation[], Uint8Array>();
  const usesOfList = (list: Operation[]) => {
    const known = byList.get(list) ?? usesOf(list, wafer, colors);
    byList.set(list, known);
    return known;
  };
  const uses = roles.map((role) => usesOfRole(role, usesOfList(role.operations)));
  const kinds = uses.map(kindsOf);
  const routes = roles.map((role) => role.routes);
  return {
    slotted: Int32Array.from(uses, slotsOf),
    kindsFrom: starts(kinds),
    routesFrom: starts(routes),
    kinds: Int32Array.from(kinds.flat()),
    routes: Int32Array.from(routes.flat().flatMap((r) => [r.color, r.inputs, r.outputs])),
  };
}

/** Where each of some lists begins when they stand one after the other, and the end. */
function starts(lists: unknown[][]): Int32Array {
  const from = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => (from[i + 1] = from[i] + list.length));
  return from;
}

/** By colour: ends that the streams and changed routes of a list use, and `ROUTED`. */
function usesOf(list: Operation[], wafer: WaferSpec, colors: number): Uint8Array {
  const uses = new Uint8Array(colors);
  for (const op of list) {
    const { source, destination } = timeOf(op, wafer.costs);
    if (source >= 0) uses[source] |= 1 << RAMP;
    if (destination >= 0) uses[destination] |= (1 << FROM_CORE) | ROUTED;
    if (op.kind === 'route') uses[op.color] |= op.outputs | ROUTED;
  }
  return uses;
}

/** The same for a role with its first routes. */
function usesOfRole({ routes }: Role, uses: Uint8Array): Uint8Array {
  const all = uses.slice();
  for (const { color, outputs } of routes) all[color] |= outputs | ROUTED;
  return all;
}

function slotsOf(uses: Uint8Array): number {
  return uses.reduce((bits, use, color) => bits | ((use & ROUTED) === 0 ? 0 : 1 << color), 0);
}

function kindsOf(uses: Uint8Array): number[] {
  const kinds: number[] = [];
  uses.forEach((use, color) => {
    for (let end = 0; end < ENDS; end++) if ((use >> end) & 1) kinds.push(color * ENDS + end);
  });
  return kinds;
}
