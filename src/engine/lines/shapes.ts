/** Shapes of lines: what their routers and cores do, each kind of it known by a number. */
import type { WaferSpec } from '../../hardware/wafer.js';
import { outputsOf, type Route } from '../../program/program.js';
import { OP, OP_WORDS, ROUTE, STREAM, TASK } from '../fast/machine-code.js';
import type { LaidOperations, Operations } from '../fast/operations.js';
import { cyclesAt } from '../fast/records.js';
import { isSameRecord, recordsOf } from '../fast/rows.js';
import { columnOf, imageOf, type Image } from '../fast/tables.js';
import type { LineRole, LineTable, PartCode } from './table.js';
import { mix, mixAll } from '../../numeric/mix.js';
import type { RouteSet, Shape } from './table.js';

/** The fabric as part of what tells lines apart. */
export function fabricKey({ colors, hopCycles, rampCycles, queueDepth }: WaferSpec['fabric']) {
  return [colors, hopCycles, rampCycles, queueDepth].join(' ');
}

/** The code of the operations `from` to `to` of a program. */
export function partCode(table: LineTable, ops: Operations, from: number, to: number): PartCode {
  const { rows, rowOf } = ops;
  let hash = 1;
  for (let op = from; op < to; op++) hash = mix(hash, rows.hashes[rowOf[op]]);
  let alike = table.parts.get(hash);
  if (alike === undefined) table.parts.set(hash, (alike = []));
  for (let i = 0; i < alike.length; i++) if (isCode(alike[i], ops, from, to)) return alike[i];
  const own = rowOf.slice(from, to);
  const part = { number: ++table.partCount, hash, rows, rowOf: own, records: recordsOf(rows, own) };
  alike.push(part);
  return part;
}

function isCode(part: PartCode, { rows, rowOf }: Operations, from: number, to: number): boolean {
  const { rowOf: own, records } = part;
  if (own.length !== to - from) return false;
  for (let i = 0; i < own.length; i++) {
    const row = rowOf[from + i];
    if (part.rows === rows ? own[i] !== row : !isSameRecord(records, i, rows.records, row))
      return false;
  }
  return true;
}

/** The empty set of routes on a fabric. */
export function emptySet(table: LineTable, fabric: WaferSpec['fabric']): RouteSet {
  const key = fabricKey(fabric);
  let set = table.sets.get(key);
  if (set === undefined) {
    let hash = 2;
    for (const letter of key) hash = mix(hash, letter.charCodeAt(0));
    set = { number: table.setCount++, hash, ...NO_ROUTES, more: new Map() };
    table.sets.set(key, set);
  }
  return set;
}

const NO_ROUTES = { routes: [], colors: 0, sends: [0, 0, 0, 0] };

/** A set with one more route. */
export function withRoute(table: LineTable, set: RouteSet, route: Route): RouteSet {
  const word = (route.color * RADIX + route.inputs) * RADIX + route.outputs;
  // Switches have further settings: few enough to be looked for one by one.
  const key = route.positions === undefined ? word : word + SWITCH * switchNumber(table, route);
  return set.more.get(key) ?? setWith(table, set, route, { word, key });
}

function setWith(
  table: LineTable,
  set: RouteSet,
  route: Route,
  { word, key }: { word: number; key: number },
): RouteSet {
  const { color, positions = [], returns = false } = route;
  let hash = mix(mix(set.hash, word), Number(returns));
  for (const setting of positions) hash = mix(hash, setting.inputs * RADIX + setting.outputs);
  const ends = outputsOf(route);
  const next: RouteSet = {
    ...{ number: table.setCount++, hash, routes: [...set.routes, route], more: new Map() },
    colors: set.colors | (1 << color),
    sends: set.sends.map((mask, port) => (((ends >> port) & 1) === 1 ? mask | (1 << color) : mask)),
  };
  set.more.set(key, next);
  return next;
}

/** Above any colour and any mask of ports. */
const RADIX = 64;
const SWITCH = RADIX ** 3;

/** A number for the further settings of a switch. */
function switchNumber(table: LineTable, { positions = [], returns = false }: Route): number {
  const key = JSON.stringify([positions.map(({ inputs, outputs }) => [inputs, outputs]), returns]);
  let number = table.switches.get(key);
  if (number === undefined) table.switches.set(key, (number = table.switches.size + 1));
  return number;
}

const NO_RECORDS = new Int32Array(0);

/** Ports of links; that of the ramp to the core is above. */
const LINKS = 15;

/** What a router with these routes and a core with this part do. */
export function lineRole(table: LineTable, part: PartCode | undefined, set: RouteSet): LineRole {
  const key = set.number * 2 ** 21 + (part?.number ?? 0);
  let role = table.roles.get(key);
  if (role === undefined) {
    let { colors } = set;
    let links = 0;
    for (let port = 0; port < 4; port++) if (set.sends[port] !== 0) links |= 1 << port;
    const records = part?.records ?? NO_RECORDS;
    for (let at = 0; at < records.length; at += OP_WORDS) {
      const isRoute = records[at + OP.kind] === ROUTE;
      const color = isRoute ? records[at + OP.more] : records[at + OP.destination];
      if (color >= 0) colors |= 1 << color;
      if (isRoute) links |= records[at + OP.more + 2] & LINKS;
    }
    const hash = mix(set.hash, part?.hash ?? 0);
    role = { number: table.roles.size, hash, part, set, colors, links };
    table.roles.set(key, role);
    table.allRoles.push(role);
  }
  return role;
}

/** A line as it is found in a program. */
export interface Found {
  width: number;
  height: number;
  places: Int32Array;
  roles: Int32Array;
  /** Hops by router * 4 + port where some link has more than one, or nothing. */
  hops: Uint16Array;
}

/** About the bytes of a shape and its image, by router. */
const SHAPE_BYTES = 150;

/** The shape of a line. */
export function shapeOf(table: LineTable, found: Found, fabric: WaferSpec['fabric']): Shape {
  const { width, height, places, roles, hops } = found;
  const { allRoles } = table;
  const hash = hashOfFound(found, allRoles);
  const alike = table.shapes.get(hash) ?? [];
  for (const shape of alike) if (isSame(shape, found)) return shape;
  const members = membersOf(table, roles);
  const { distinct, own } = members;
  const of = (what: (role: LineRole) => number) => Int32Array.from(distinct, what);
  const isSeveral = of(({ colors }) => Number((colors & (colors - 1)) !== 0));
  const acts = of(({ part }) => Number(part !== undefined));
  const shape: Shape = {
    ...{ hash, width, height, places: places.slice(), roles: roles.slice(), hops },
    allRoles,
    colors: columnOf(
      of(({ colors }) => colors),
      own,
    ),
    links: Uint8Array.from(
      columnOf(
        of(({ links }) => links),
        own,
      ),
    ),
    image: imageOfLine(found, members, fabric),
    several: thoseOf(isSeveral, own),
    actors: thoseOf(acts, own),
    changes: distinct.some(changes),
    results: new Map(),
    bunched: [],
    asked: new Map(),
    askedAt: new Map(),
  };
  table.bytes += SHAPE_BYTES * places.length;
  table.shapes.set(hash, [...alike, shape]);
  return shape;
}

function hashOfFound({ width, height, places, roles, hops }: Found, allRoles: LineRole[]): number {
  const hash = hashOfRoles(mix(width, height), places, roles, allRoles);
  return hops.length > 0 ? mixAll(hash, hops) : hash;
}

function hashOfRoles(
  hash: number,
  places: Int32Array,
  roles: Int32Array,
  allRoles: LineRole[],
): number {
  for (let i = 0; i < places.length; i++) hash = mix(mix(hash, places[i]), allRoles[roles[i]].hash);
  return hash;
}

/** The routers whose role is one of some, in rising order. */
function thoseOf(some: Int32Array, own: Int32Array): Int32Array {
  const those = new Int32Array(own.length);
  return those.slice(0, findThose(those, some, own));
}

function findThose(those: Int32Array, some: Int32Array, own: Int32Array): number {
  let count = 0;
  for (let i = 0; i < own.length; i++) if (some[own[i]] === 1) those[count++] = i;
  return count;
}

/** The roles of a line, each once, and by router which of them it has. */
interface Members {
  distinct: LineRole[];
  own: Int32Array;
}

function membersOf({ allRoles }: LineTable, roles: Int32Array): Members {
  const numbers = new Int32Array(allRoles.length).fill(-1);
  const distinct: LineRole[] = [];
  const own = new Int32Array(roles.length);
  for (let i = 0; i < roles.length; i++) {
    const role = roles[i];
    if (numbers[role] < 0) numbers[role] = distinct.push(allRoles[role]) - 1;
    own[i] = numbers[role];
  }
  return { distinct, own };
}

function changes({ part, set }: LineRole): boolean {
  if (set.routes.some(({ positions }) => positions !== undefined)) return true;
  const records = part?.records ?? NO_RECORDS;
  for (let at = 0; at < records.length; at += OP_WORDS)
    if (records[at + OP.kind] === ROUTE) return true;
  return false;
}

function isSame(a: Found, b: Found): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    sameWords(a.places, b.places) &&
    sameWords(a.roles, b.roles) &&
    sameWords(a.hops, b.hops)
  );
}

export function sameWords(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The line as a program of its own for the machine. */
export function imageOfLine(
  { width, height, places, hops }: Omit<Found, 'roles'>,
  { distinct, own }: Members,
  fabric: WaferSpec['fabric'],
): Image {
  const size = width * height;
  const coreAt = new Int32Array(size).fill(-1);
  const roleOf = new Uint32Array(size);
  const linkHops = new Uint16Array(hops.length > 0 ? size * 4 : 0).fill(1);
  placeRoles(places, own, coreAt, roleOf);
  if (hops.length > 0)
    for (let i = 0; i < places.length; i++)
      linkHops.set(hops.subarray(i * 4, i * 4 + 4), places[i] * 4);
  const { ops, labels } = operationsOf(distinct);
  const laid = { width, height, roles: distinct.map(({ set }) => set), roleOf };
  const all = { ...laid, ...(hops.length > 0 && { linkHops }) };
  const image = imageOf(all, fabric, ops, { placeOf: places.slice(), coreAt });
  return { ...image, labels, programStart: 0 };
}

function placeRoles(
  places: Int32Array,
  own: Int32Array,
  coreAt: Int32Array,
  roleOf: Uint32Array,
): void {
  for (let i = 0; i < places.length; i++) {
    coreAt[places[i]] = i;
    roleOf[places[i]] = own[i];
  }
}

/** Operations of some roles, a list for each part, and how many labels they have. */
function operationsOf(roles: LineRole[]): { ops: LaidOperations; labels: number } {
  const numbers = new Map<PartCode | undefined, number>();
  const listOf = new Int32Array(roles.length);
  for (let role = 0; role < roles.length; role++) {
    const { part } = roles[role];
    const known = numbers.get(part) ?? numbers.size;
    if (known === numbers.size) numbers.set(part, known);
    listOf[role] = known;
  }
  const parts = [...numbers.keys()];
  const lists = parts.length;
  const first = new Int32Array(lists + 1);
  parts.forEach((part, i) => {
    first[i + 1] = first[i] + (part?.records.length ?? 0) / OP_WORDS;
  });
  const records = new Int32Array(first[lists] * OP_WORDS);
  let [labels, marked, longest] = [0, 0, 0];
  parts.forEach((part, i) => {
    if (part === undefined) return;
    records.set(part.records, first[i] * OP_WORDS);
    let cycles = 0;
    for (let at = 0; at < part.records.length; at += OP_WORDS) {
      const kind = part.records[at + OP.kind];
      const streams = kind === STREAM || kind === TASK;
      labels = Math.max(labels, part.records[at + OP.label] + 1);
      const count = streams ? part.records[at + OP.count] : 0;
      const once = cyclesAt(part.records, at);
      cycles += once * (kind === TASK ? count : 1) + count + part.records[at + OP.latency];
      if (streams && part.records[at + OP.more] === 1)
        marked |= 1 << part.records[at + OP.destination];
    }
    longest = Math.max(longest, cycles);
  });
  const zeros = new Int32Array(lists);
  const none = new Float64Array(0);
  const ops = {
    ...{ listOf, first, records, marked, longest },
    ...{ sendsOn: zeros, takesFrom: zeros, trafficSent: zeros, trafficTaken: zeros },
    ...{ gaps: new Uint8Array(0), countsTakes: false },
    ...{ compute: none, setupSum: none, busy: none },
  };
  return { ops, labels };
}
