/**
 * A program divided into lines: what is connected by routes of a group's colours, and does its part of that group
 * at one time. All of it follows from roles and from which core has which; no starts are known here.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import type { Tables } from '../fast/tables.js';
import { COLORS, cutLists, familiesOf, type Cuts } from './cut.js';
import { emptySet, lineRole, partCode, sendsByPort, shapeOf, withRoute } from './shapes.js';
import type { LineRole, LineTable, PartCode, RouteSet, Shape } from './table.js';

export interface Line {
  group: number;
  shape: Shape;
  /** Cores (by their numbers in the tables) whose routers it has; those of them that do something; their parts. */
  routers: Int32Array;
  actors: Int32Array;
  parts: Int32Array;
}

export interface Division {
  cuts: Cuts;
  /** Each after all those that its cores are in before. */
  lines: Line[];
  /** By group and core: which line, or -1. */
  lineAt: Int32Array[];
  /** By group: families that are in other groups too. */
  returns: number[][];
  /** Wavelets over links by core * 4 + port, sent and delivered, once they are known. */
  counts?: { links: Float64Array; sent: number; delivered: number };
}

/**
 * Divides a program. Undefined if it cannot be cut, its lines wait for each other, or there is but one.
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
  let switching = 0;
  for (const { routes } of program.roles)
    for (const { color, positions } of routes) if (positions) switching |= 1 << color;
  const cuts = cutLists(tables.ops, familiesOf(tables.ops, families, switching), groupOf);
  if (cuts === undefined) return undefined;
  const parts = cuts.parts.map(({ from, to }) => partCode(table, tables.ops.records, from, to));
  const nets = new Map<number, Net>();
  const found: Line[] = [];
  const lineAt = cuts.masks.map((mask, group) => {
    let net = nets.get(mask);
    if (net === undefined) nets.set(mask, (net = netOf(program, tables, mask)));
    return linesOf(table, program, wafer, tables, { cuts, parts, group, net }, found);
  });
  const order = orderOf(tables, cuts, found, lineAt);
  if (order === undefined || order.lines.length < 2) return undefined;
  return { cuts, ...order, returns: returnsOf(cuts) };
}

function returnsOf({ phases }: Cuts): number[][] {
  const families = phases.map((own) => [...new Set(own.map((phase) => phase % COLORS))]);
  return families.map((own, g) =>
    own.filter((family) => families.some((others, h) => h !== g && others.includes(family))),
  );
}

/** The routers of some colours by what connects them. */
interface Net {
  mask: number;
  /** By core: the number of its net, or -1. */
  of: Int32Array;
  count: number;
}

function netOf(program: Program, tables: Tables, mask: number): Net {
  const { width, height } = program;
  const { roleOf, placeOf, coreAt, slotted } = tables.image.tables;
  const sends = sendsByPort(program.roles.length, tables.image.tables);
  const cores = placeOf.length;
  const parent = new Int32Array(cores);
  for (let core = 0; core < cores; core++) parent[core] = core;
  const joins = (a: number, port: number, b: number) =>
    (sends[roleOf[a] * 4 + port] & slotted[roleOf[b]] & mask) !== 0;
  for (let core = 0; core < cores; core++) {
    const place = placeOf[core];
    const x = place % width;
    const east = x < width - 1 ? coreAt[place + 1] : -1;
    const south = place < (height - 1) * width ? coreAt[place + width] : -1;
    if (east >= 0 && (joins(core, 1, east) || joins(east, 3, core))) join(parent, core, east);
    if (south >= 0 && (joins(core, 2, south) || joins(south, 0, core))) join(parent, core, south);
  }
  const of = new Int32Array(cores).fill(-1);
  const numbers = new Int32Array(cores).fill(-1);
  let count = 0;
  for (let core = 0; core < cores; core++) {
    if ((slotted[roleOf[core]] & mask) === 0) continue;
    const root = rootOf(parent, core);
    if (numbers[root] < 0) numbers[root] = count++;
    of[core] = numbers[root];
  }
  return { mask, of, count };
}

function rootOf(parent: Int32Array, core: number): number {
  let at = core;
  while (parent[at] !== at) at = parent[at] = parent[parent[at]];
  return at;
}

function join(parent: Int32Array, a: number, b: number): void {
  const [p, q] = [rootOf(parent, a), rootOf(parent, b)];
  if (p < q) parent[q] = p;
  else parent[p] = q;
}

interface OfGroup {
  cuts: Cuts;
  parts: PartCode[];
  group: number;
  net: Net;
}

/** Adds the lines of a group to those before; by core its line, or -1. */
function linesOf(
  table: LineTable,
  program: Program,
  wafer: WaferSpec,
  tables: Tables,
  { cuts, parts, group, net }: OfGroup,
  found: Line[],
): Int32Array {
  const partOf = partsOf(cuts, group);
  const roles = new Roles(table, program, wafer, tables, partOf, parts, net.mask);
  const { listOf } = tables.ops;
  const { roleOf, placeOf } = tables.image.tables;
  const cores = placeOf.length;
  // Cores that take from a colour without a router for it are in a line too: it does not end.
  const { first, sorted } = byNet(net);
  const lineAt = new Int32Array(cores).fill(-1);
  for (let n = 0; n < net.count; n++) {
    const routers = sorted.subarray(first[n], first[n + 1]);
    const acting = routers.filter((core) => partOf[listOf[roleOf[core]]] >= 0);
    if (acting.length === 0) continue;
    const shape = roles.shapeOf(routers);
    const line = {
      ...{ group, shape, routers },
      actors: acting,
      parts: acting.map((core) => partOf[listOf[roleOf[core]]]),
    };
    for (const core of routers) lineAt[core] = found.length;
    found.push(line);
  }
  return lineAt;
}

/** By list: its part in a group, or -1. */
function partsOf({ parts, firstPart }: Cuts, group: number): Int32Array {
  const of = new Int32Array(firstPart.length - 1).fill(-1);
  for (let list = 0; list < of.length; list++)
    for (let part = firstPart[list]; part < firstPart[list + 1]; part++)
      if (parts[part].group === group) of[list] = part;
  return of;
}

/** The cores of each net in rising order, one net after the other. */
function byNet({ of, count }: Net): { first: Int32Array; sorted: Int32Array } {
  const first = new Int32Array(count + 1);
  for (const net of of) if (net >= 0) first[net + 1]++;
  for (let net = 0; net < count; net++) first[net + 1] += first[net];
  const next = first.slice();
  const sorted = new Int32Array(first[count]);
  for (let core = 0; core < of.length; core++) if (of[core] >= 0) sorted[next[of[core]]++] = core;
  return { first, sorted };
}

/** Roles of a program in the lines of one group. */
class Roles {
  private readonly known: (LineRole | undefined)[] = [];
  private readonly byNumber = new Map<number, LineRole>();
  private readonly table: LineTable;
  private readonly program: Program;
  private readonly wafer: WaferSpec;
  private readonly tables: Tables;
  private readonly partOf: Int32Array;
  private readonly parts: PartCode[];
  private readonly mask: number;
  private readonly empty: RouteSet;
  private places = new Int32Array(0);
  private roles = new Int32Array(0);

  constructor(
    table: LineTable,
    program: Program,
    wafer: WaferSpec,
    tables: Tables,
    partOf: Int32Array,
    parts: PartCode[],
    mask: number,
  ) {
    this.table = table;
    this.program = program;
    this.wafer = wafer;
    this.tables = tables;
    this.partOf = partOf;
    this.parts = parts;
    this.mask = mask;
    this.empty = emptySet(table, wafer.fabric);
  }

  private roleAt(role: number): LineRole {
    let known = this.known[role];
    if (known !== undefined) return known;
    let set = this.empty;
    for (const route of this.program.roles[role].routes)
      if (((this.mask >>> route.color) & 1) === 1) set = withRoute(this.table, set, route);
    const part = this.partOf[this.tables.ops.listOf[role]];
    known = lineRole(this.table, part < 0 ? undefined : this.parts[part], set);
    this.known[role] = known;
    this.byNumber.set(known.number, known);
    return known;
  }

  /** The shape of the line of these routers. */
  shapeOf(routers: Int32Array): Shape {
    const { width } = this.program;
    const { placeOf, roleOf } = this.tables.image.tables;
    if (this.places.length < routers.length) {
      this.places = new Int32Array(2 * routers.length);
      this.roles = new Int32Array(2 * routers.length);
    }
    let [x0, x1] = [width, 0];
    for (let i = 0; i < routers.length; i++) {
      const x = placeOf[routers[i]] % width;
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
    }
    const y0 = Math.floor(placeOf[routers[0]] / width);
    const y1 = Math.floor(placeOf[routers.at(-1)!] / width);
    const own = x1 - x0 + 1;
    const [places, roles] = [this.places, this.roles];
    for (let i = 0; i < routers.length; i++) {
      const place = placeOf[routers[i]];
      places[i] = (Math.floor(place / width) - y0) * own + (place % width) - x0;
      roles[i] = this.roleAt(roleOf[routers[i]]).number;
    }
    const found = {
      ...{ width: own, height: y1 - y0 + 1 },
      places: places.subarray(0, routers.length),
      roles: roles.subarray(0, routers.length),
      hops: this.hopsOf(routers),
    };
    return shapeOf(this.table, found, (number) => this.byNumber.get(number)!, this.wafer.fabric);
  }

  /** Hops of the links of some routers, if one is longer than a hop. */
  private hopsOf(routers: Int32Array): Uint16Array {
    const { linkHops } = this.program;
    if (linkHops === undefined) return NO_HOPS;
    const { placeOf } = this.tables.image.tables;
    const hops = new Uint16Array(routers.length * 4);
    let longest = 1;
    for (let i = 0; i < routers.length; i++)
      for (let port = 0; port < 4; port++) {
        const n = linkHops[placeOf[routers[i]] * 4 + port];
        hops[i * 4 + port] = n;
        if (n > longest) longest = n;
      }
    return longest > 1 ? hops : NO_HOPS;
  }
}

const NO_HOPS = new Uint16Array(0);

/** Lines in an order in which each comes after those that its cores are in before; none if they wait for each other. */
function orderOf(
  { ops, image }: Tables,
  { firstPart, parts }: Cuts,
  found: Line[],
  lineAt: Int32Array[],
): Pick<Division, 'lines' | 'lineAt'> | undefined {
  const { roleOf } = image.tables;
  const next = new Int32Array(roleOf.length);
  const ready = new Int32Array(found.length);
  const order: number[] = [];
  /** A core comes to its next part: its line, if all its cores have, is next. */
  const arrive = (core: number): void => {
    const list = ops.listOf[roleOf[core]];
    const part = firstPart[list] + next[core];
    if (part >= firstPart[list + 1]) return;
    const line = lineAt[parts[part].group][core];
    if (line >= 0 && ++ready[line] === found[line].actors.length) order.push(line);
  };
  for (let core = 0; core < roleOf.length; core++) arrive(core);
  for (let i = 0; i < order.length; i++)
    for (const core of found[order[i]].actors) {
      next[core]++;
      arrive(core);
    }
  if (order.length < found.length) return undefined;
  for (let core = 0; core < roleOf.length; core++) {
    const list = ops.listOf[roleOf[core]];
    if (next[core] < firstPart[list + 1] - firstPart[list]) return undefined;
  }
  const numbers = new Int32Array(found.length);
  order.forEach((line, i) => (numbers[line] = i));
  for (const lines of lineAt)
    for (let core = 0; core < lines.length; core++)
      if (lines[core] >= 0) lines[core] = numbers[lines[core]];
  return { lines: order.map((line) => found[line]), lineAt };
}
