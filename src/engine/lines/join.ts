/**
 * Lines of two phases that met, each with those that it met as one line, while all others stay as they are: of many
 * rows and columns that cross mostly few meet. A core in two of them does both of its parts in the line that they are.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Tables } from '../fast/tables.js';
import type { Part } from './cut.js';
import { partsOf, type Division, type Line } from './divide.js';
import { lineRole, partCode, shapeOf, withRoute } from './shapes.js';
import type { LineRole, LineTable } from './table.js';

/** Joined lines have no larger share of all routers: one line of many is as much work as the whole. */
export const MOST_JOINED = 1 / 4;
const MOST_PAIRS = 1000;

/** What a division is made of. */
export interface Joining {
  table: LineTable;
  tables: Tables;
  wafer: WaferSpec;
  /** Of the program. */
  width: number;
  /** The largest share of all routers that joined lines may have. */
  most: number;
}

/**
 * A division with these pairs of its lines joined. Undefined where that cannot be: others may come between them, cores
 * come back to their colours, or they are too many.
 */
export function joinLines(
  of: Joining,
  base: Division,
  pairs: readonly (readonly [number, number])[],
): Division | undefined {
  if (pairs.length > MOST_PAIRS) return undefined;
  const sets = byGroups(base, connected(pairs));
  if (sets === undefined) return undefined;
  let routers = 0;
  for (const { members } of sets)
    for (const line of members) routers += base.lines[line].routers.length;
  if (routers > of.most * of.tables.placeOf.length) return undefined;
  const joined = new Map<number, { line: Line; members: number[] }[]>();
  for (const { members, groups } of sets) {
    const line = lineOf(of, base, members, groups);
    if (line === undefined) return undefined;
    const before = base.lines.findIndex(({ group }) => group === groups[1]);
    joined.set(before, [...(joined.get(before) ?? []), { line, members }]);
  }
  return { ...renumbered(base, joined), cuts: base.cuts };
}

/** Sets of numbers that pairs connect, in rising order. */
function connected(pairs: readonly (readonly [number, number])[]): number[][] {
  const setOf = new Map<number, Set<number>>();
  for (const [a, b] of pairs) {
    const [own, other] = [setOf.get(a) ?? new Set([a]), setOf.get(b) ?? new Set([b])];
    for (const line of other) own.add(line);
    for (const line of own) setOf.set(line, own);
  }
  return [...new Set(setOf.values())].map((set) => [...set].sort((a, b) => a - b));
}

interface Members {
  groups: [number, number];
  members: number[];
}

/**
 * Lines that are joined, by their two groups; undefined if some are not of two. All of the same two are one line: each
 * row crosses each column, so that of two lines each would begin with what the other ends with.
 */
function byGroups(base: Division, sets: number[][]): Members[] | undefined {
  const found = new Map<string, Members>();
  for (const members of sets) {
    const groups = groupsOf(base, members);
    if (groups === undefined) return undefined;
    const key = groups.join(' ');
    const all = [...(found.get(key)?.members ?? []), ...members].sort((a, b) => a - b);
    found.set(key, { groups, members: all });
  }
  return [...found.values()];
}

/** The two groups that some lines are of, if lines of no other come between them and no core comes back to either. */
function groupsOf({ lines, returns }: Division, members: number[]): [number, number] | undefined {
  const groups = [...new Set(members.map((line) => lines[line].group))];
  if (groups.length !== 2 || groups.some((group) => returns[group].length > 0)) return undefined;
  const from = lines.findIndex(({ group }) => group === groups[0]);
  const to = lines.findLastIndex(({ group }) => group === groups[1]);
  for (let line = from; line <= to; line++)
    if (!groups.includes(lines[line].group)) return undefined;
  return [groups[0], groups[1]];
}

/** Lines of a division with those that are joined right before the first of their second group. */
function renumbered(
  base: Division,
  joined: Map<number, { line: Line; members: number[] }[]>,
): Omit<Division, 'cuts' | 'counts'> {
  const lines: Line[] = [];
  const members: number[][] = [];
  const numbers = new Int32Array(base.lines.length).fill(-1);
  const isJoined = new Set([...joined.values()].flat().flatMap((one) => one.members));
  for (const [old, line] of base.lines.entries()) {
    for (const { line: one, members: own } of joined.get(old) ?? []) {
      for (const member of own) numbers[member] = lines.length;
      lines.push(one);
      members.push(own);
    }
    if (isJoined.has(old)) continue;
    numbers[old] = lines.length;
    lines.push(line);
    members.push([old]);
  }
  const lineOf = base.lineOf.map((of) => of.map((line) => (line < 0 ? line : numbers[line])));
  return { lines, members, lineOf, nets: base.nets, returns: base.returns };
}

/** What a core does in the lines that are joined: its role in both, and its first part, or -1. */
interface Own {
  role: LineRole;
  part: number;
}

/** One line of several; a core that has parts in two of them begins with the first. */
function lineOf(
  of: Joining,
  { lines, cuts }: Division,
  members: number[],
  [group, last]: [number, number],
): Line | undefined {
  const { table, tables, wafer } = of;
  const { parts } = cuts;
  const { ops, roleOf } = tables;
  const partOf = new Map([group, last].map((one) => [one, partsOf(cuts, one)]));
  const owns = new Map<number, Own>();
  const hops = new Map<number, Uint16Array>();
  for (const member of members) {
    const { group: its, routers, shape } = lines[member];
    for (let i = 0; i < routers.length; i++) {
      const part = partOf.get(its)![ops.listOf[roleOf[routers[i]]]];
      const one = { role: table.allRoles[shape.roles[i]], part };
      const before = owns.get(routers[i]);
      const all = before === undefined ? one : withBoth(of, before, one, parts);
      if (all === undefined) return undefined;
      owns.set(routers[i], all);
      if (shape.hops.length > 0) hops.set(routers[i], shape.hops.subarray(i * 4, i * 4 + 4));
    }
  }
  const routers = Int32Array.from(owns.keys()).sort();
  const all = Array.from(routers, (router) => owns.get(router)!);
  const found = {
    ...boxOf(
      Array.from(routers, (router) => tables.placeOf[router]),
      of.width,
    ),
    roles: Int32Array.from(all, ({ role }) => role.number),
    hops: hopsOf(routers, hops),
  };
  const actors = [...all.keys()].filter((i) => all[i].part >= 0);
  return {
    ...{ group, last, routers, shape: shapeOf(table, found, wafer.fabric) },
    actors: Int32Array.from(actors),
    leads: Int32Array.from(actors, (i) => parts[all[i].part].lead),
  };
}

/** What a core does in two lines, one part right after the other; undefined if it does something in between. */
function withBoth(
  { table, tables }: Joining,
  a: Own,
  b: Own,
  parts: readonly Part[],
): Own | undefined {
  const set = b.role.set.routes.reduce((all, route) => withRoute(table, all, route), a.role.set);
  if (a.part < 0 || b.part < 0) {
    const { role, part } = a.part < 0 ? b : a;
    return { role: lineRole(table, role.part, set), part };
  }
  if (b.part !== a.part + 1) return undefined;
  const { from } = parts[a.part];
  const { to } = parts[b.part];
  const code = partCode(table, tables.ops, from, to);
  return { role: lineRole(table, code, set), part: a.part };
}

/** The smallest box around some places of a rectangle of cores, and where they are in it. */
function boxOf(all: number[], columns: number) {
  const [x, y] = [all.map((place) => place % columns), all.map((at) => Math.floor(at / columns))];
  const least = (of: number[]) => of.reduce((a, b) => Math.min(a, b));
  const most = (of: number[]) => of.reduce((a, b) => Math.max(a, b));
  const [x0, y0] = [least(x), least(y)];
  const width = most(x) - x0 + 1;
  const places = Int32Array.from(all, (_, i) => (y[i] - y0) * width + x[i] - x0);
  return { width, height: most(y) - y0 + 1, places };
}

function hopsOf(routers: Int32Array, known: Map<number, Uint16Array>): Uint16Array {
  const hops = new Uint16Array(known.size > 0 ? routers.length * 4 : 0).fill(1);
  for (const [i, router] of known.size > 0 ? routers.entries() : []) {
    const own = known.get(router);
    if (own !== undefined) hops.set(own, i * 4);
  }
  return hops;
}
