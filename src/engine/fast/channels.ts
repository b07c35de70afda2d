/**
 * The fabric of a program as flat tables. A *slot* is one colour at one router; a *channel* is the
 * queue between a sender and a receiver: from a router by a link to the next router, from a router to
 * its core, or from a core into its router. Only those exist that some route or operation names.
 */
import { RAMP, neighbour, opposite } from '../../hardware/mesh.js';
import type { Program, Role, RouteOp } from '../../program/program.js';
import { ROUTE, type Operations } from './operations.js';

/** Ends of a core's channels of one colour: four links, the ramp to the core, the ramp from it. */
const ENDS = 6;
export const FROM_CORE = 5;
/** Beside ends: the colour has a slot in the router. */
const ROUTED = 1 << ENDS;

export interface Channels {
  cores: number;
  colors: number;
  width: number;
  height: number;
  roleOf: Uint16Array;
  /** Index role * colors + color: 1 if a router of that role has a slot for the colour. */
  hasSlot: Uint8Array;
  /** Slots are numbered colour * cores + core; their number. */
  slots: number;
  /** First channel of each core, and one entry behind the last. */
  base: Int32Array;
  /** By channel: the place of its record. */
  place: Int32Array;
  /** Index (role * colors + color) * 6 + end: channel of a core of that role, from its base, or -1. */
  local: Int16Array;
  /** By role, in the order of `local`: colour and end of each channel. */
  ends: { color: number; end: number }[][];
}

export function layChannels(program: Program, ops: Operations, colors: number): Channels {
  const { roleOf, width, height, roles } = program;
  const cores = width * height;
  const local = new Int16Array(roles.length * colors * ENDS).fill(-1);
  const hasSlot = new Uint8Array(roles.length * colors);
  const byList = usesOf(ops, colors);
  const uses = roles.map((role, r) => usesOfRole(role, byList, ops.listOf[r], colors));
  const ends = uses.map(endsOf);
  ends.forEach((list, r) =>
    list.forEach(({ color, end }, i) => (local[(r * colors + color) * ENDS + end] = i)),
  );
  let highest = -1;
  uses.forEach((masks, r) =>
    masks.forEach((mask, color) => {
      if ((mask & ROUTED) === 0) return;
      hasSlot[r * colors + color] = 1;
      highest = Math.max(highest, color);
    }),
  );
  const base = sums(roleOf, ends);
  const place = places(
    roleOf,
    base,
    ends.map((list) => list.map(({ color, end }) => color * ENDS + end)),
    colors * ENDS,
  );
  return {
    cores,
    colors,
    width,
    height,
    roleOf,
    hasSlot,
    slots: (highest + 1) * cores,
    base,
    place,
    local,
    ends,
  };
}

/**
 * Records of one kind lie side by side, core by core: at any time most cores of a region are at the
 * same operation, and what they touch then is a few stretches of memory rather than all of it.
 */
function places(
  roleOf: Uint16Array,
  base: Int32Array,
  kinds: number[][],
  ofKinds: number,
): Int32Array {
  const next = new Int32Array(ofKinds + 1);
  for (const role of roleOf) for (const kind of kinds[role]) next[kind + 1]++;
  for (let kind = 0; kind < ofKinds; kind++) next[kind + 1] += next[kind];
  const place = new Int32Array(base[roleOf.length]);
  for (let core = 0; core < roleOf.length; core++) {
    const list = kinds[roleOf[core]];
    for (let i = 0; i < list.length; i++) place[base[core] + i] = next[list[i]]++;
  }
  return place;
}

/** Where each core's part of a table begins that has a role's list for each core. */
function sums(roleOf: Uint16Array, lists: unknown[][]): Int32Array {
  const base = new Int32Array(roleOf.length + 1);
  for (let core = 0; core < roleOf.length; core++)
    base[core + 1] = base[core] + lists[roleOf[core]].length;
  return base;
}

/** The channel that brings wavelets of a colour to a router's port (RAMP: from its core), or -1. */
export function channelInto(c: Channels, core: number, port: number, color: number): number {
  const from = port === RAMP ? core : neighbour(core, port, c.width, c.height);
  if (from < 0) return -1;
  return channelFrom(c, from, port === RAMP ? FROM_CORE : opposite(port), color);
}

/** The channel by which a router sends a colour to a port, or -1. */
export function channelFrom(c: Channels, core: number, end: number, color: number): number {
  const local = c.local[(c.roleOf[core] * c.colors + color) * ENDS + end];
  return local < 0 ? -1 : c.place[c.base[core] + local];
}

/** Has a router a slot for a colour? */
export function hasSlot(c: Channels, core: number, color: number): boolean {
  return c.hasSlot[c.roleOf[core] * c.colors + color] === 1;
}

/** The channel from a core into its router for a colour. */
export function channelSent(c: Channels, core: number, color: number): number {
  return channelFrom(c, core, FROM_CORE, color);
}

/** By list of operations and colour: ends that its streams and changed routes use, and `ROUTED`. */
function usesOf(ops: Operations, colors: number): Uint8Array {
  const lists = ops.first.length - 1;
  const uses = new Uint8Array(lists * colors);
  for (let l = 0; l < lists; l++)
    for (let op = ops.first[l]; op < ops.first[l + 1]; op++) {
      if (ops.source[op] >= 0) uses[l * colors + ops.source[op]] |= 1 << RAMP;
      if (ops.destination[op] >= 0)
        uses[l * colors + ops.destination[op]] |= (1 << FROM_CORE) | ROUTED;
      if (ops.kind[op] !== ROUTE) continue;
      const change = ops.whole[op] as RouteOp;
      uses[l * colors + change.color] |= change.outputs | ROUTED;
    }
  return uses;
}

/** The same for a role with its first routes. */
function usesOfRole(role: Role, uses: Uint8Array, list: number, colors: number): Uint8Array {
  const all = uses.slice(list * colors, (list + 1) * colors);
  for (const { color, outputs } of role.routes) all[color] |= outputs | ROUTED;
  return all;
}

function endsOf(uses: Uint8Array): { color: number; end: number }[] {
  const ends: { color: number; end: number }[] = [];
  for (let color = 0; color < uses.length; color++)
    for (let end = 0; end < ENDS; end++) if ((uses[color] >> end) & 1) ends.push({ color, end });
  return ends;
}
