/**
 * A program divided into lines: what is connected by routes of a group's colours, and does its part of that group
 * at one time. All of it follows from roles and from which core has which; no starts are known here.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import type { Tables } from '../fast/tables.js';
import type { OverLinks } from '../fast/tally.js';
import type { RunResult } from '../engine.js';
import { COLORS, cutLists, unitedFamilies, type Cuts } from './cut.js';
import { netsOf, type Net } from './nets.js';
import { lineRole, partCode, shapeOf, type Found } from './shapes.js';
import type { LineTable, PartCode, Shape } from './table.js';

export interface Line extends LineKind {
  group: number;
  /** Of joined lines (join.ts) the second group, that follows the first. */
  last?: number;
  /** Cores (by their numbers in the tables) whose routers it has, in rising order. */
  routers: Int32Array;
}

/** What lines of one kind in one group have in common. */
interface LineKind {
  shape: Shape;
  /** Routers whose cores do something in it, by their places among all; their parts. */
  actors: Int32Array;
  parts: Int32Array;
}

export interface Division {
  cuts: Cuts;
  /** Each after all those that its cores are in before. */
  lines: Line[];
  /** By group: its net, and which line each of that is, or -1. */
  nets: Net[];
  lineOf: Int32Array[];
  /** By group: families that are in other groups too. */
  returns: number[][];
  /** By line, where some are joined: those of the division before that it is made of. */
  members?: number[][];
  /** What lines send, once it is known, if it is the same in any run. */
  counts?: LinesSent;
}

/** What all lines of a program send. */
export type LinesSent = OverLinks & Pick<RunResult, 'sent' | 'delivered'>;

/**
 * Divides a program. Undefined if it cannot be cut, its groups wait for each other, or there is but one line.
 * @param groupOf which phases go together (see `cutLists`)
 */
export function divide(
  table: LineTable,
  program: Program,
  wafer: WaferSpec,
  tables: Tables,
  groupOf: (phase: number) => number,
): Division | undefined {
  const { families } = program;
  if (families === undefined) return undefined;
  const united = unitedFamilies(tables.ops, families, switchingIn(program));
  const cuts = cutLists(tables.ops, united, groupOf);
  const order = cuts && orderOf(cuts);
  if (cuts === undefined || order === undefined) return undefined;
  const parts = cuts.parts.map(({ from, to }) => partCode(table, tables.ops, from, to));
  const masks = [...new Set(cuts.masks)];
  const known = netsOf(table, program, tables, wafer, masks);
  const nets = cuts.masks.map((mask) => known[masks.indexOf(mask)]);
  const lines: Line[] = [];
  const lineOf = nets.map(({ count }) => new Int32Array(count).fill(-1));
  for (const group of order) {
    const partOf = partsOf(cuts, group);
    if (!areRouted(nets[group], partOf)) return undefined;
    addLines(table, wafer, nets[group], { group, parts, partOf }, lineOf[group], lines);
  }
  if (lines.length < 2) return undefined;
  return { cuts, lines, nets, lineOf, returns: returnsOf(cuts) };
}

/** Bits of the colours of switches. */
function switchingIn({ roles }: Program): number {
  let switching = 0;
  for (let role = 0; role < roles.length; role++) {
    const { routes } = roles[role];
    for (let i = 0; i < routes.length; i++)
      if (routes[i].positions !== undefined) switching |= 1 << routes[i].color;
  }
  return switching;
}

function returnsOf({ phases }: Cuts): number[][] {
  const families = phases.map((own) => [...new Set(own.map((phase) => phase % COLORS))]);
  return families.map((own, g) =>
    own.filter((family) => families.some((others, h) => h !== g && others.includes(family))),
  );
}

/** By group: those that some core is in next. */
function groupsAfter({ parts, firstPart, masks }: Cuts): Set<number>[] {
  const after = masks.map(() => new Set<number>());
  for (let list = 0; list < firstPart.length - 1; list++)
    for (let part = firstPart[list]; part < firstPart[list + 1] - 1; part++)
      after[parts[part].group].add(parts[part + 1].group);
  return after;
}

/** Two groups, and all that cores may be in between them. */
export function groupsBetween(cuts: Cuts, a: number, b: number): number[] {
  const after = groupsAfter(cuts);
  const from = (group: number): Set<number> => {
    const reached = new Set([group]);
    for (const one of reached) for (const next of after[one]) reached.add(next);
    return reached;
  };
  const between = (first: number, last: number) =>
    [...from(first)].filter((group) => from(group).has(last));
  return [...new Set([a, b, ...between(a, b), ...between(b, a)])];
}

/** Groups in an order in which each comes after those that some core is in before; none if there is none. */
function orderOf(cuts: Cuts): number[] | undefined {
  const { masks } = cuts;
  const after = groupsAfter(cuts);
  const before = masks.map(() => 0);
  for (const groups of after) for (const group of groups) before[group]++;
  const order = [...masks.keys()].filter((group) => before[group] === 0);
  for (const group of order)
    for (const next of after[group]) if (--before[next] === 0) order.push(next);
  return order.length === masks.length ? order : undefined;
}

/** By list: its part in a group, or -1. */
function partsOf({ parts, firstPart }: Cuts, group: number): Int32Array {
  const of = new Int32Array(firstPart.length - 1).fill(-1);
  for (let list = 0; list < of.length; list++)
    for (let part = firstPart[list]; part < firstPart[list + 1]; part++)
      if (parts[part].group === group) of[list] = part;
  return of;
}

/** Has each core that does something in a group a router for its colours? One without waits for ever. */
function areRouted({ classList, classColors }: Net, partOf: Int32Array): boolean {
  return classList.every((list, i) => partOf[list] < 0 || classColors[i] !== 0);
}

/** Adds the lines of a group to those before. */
function addLines(
  table: LineTable,
  wafer: WaferSpec,
  net: Net,
  { group, parts, partOf }: { group: number; parts: PartCode[]; partOf: Int32Array },
  lineOf: Int32Array,
  lines: Line[],
): void {
  const { classList, classSet } = net;
  const classPart = new Int32Array(classList.length);
  const classRole = new Int32Array(classList.length);
  for (let i = 0; i < classList.length; i++) {
    const part = partOf[classList[i]];
    classPart[i] = part;
    classRole[i] = lineRole(table, part < 0 ? undefined : parts[part], classSet[i]).number;
  }
  const kinds: (LineKind | undefined)[] = [];
  const rooms: Rooms = { roles: new Map(), all: new Map(), parts: roomForParts(net), used: 0 };
  for (const example of net.examples) {
    const kind = kindOf(net, example, classPart, classRole, rooms);
    kinds.push(kind && { ...kind, shape: shapeOf(table, kind.found, wafer.fabric) });
  }
  for (let n = 0; n < net.count; n++) {
    const kind = kinds[net.kinds[n]];
    if (kind === undefined) continue;
    lineOf[n] = lines.length;
    const { shape, actors } = kind;
    lines.push({ group, routers: net.routers[n], shape, actors, parts: kind.parts });
  }
}

/**
 * Arrays by their length: for the roles of a line, which its shape keeps its own of, and the numbers of all its routers; and
 * one for the parts of all kinds, of which the first entries are used. To make one takes longer than to fill it.
 */
interface Rooms {
  roles: Map<number, Int32Array>;
  all: Map<number, Int32Array>;
  parts: Int32Array;
  used: number;
}

/** For the part of each router of the nets that stand for all of their kind. */
function roomForParts({ examples, first }: Net): Int32Array {
  let size = 0;
  for (let i = 0; i < examples.length; i++) size += first[examples[i] + 1] - first[examples[i]];
  return new Int32Array(size);
}

function roomFor(rooms: Map<number, Int32Array>, length: number): Int32Array {
  let room = rooms.get(length);
  if (room === undefined) rooms.set(length, (room = new Int32Array(length)));
  return room;
}

/** What the lines like the `example`-th of a net do in a group; undefined if no core does anything there. */
function kindOf(
  net: Net,
  example: number,
  classPart: Int32Array,
  classRole: Int32Array,
  rooms: Rooms,
): (Omit<LineKind, 'shape'> & { found: Found }) | undefined {
  const from = net.first[example];
  const to = net.first[example + 1];
  const roles = roomFor(rooms.roles, to - from);
  let count = 0;
  for (let i = from; i < to; i++) {
    roles[i - from] = classRole[net.classes[i]];
    if (classPart[net.classes[i]] >= 0) count++;
  }
  if (count === 0) return undefined;
  // Mostly all of them do something.
  const actors = count === to - from ? roomFor(rooms.all, count) : new Int32Array(count);
  const parts = rooms.parts.subarray(rooms.used, (rooms.used += count));
  for (let i = from, next = 0; i < to; i++) {
    const part = classPart[net.classes[i]];
    if (part < 0) continue;
    actors[next] = i - from;
    parts[next++] = part;
  }
  const kind = net.kinds[example];
  const places = net.places.subarray(from, to);
  return { actors, parts, found: { ...net.boxes[kind], places, roles, hops: net.hops[kind] } };
}
