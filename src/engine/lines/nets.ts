/**
 * Nets: routers connected by routes of some colours. Those that are alike but for their place are in one box, so that it is
 * told by what their routers do whether lines are of one kind (divide.ts).
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import { columnOf, type Tables } from '../fast/tables.js';
import { classesOf, type Classes } from './classes.js';
import { fabricKey, type Found } from './shapes.js';
import type { LineTable } from './table.js';
import { mix } from '../../numeric/mix.js';

export interface Net extends Pick<Classes, 'classList' | 'classSet' | 'classColors'> {
  /** How many nets there are; by core which one it is in, or -1. */
  count: number;
  of: Int32Array;
  /** The routers of each, in rising order; the same in one row, where each net begins there. */
  routers: Int32Array[];
  first: Int32Array;
  /** By entry of that row: its class. */
  classes: Int32Array;
  /** By net: which box it is in. */
  boxOf: Int32Array;
  boxes: Box[];
}

/** Where routers of a net are in the smallest box around them (see `Found`). */
type Box = Omit<Found, 'roles'>;

/** What all nets of a program are made from. */
interface Ground {
  program: Program;
  roleOf: Int32Array;
  placeOf: Int32Array;
  coreAt: Int32Array;
  /** By core. */
  x: Int32Array;
  y: Int32Array;
}

function groundOf(program: Program, { roleOf, placeOf, coreAt }: Tables): Ground {
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
  return { program, roleOf, placeOf, coreAt, x, y };
}

/** The nets of the colours of each of some masks, found once for a program. */
export function netsOf(
  table: LineTable,
  program: Program,
  tables: Tables,
  wafer: WaferSpec,
  masks: readonly number[],
): Net[] {
  let ofProgram = table.nets.get(program);
  if (ofProgram === undefined) table.nets.set(program, (ofProgram = new Map<string, Net[]>()));
  const key = `${fabricKey(wafer.fabric)} ${masks.join()}`;
  let nets = ofProgram.get(key);
  if (nets === undefined) {
    const ground = groundOf(program, tables);
    const classes = classesOf(table, program, tables.ops, wafer, masks);
    nets = classes.map((own) => netOf(ground, own));
    ofProgram.set(key, nets);
  }
  return nets;
}

function netOf(ground: Ground, classed: Classes): Net {
  const classAt = columnOf(classed.classOf, ground.roleOf);
  const { of, count } = connect(ground, classed, classAt);
  const first = firstsOf(of, count);
  const sorted = sortedBy(of, first);
  const routers: Int32Array[] = [];
  for (let net = 0; net < count; net++) routers.push(sorted.subarray(first[net], first[net + 1]));
  const { classList, classSet, classColors } = classed;
  const classes = columnOf(classAt, sorted);
  const boxes = boxesOf(ground, routers);
  return { count, of, routers, first, classes, classList, classSet, classColors, ...boxes };
}

/** By number, and one past the last: how many there are of those before. */
function firstsOf(of: Int32Array, count: number): Int32Array {
  const first = new Int32Array(count + 1);
  for (let i = 0; i < of.length; i++) if (of[i] >= 0) first[of[i] + 1]++;
  for (let n = 0; n < count; n++) first[n + 1] += first[n];
  return first;
}

/** What has numbers, by these. */
function sortedBy(of: Int32Array, first: Int32Array): Int32Array {
  const next = first.slice();
  const sorted = new Int32Array(first.at(-1)!);
  for (let i = 0; i < of.length; i++) if (of[i] >= 0) sorted[next[of[i]]++] = i;
  return sorted;
}

/** By core the number of its net, in the order of their first cores. */
function connect(ground: Ground, classes: Classes, classAt: Int32Array): Pick<Net, 'of' | 'count'> {
  const parent = new Int32Array(classAt.length);
  meetNeighbours(parent, ground, classes, classAt);
  const of = new Int32Array(classAt.length).fill(-1);
  return { of, count: numberRoots(of, parent, classes, classAt) };
}

/** Has cores whose routers send to each other lead to one root, which is the first of them. */
function meetNeighbours(
  parent: Int32Array,
  { program, placeOf, coreAt, x, y }: Ground,
  { classColors: colors, classSends: sends }: Classes,
  classAt: Int32Array,
): void {
  const { width } = program;
  for (let core = 0; core < placeOf.length; core++) {
    parent[core] = core;
    const role = classAt[core];
    const own = colors[role];
    if (own === 0) continue;
    const place = placeOf[core];
    // Cores are numbered row by row.
    const west = x[core] > 0 && placeOf[core - 1] === place - 1 ? core - 1 : -1;
    const north = y[core] > 0 ? coreAt[place - width] : -1;
    if (west >= 0) {
      const other = classAt[west];
      const meet = (sends[role * 4 + 3] & colors[other]) | (sends[other * 4 + 1] & own);
      if (meet !== 0) parent[core] = rootOf(parent, west);
    }
    if (north >= 0) {
      const other = classAt[north];
      const meet = (sends[role * 4] & colors[other]) | (sends[other * 4 + 2] & own);
      if (meet !== 0) join(parent, core, north);
    }
  }
}

/** Numbers roots, and gives those that lead to them their numbers; how many there are. */
function numberRoots(
  of: Int32Array,
  parent: Int32Array,
  { classColors: colors }: Classes,
  classAt: Int32Array,
): number {
  let count = 0;
  for (let core = 0; core < of.length; core++) {
    if (colors[classAt[core]] === 0) continue;
    const root = rootOf(parent, core);
    of[core] = root === core ? count++ : of[root];
  }
  return count;
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

/** Which boxes nets are in; those with the same places are in one, unless they have links of several hops. */
function boxesOf(ground: Ground, routers: Int32Array[]): Pick<Net, 'boxOf' | 'boxes'> {
  const { x, y } = ground;
  const boxOf = new Int32Array(routers.length);
  const boxes: Box[] = [];
  const byHash = new Map<number, number[]>();
  let places = new Int32Array(256);
  for (let net = 0; net < routers.length; net++) {
    const own = routers[net];
    const count = own.length;
    if (count > places.length) places = new Int32Array(2 * count);
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
      places[i] = (y[own[i]] - y0) * width + x[own[i]] - x0;
      hash = mix(hash, places[i]);
    }
    const hops = hopsOf(ground, own);
    let alike = byHash.get(hash);
    if (alike === undefined) byHash.set(hash, (alike = []));
    let box = hops.length > 0 ? -1 : boxWith(boxes, alike, width, count, places);
    if (box < 0) {
      const height = y[own[count - 1]] - y0 + 1;
      box = boxes.push({ width, height, places: places.slice(0, count), hops }) - 1;
      alike.push(box);
    }
    boxOf[net] = box;
  }
  return { boxOf, boxes };
}

/** The one of some boxes that has so many columns, these places and plain links; -1 if there is none. */
function boxWith(
  boxes: Box[],
  alike: number[],
  width: number,
  count: number,
  places: Int32Array,
): number {
  for (let i = 0; i < alike.length; i++) {
    const box = boxes[alike[i]];
    if (box.width !== width || box.places.length !== count || box.hops.length > 0) continue;
    let at = 0;
    while (at < count && box.places[at] === places[at]) at++;
    if (at === count) return alike[i];
  }
  return -1;
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
