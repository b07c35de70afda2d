/**
 * The fabric of a program as flat tables. A *slot* is one colour at one router; a *channel* is the
 * queue between a sender and a receiver: from a router by a link to the next router, from a router to
 * its core, or from a core into its router. Only those exist that some route or operation names.
 */
import { RAMP, neighbour, opposite } from '../../hardware/mesh.js';
import type { Program, Role } from '../../program/program.js';
import type { Operations } from './operations.js';

/** Kinds of channels: by a link, from a router to its core, from a core into its router. */
export const LINK = 0;
export const TO_CORE = 1;
export const FROM_CORE = 2;

/** Ends of a core's channels of one colour: four links, the ramp to the core, the ramp from it. */
const ENDS = 6;
const FROM = 5;

export interface Channels {
  cores: number;
  colors: number;
  width: number;
  height: number;
  roleOf: Uint16Array;
  /** Colours that each role's routers know, in rising order. */
  slotColors: number[][];
  /** Slots of a router, the same number for all: the most that any role has. */
  slots: number;
  /** Index role * colors + color: the slot in a router of that role, or -1. */
  slotOf: Int16Array;
  /** First channel of each core, and one entry behind the last. */
  base: Int32Array;
  /** Index (role * colors + color) * 6 + end: channel of a core of that role, from its base, or -1. */
  local: Int16Array;
  /** By role, in the order of `local`: colour and end of each channel. */
  ends: { color: number; end: number }[][];
  /** By channel: its kind, and the core at its far end. */
  kind: Uint8Array;
  toCore: Int32Array;
  /** The slot at its far end, or -1 where nobody routes that colour (or for a core's queue). */
  toSlot: Int16Array;
}

export function layChannels(program: Program, ops: Operations, colors: number): Channels {
  const { roleOf, width, height, roles } = program;
  const cores = width * height;
  const local = new Int16Array(roles.length * colors * ENDS).fill(-1);
  const slotOf = new Int16Array(roles.length * colors).fill(-1);
  const ends = roles.map((role, r) => endsOf(role, r, ops));
  const slotColors = roles.map((role, r) => colorsOf(role, r, ops));
  ends.forEach((list, r) =>
    list.forEach(({ color, end }, i) => (local[(r * colors + color) * ENDS + end] = i)),
  );
  slotColors.forEach((list, r) => list.forEach((color, i) => (slotOf[r * colors + color] = i)));
  const base = new Int32Array(cores + 1);
  for (let core = 0; core < cores; core++) base[core + 1] = base[core] + ends[roleOf[core]].length;
  const slots = Math.max(1, ...slotColors.map((list) => list.length));
  const kind = new Uint8Array(base[cores]);
  const toCore = new Int32Array(base[cores]);
  const toSlot = new Int16Array(base[cores]);
  const c: Channels = {
    cores,
    colors,
    width,
    height,
    roleOf,
    slotColors,
    slots,
    slotOf,
    base,
    local,
    ends,
    kind,
    toCore,
    toSlot,
  };
  for (let core = 0; core < cores; core++) connect(c, core);
  return c;
}

function connect(c: Channels, core: number): void {
  const list = c.ends[c.roleOf[core]];
  for (let i = 0; i < list.length; i++) {
    const { color, end } = list[i];
    const channel = c.base[core] + i;
    c.kind[channel] = end < RAMP ? LINK : end === RAMP ? TO_CORE : FROM_CORE;
    const to = end < RAMP ? neighbour(core, end, c.width, c.height) : core;
    c.toCore[channel] = to;
    c.toSlot[channel] = end === RAMP || to < 0 ? -1 : c.slotOf[c.roleOf[to] * c.colors + color];
  }
}

/** The channel that brings wavelets of a colour to a router's port (RAMP: from its core), or -1. */
export function channelInto(c: Channels, core: number, port: number, color: number): number {
  const from = port === RAMP ? core : neighbour(core, port, c.width, c.height);
  if (from < 0) return -1;
  return channelFrom(c, from, port === RAMP ? FROM : opposite(port), color);
}

/** The channel by which a router sends a colour to a port, or -1. */
export function channelFrom(c: Channels, core: number, end: number, color: number): number {
  const local = c.local[(c.roleOf[core] * c.colors + color) * ENDS + end];
  return local < 0 ? -1 : c.base[core] + local;
}

/** The channel from a core into its router for a colour. */
export function channelSent(c: Channels, core: number, color: number): number {
  return channelFrom(c, core, FROM, color);
}

/** The core's queue of a colour. */
export function channelReceived(c: Channels, core: number, color: number): number {
  return channelFrom(c, core, RAMP, color);
}

function endsOf(role: Role, r: number, ops: Operations): { color: number; end: number }[] {
  const masks = new Map<number, number>();
  const use = (color: number, mask: number) => masks.set(color, (masks.get(color) ?? 0) | mask);
  for (const route of role.routes) use(route.color, route.outputs);
  for (const op of role.operations) if (op.kind === 'route') use(op.color, op.outputs);
  for (let op = ops.first[r]; op < ops.first[r + 1]; op++) {
    if (ops.source[op] >= 0) use(ops.source[op], 1 << RAMP);
    if (ops.destination[op] >= 0) use(ops.destination[op], 1 << FROM);
  }
  const ends: { color: number; end: number }[] = [];
  for (const [color, mask] of [...masks].sort(([a], [b]) => a - b))
    for (let end = 0; end < ENDS; end++) if ((mask >> end) & 1) ends.push({ color, end });
  return ends;
}

function colorsOf(role: Role, r: number, ops: Operations): number[] {
  const colors = new Set(role.routes.map((route) => route.color));
  for (const op of role.operations) if (op.kind === 'route') colors.add(op.color);
  for (let op = ops.first[r]; op < ops.first[r + 1]; op++)
    if (ops.destination[op] >= 0) colors.add(ops.destination[op]);
  return [...colors].sort((a, b) => a - b);
}
