/**
 * Nets: routers connected by routes of some colours. Those that are alike but for their place are of one kind, so
 * that what follows is done once for each kind.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import type { Tables } from '../fast/tables.js';
import { emptySet, sendsByPort, withRoute } from './shapes.js';
import { mix, type LineTable, type RouteSet } from './table.js';

export interface Net {
  /** How many nets there are; by core which one it is in, or -1. */
  count: number;
  of: Int32Array;
  /** The routers of each, in rising order; the same in one row, where each net begins there. */
  routers: Int32Array[];
  first: Int32Array;
  /** By entry of that row: its place in its net's box, and its class. */
  places: Int32Array;
  classes: Int32Array;
  /** By class: the list of operations of its cores, and the routes of its routers. */
  classList: number[];
  classSet: RouteSet[];
  /** By net: its kind. By kind: a net of it, the size of its box, hops of its links (see `Found`). */
  kinds: Int32Array;
  examples: number[];
  boxes: { width: number; height: number }[];
  hops: Uint16Array[];
}

/** What all nets of a program are made from. */
export interface Ground {
  program: Program;
  roleOf: Int32Array;
  placeOf: Int32Array;
  coreAt: Int32Array;
  slotted: Int32Array;
  listOf: Int32Array;
  sends: Int32Array;
  /** By core. */
  x: Int32Array;
  y: Int32Array;
}

export function groundOf(program: Program, { ops, image }: Tables): Ground {
  const { roleOf, placeOf, coreAt, slotted } = image.tables as Record<string, Int32Array>;
  const x = new Int32Array(placeOf.length);
  const y = new Int32Array(placeOf.length);
  for (let core = 0, row = 0, begin = 0; core < placeOf.length; core++) {
    while (placeOf[core] >= begin + program.width) {
      begin += program.width;
      row++;
    }
    x[core] = placeOf[core] - begin;
    y[core] = row;
  }
  const sends = sendsByPort(program.roles.length, image.tables);
  return { program, roleOf, placeOf, coreAt, slotted, listOf: ops.listOf, sends, x, y };
}

/** The nets of the colours of a mask. */
export function netOf(table: LineTable, ground: Ground, wafer: WaferSpec, mask: number): Net {
  const { of, count } = connect(ground, mask);
  const first = new Int32Array(count + 1);
  for (let core = 0; core < of.length; core++) if (of[core] >= 0) first[of[core] + 1]++;
  for (let net = 0; net < count; net++) first[net + 1] += first[net];
  const next = first.slice();
  const sorted = new Int32Array(first[count]);
  for (let core = 0; core < of.length; core++) if (of[core] >= 0) sorted[next[of[core]]++] = core;
  const routers = Array.from({ length: count }, (_, net) => {
    return sorted.subarray(first[net], first[net + 1]);
  });
  return { count, of, routers, first, ...kindsOf(table, ground, wafer, mask, routers, first) };
}

/** By core the number of its net, in the order of their first cores. */
function connect(ground: Ground, mask: number): Pick<Net, 'of' | 'count'> {
  const { program, roleOf, placeOf, coreAt, slotted, sends, x, y } = ground;
  const { width, height } = program;
  const cores = placeOf.length;
  const parent = new Int32Array(cores);
  for (let core = 0; core < cores; core++) {
    parent[core] = core;
    const role = roleOf[core];
    const own = slotted[role] & mask;
    if (own === 0) continue;
    const place = placeOf[core];
    const west = x[core] > 0 ? coreAt[place - 1] : -1;
    const north = y[core] > 0 && height > 1 ? coreAt[place - width] : -1;
    if (west >= 0) {
      const other = roleOf[west];
      const meet = (sends[role * 4 + 3] & slotted[other]) | (sends[other * 4 + 1] & own);
      if ((meet & mask) !== 0) join(parent, core, west);
    }
    if (north >= 0) {
      const other = roleOf[north];
      const meet = (sends[role * 4] & slotted[other]) | (sends[other * 4 + 2] & own);
      if ((meet & mask) !== 0) join(parent, core, north);
    }
  }
  const of = new Int32Array(cores).fill(-1);
  let count = 0;
  // The root of a net is its first core.
  for (let core = 0; core < cores; core++) {
    if ((slotted[roleOf[core]] & mask) === 0) continue;
    const root = rootOf(parent, core);
    of[core] = root === core ? count++ : of[root];
  }
  return { of, count };
}

function rootOf(parent: Int32Array, core: number): number {
  let at = core;
  while (parent[at] !== at) {
    parent[at] = parent[parent[at]];
    at = parent[at];
  }
  return at;
}

function join(parent: Int32Array, a: number, b: number): void {
  const p = rootOf(parent, a);
  const q = rootOf(parent, b);
  if (p < q) parent[q] = p;
  else parent[p] = q;
}

type Kinds = Omit<Net, 'count' | 'of' | 'routers' | 'first'>;

function kindsOf(
  table: LineTable,
  ground: Ground,
  wafer: WaferSpec,
  mask: number,
  routers: Int32Array[],
  first: Int32Array,
): Kinds {
  const { roleOf, x, y } = ground;
  const { classOf, classList, classSet } = classesOf(table, ground, wafer, mask);
  const places = new Int32Array(first[routers.length]);
  const classes = new Int32Array(first[routers.length]);
  const kinds = new Int32Array(routers.length);
  const found: Pick<Kinds, 'examples' | 'boxes' | 'hops'> = { examples: [], boxes: [], hops: [] };
  const byHash = new Map<number, number[]>();
  for (let net = 0; net < routers.length; net++) {
    const own = routers[net];
    const from = first[net];
    const count = own.length;
    let x0 = x[own[0]];
    let x1 = x0;
    for (let i = 1; i < count; i++) {
      const column = x[own[i]];
      if (column < x0) x0 = column;
      else if (column > x1) x1 = column;
    }
    const y0 = y[own[0]];
    const width = x1 - x0 + 1;
    let hash = width;
    for (let i = 0; i < count; i++) {
      const core = own[i];
      const place = (y[core] - y0) * width + x[core] - x0;
      const number = classOf[roleOf[core]];
      places[from + i] = place;
      classes[from + i] = number;
      hash = mix(mix(hash, place), number);
    }
    const box = { width, height: y[own[count - 1]] - y0 + 1 };
    const hops = hopsOf(ground, own);
    const alike = byHash.get(hash);
    const same = alike?.find(
      (kind) =>
        hops.length + found.hops[kind].length === 0 &&
        found.boxes[kind].width === width &&
        areAlike(places, classes, first, net, found.examples[kind]),
    );
    kinds[net] = same ?? found.examples.push(net) - 1;
    if (same !== undefined) continue;
    found.boxes.push(box);
    found.hops.push(hops);
    if (alike === undefined) byHash.set(hash, [kinds[net]]);
    else alike.push(kinds[net]);
  }
  return { places, classes, classList, classSet, kinds, ...found };
}

function areAlike(
  places: Int32Array,
  classes: Int32Array,
  first: Int32Array,
  a: number,
  b: number,
): boolean {
  const [from, other] = [first[a], first[b]];
  const count = first[a + 1] - from;
  if (count !== first[b + 1] - other) return false;
  for (let i = 0; i < count; i++)
    if (places[from + i] !== places[other + i] || classes[from + i] !== classes[other + i])
      return false;
  return true;
}

/** By role a class: its list, and its routes for the colours of a mask. */
function classesOf(table: LineTable, ground: Ground, wafer: WaferSpec, mask: number) {
  const { program, listOf } = ground;
  const empty = emptySet(table, wafer.fabric);
  const classOf = new Int32Array(program.roles.length);
  const classList: number[] = [];
  const classSet: RouteSet[] = [];
  const numbers = new Map<number, number>();
  program.roles.forEach(({ routes }, role) => {
    let set = empty;
    for (const route of routes)
      if (((mask >>> route.color) & 1) === 1) set = withRoute(table, set, route);
    const key = set.number * 2 ** 21 + listOf[role];
    let number = numbers.get(key);
    if (number === undefined) {
      number = classSet.push(set) - 1;
      classList.push(listOf[role]);
      numbers.set(key, number);
    }
    classOf[role] = number;
  });
  return { classOf, classList, classSet };
}

/** Hops of the links of some routers by router * 4 + port, if one is longer than a hop. */
function hopsOf({ program, placeOf }: Ground, routers: Int32Array): Uint16Array {
  const { linkHops } = program;
  if (linkHops === undefined) return NO_HOPS;
  let longest = 1;
  for (let i = 0; i < routers.length; i++)
    for (let port = 0; port < 4; port++)
      longest = Math.max(longest, linkHops[placeOf[routers[i]] * 4 + port]);
  if (longest === 1) return NO_HOPS;
  const hops = new Uint16Array(routers.length * 4);
  for (let i = 0; i < routers.length; i++)
    for (let port = 0; port < 4; port++)
      hops[i * 4 + port] = linkHops[placeOf[routers[i]] * 4 + port];
  return hops;
}

const NO_HOPS = new Uint16Array(0);
