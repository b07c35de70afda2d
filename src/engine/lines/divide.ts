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
import { lineRole, partCode, shapeOf } from './shapes.js';
import type { LineTable, PartCode, Shape } from './table.js';
import { mix } from '../../numeric/mix.js';

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
  /** Routers whose cores do something in it, by their places among all; what their parts begin with. */
  actors: Int32Array;
  leads: Int32Array;
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
  const codes = cuts.parts.map(({ from, to }) => partCode(table, tables.ops, from, to));
  const masks = [...new Set(cuts.masks)];
  const known = netsOf(table, program, tables, wafer, masks);
  const nets = cuts.masks.map((mask) => known[masks.indexOf(mask)]);
  const lines: Line[] = [];
  const lineOf = nets.map(({ count }) => new Int32Array(count).fill(-1));
  for (const group of order) {
    const partOf = partsOf(cuts, group);
    if (!areRouted(nets[group], partOf)) return undefined;
    const sorts = sortsOf(table, nets[group], cuts, codes, partOf);
    addLines(table, wafer, nets[group], group, sorts, lineOf[group], lines);
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
export function partsOf({ parts, firstPart }: Cuts, group: number): Int32Array {
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

/** By class of a net its sort: what its routers do in a group, and what parts begin with (-1 without a part). */
interface Sorts {
  of: Int32Array;
  roles: number[];
  leads: number[];
}

/** Classes that differ in what lines do not tell apart, as in what their cores do in other groups, are of one sort. */
function sortsOf(
  table: LineTable,
  { classList, classSet }: Net,
  cuts: Cuts,
  codes: PartCode[],
  partOf: Int32Array,
): Sorts {
  const of = new Int32Array(classList.length);
  const [roles, leads] = [[] as number[], [] as number[]];
  const likeList = firstAlike(cuts, codes, partOf);
  const known = new Map<number, number>();
  for (let i = 0; i < of.length; i++) {
    const list = likeList[classList[i]];
    const key = classSet[i].number * likeList.length + list;
    let sort = known.get(key);
    if (sort === undefined) {
      const part = partOf[list];
      known.set(key, (sort = roles.length));
      roles.push(lineRole(table, part < 0 ? undefined : codes[part], classSet[i]).number);
      leads.push(part < 0 ? -1 : cuts.parts[part].lead);
    }
    of[i] = sort;
  }
  return { of, roles, leads };
}

/** By list, the first one whose part in a group has the same code and begins with the same. */
function firstAlike({ parts, leads }: Cuts, codes: PartCode[], partOf: Int32Array): Int32Array {
  const first = new Int32Array(partOf.length);
  const known = new Map<number, number>();
  for (let list = 0; list < first.length; list++) {
    const part = partOf[list];
    const key = part < 0 ? -1 : codes[part].number * leads.length + parts[part].lead;
    const before = known.get(key);
    first[list] = before ?? list;
    if (before === undefined) known.set(key, list);
  }
  return first;
}

/** Adds the lines of a group to those before. */
function addLines(
  table: LineTable,
  wafer: WaferSpec,
  net: Net,
  group: number,
  sorts: Sorts,
  lineOf: Int32Array,
  lines: Line[],
): void {
  const kindOf = kindsOf(net, sorts);
  const kinds: (LineKind | undefined)[] = [];
  for (let n = 0; n < net.count; n++) {
    const number = kindOf[n];
    if (number === kinds.length) kinds.push(kindLike(table, wafer, net, n, sorts));
    const kind = kinds[number];
    if (kind === undefined) continue;
    lineOf[n] = lines.length;
    const { shape, actors, leads } = kind;
    lines.push({ group, routers: net.routers[n], shape, actors, leads });
  }
}

/** By net its kind, in the order of their first ones: those of one box whose routers are of the same sorts. */
function kindsOf({ count, first, classes, boxOf }: Net, { of }: Sorts): Int32Array {
  const kindOf = new Int32Array(count);
  const examples: number[] = [];
  const byHash = new Map<number, number[]>();
  for (let n = 0; n < count; n++) {
    let hash = boxOf[n];
    for (let i = first[n]; i < first[n + 1]; i++) hash = mix(hash, of[classes[i]]);
    let alike = byHash.get(hash);
    if (alike === undefined) byHash.set(hash, (alike = []));
    let kind = -1;
    for (let i = 0; i < alike.length && kind < 0; i++) {
      const other = examples[alike[i]];
      if (boxOf[other] !== boxOf[n]) continue;
      let at = first[n];
      const apart = first[other] - at;
      while (at < first[n + 1] && of[classes[at]] === of[classes[at + apart]]) at++;
      if (at === first[n + 1]) kind = alike[i];
    }
    if (kind < 0) {
      kind = examples.push(n) - 1;
      alike.push(kind);
    }
    kindOf[n] = kind;
  }
  return kindOf;
}

/** What lines like the `n`-th net do in a group; undefined if no core does anything there. */
function kindLike(
  table: LineTable,
  wafer: WaferSpec,
  { first, classes, boxOf, boxes }: Net,
  n: number,
  sorts: Sorts,
): LineKind | undefined {
  const [from, to] = [first[n], first[n + 1]];
  const roles = new Int32Array(to - from);
  const actors = new Int32Array(to - from);
  const leads = new Int32Array(to - from);
  let count = 0;
  for (let i = from; i < to; i++) {
    const sort = sorts.of[classes[i]];
    roles[i - from] = sorts.roles[sort];
    if (sorts.leads[sort] < 0) continue;
    actors[count] = i - from;
    leads[count++] = sorts.leads[sort];
  }
  if (count === 0) return undefined;
  const shape = shapeOf(table, { ...boxes[boxOf[n]], roles }, wafer.fabric);
  return { shape, actors: actors.slice(0, count), leads: leads.slice(0, count) };
}
