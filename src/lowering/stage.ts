/**
 * One stage of a token's path as a program: the cores of the region before that send, the routers on
 * that path, and the region that receives and computes. Its rectangle is the smallest around them.
 */
import type { Program, Role, Route } from '../program/program.js';
import {
  CoreWriter,
  type PassedOn,
  type Source,
  type Traffic,
  type WrittenCode,
} from './core-writer.js';
import { onward, visitHandOff, visitToken, planHandOff } from './hand-off.js';
import type { HandOff, Rectangle, RouteVisitor } from './hand-off.js';
import type { RegionCode } from './region.js';
import { familiesOf } from './lines.js';
import { RouteSets } from './route-sets.js';

export interface StageProgram {
  program: Program;
  /** Cores of the program that send; they belong to the region before. */
  senders: number[];
  /** Number in the program of the region's core in column 0 and row 0. */
  origin: number;
}

/** One number for a position; x is -1 beyond the west edge. */
const key = (x: number, y: number) => y * 65536 + x + 1;
const positionOf = (of: number) => ({ x: (of % 65536) - 1, y: Math.floor(of / 65536) });

/** Visits every router of the path from `source` to `region`; channels stand for colours. */
export function visitStage(source: Source, region: Rectangle, visitor: RouteVisitor): void {
  if (source.kind === 'token') visitToken(source.core, region, visitor);
  else visitHandOff(handOffOf(source, region), source.region, region, visitor);
}

/** The hand-off of rows from `source` to `region`. */
export function handOffOf(source: Source & { kind: 'rows' }, region: Rectangle): HandOff {
  return planHandOff(source.region, region, source.shares);
}

/** Colours that the path from `source` to `region` needs. */
export function channelsOf(source: Source, region: Rectangle): number {
  return source.kind === 'token' ? 1 : handOffOf(source, region).channels;
}

function trafficOf(source: Source, region: Rectangle, colors: number[]): Traffic {
  const senders: Traffic['senders'] = new Map();
  const relays: Traffic['relays'] = new Map();
  const [color] = colors;
  const passed = (slices: number, from: number, to: number): PassedOn | undefined =>
    slices > 0 ? { slices, from: colors[from], to: colors[to] } : undefined;
  if (source.kind === 'token') senders.set(key(source.core.x, source.core.y), { color });
  else
    handOffOf(source, region).rows.forEach(
      ({ sender, channel, relay, arrives, before, after }, r) => {
        senders.set(key(sender, source.region.y + r), {
          color: colors[channel],
          passes: passed(after, onward(channel), channel),
        });
        if (relay >= 0)
          relays.set(key(relay, region.y + r), {
            passes: passed(before, arrives, onward(arrives)),
            color: colors[arrives],
            multicast: region.width > 1 ? color : -1,
          });
      },
    );
  return { senders, relays, color };
}

/** Writes the stage's program; `colors` are the colours of the hand-off's channels. */
export function writeStage(
  name: string,
  source: Source,
  region: Rectangle,
  code: RegionCode,
  colors: number[],
  linkHops?: (box: { x0: number; y0: number; width: number; height: number }) => Uint16Array,
): StageProgram {
  const traffic = trafficOf(source, region, colors);
  const box = boundingBox(traffic, region);
  const width = box.x1 - box.x0 + 1;
  const height = box.y1 - box.y0 + 1;
  const at = (x: number, y: number) => (y - box.y0) * width + (x - box.x0);
  const sets = new RouteSets();
  const routeSet = new Int32Array(width * height);
  const outside: number[] = [];
  const [right, bottom] = [region.x + region.width, region.y + region.height];
  visitStage(source, region, (x, y, channel, inputs, outputs) => {
    const core = at(x, y);
    const before = routeSet[core];
    if (before === 0 && (x < region.x || x >= right || y < region.y || y >= bottom))
      outside.push(core);
    routeSet[core] = sets.with(before, colors[channel], inputs, outputs);
  });
  for (const part of [...traffic.senders.keys(), ...traffic.relays.keys()]) {
    const { x, y } = positionOf(part);
    routeSet[at(x, y)] |= PART;
  }
  const roles = new RoleNumbers(sets, code, new CoreWriter(code, traffic, source), region);
  const roleOf = numberRoles(roles, box, region, routeSet, Int32Array.from(outside).sort());
  if (roles.all.length > 65535) throw new RangeError(`${name}: more than 65535 roles`);
  const senders = [...traffic.senders.keys()].map((sender) => {
    const { x, y } = positionOf(sender);
    return at(x, y);
  });
  const program = {
    name,
    width,
    height,
    roles: roles.all,
    roleOf,
    labels: [...code.labels],
    families: familiesOf(colors),
    ...(linkHops && { linkHops: linkHops({ ...box, width, height }) }),
  };
  return { program, senders, origin: at(region.x, region.y) };
}

/**
 * The role of each core of a box, in the order of the cores. Most of a large box is neither region nor path: its cores are
 * not looked at one by one.
 * @param routeSet by core: its routes on the path, and whether it sends or relays
 * @param outside the cores of the path that are in no region, in order; all that send are on it
 */
function numberRoles(
  roles: RoleNumbers,
  { x0, y0, x1, y1 }: ReturnType<typeof boundingBox>,
  region: Rectangle,
  routeSet: Int32Array,
  outside: Int32Array,
): Uint16Array {
  const width = x1 - x0 + 1;
  const roleOf = new Uint16Array(routeSet.length);
  let done = 0;
  let next = 0;
  const idleTo = (core: number) => {
    if (done < core) roleOf.fill(roles.idle(), done, core);
    done = core;
  };
  const outsideTo = (end: number) => {
    for (; next < outside.length && outside[next] < end; next++) {
      const core = outside[next];
      const set = routeSet[core];
      idleTo(core);
      if (set < PART) roleOf[core] = roles.passing(set);
      else {
        const y = Math.floor(core / width);
        roleOf[core] = roles.sending(key(x0 + (core - y * width), y0 + y), set);
      }
      done = core + 1;
    }
  };
  for (let row = 0; row < region.height; row++) {
    const first = (region.y + row - y0) * width + region.x - x0;
    outsideTo(first);
    idleTo(first);
    roles.numberRow(row, first, routeSet, roleOf);
    done = first + region.width;
  }
  outsideTo(routeSet.length);
  idleTo((y1 - y0 + 1) * width);
  return roleOf;
}

/** In the place of a set of routes: that the core sends or relays, too. */
const PART = 1 << 30;

/** Roles of a stage's cores, each once: by its code, the routes of the region and those of the path. */
class RoleNumbers {
  readonly all: Role[] = [];
  /** By set of routes on the path: roles' numbers by the rest; and routes, those of the region with them, by their class. */
  private readonly numbersOf: Map<number, number>[] = [];
  private readonly routesOf: Map<number, Route[]>[] = [];
  private readonly own = new Map<number, Route[]>();
  /** By set: one more than the number by the kinds of row and column, of cores without a part in the hand-off. */
  private readonly byKinds: Int32Array[] = [];
  /** By set: the number of a core that only passes on. */
  private readonly passes: (number | undefined)[] = [];
  private idleNumber = -1;
  private readonly sets: RouteSets;
  private readonly code: RegionCode;
  private readonly writer: CoreWriter;
  private readonly region: Rectangle;

  constructor(sets: RouteSets, code: RegionCode, writer: CoreWriter, region: Rectangle) {
    this.sets = sets;
    this.code = code;
    this.writer = writer;
    this.region = region;
  }

  /** Of a core that is in no region and on no path. */
  idle(): number {
    if (this.idleNumber < 0) this.idleNumber = this.add(this.writer.passage(), []);
    return this.idleNumber;
  }

  /** Of a core in no region that passes on. */
  passing(set: number): number {
    return (this.passes[set] ??= this.numbered(this.writer.passage(), set, 0, []));
  }

  /** Of a core in no region that sends. */
  sending(at: number, set: number): number {
    return this.numbered(this.writer.partOf(at, false, 0, 0), set & ~PART, 0, []);
  }

  /** Notes the roles of a row of the region, whose first core is `first`. */
  numberRow(row: number, first: number, routeSet: Int32Array, roleOf: Uint16Array): void {
    const { rows, columns, columnKinds, apartRow, apartColumn } = this.code.kinds;
    const ofRow = rows[row] * columnKinds;
    for (let column = 0; column < columns.length; column++) {
      const set = routeSet[first + column];
      if (set >= PART || row === apartRow || column === apartColumn) {
        roleOf[first + column] = this.ofInside(row, column, set);
        continue;
      }
      const numbers = this.byKinds[set] ?? this.kindsOf(set);
      const kind = ofRow + columns[column];
      if (numbers[kind] === 0) numbers[kind] = this.ofInside(row, column, set) + 1;
      roleOf[first + column] = numbers[kind] - 1;
    }
  }

  private kindsOf(set: number): Int32Array {
    const { rowKinds, columnKinds } = this.code.kinds;
    return (this.byKinds[set] = new Int32Array(rowKinds * columnKinds));
  }

  private ofInside(row: number, column: number, marked: number): number {
    const { x, y } = this.region;
    const set = marked & ~PART;
    const written =
      marked < PART
        ? this.writer.plainOf(row, column)
        : this.writer.partOf(key(x + column, y + row), true, row, column);
    const routeClass = this.code.routeClass(row, column) + 1;
    let own = this.own.get(routeClass);
    if (own === undefined) this.own.set(routeClass, (own = this.code.routesAt(row, column)));
    return this.numbered(written, set, routeClass, own);
  }

  /** @param own the routes of the class, in a region */
  private numbered(written: WrittenCode, set: number, routeClass: number, own: Route[]): number {
    const { width, height } = this.region;
    const numbers = (this.numbersOf[set] ??= new Map());
    const rest = written.number * (width * height + 1) + routeClass;
    let number = numbers.get(rest);
    if (number === undefined) {
      const known = (this.routesOf[set] ??= new Map());
      let routes = known.get(routeClass);
      if (routes === undefined) {
        routes = own.concat(this.sets.routesOf(set));
        known.set(routeClass, routes);
      }
      number = this.add(written, routes);
      numbers.set(rest, number);
    }
    return number;
  }

  /** Roles and routes are of one form each: what reads them is compiled once. */
  private add({ code }: WrittenCode, routes: Route[]): number {
    const { name, operations, buffers, codeBytes } = code;
    return this.all.push({ name, routes, operations, buffers, codeBytes }) - 1;
  }
}

/** Paths turn once, between a sender and the region, so they stay within the box around these. */
function boundingBox({ senders }: Traffic, region: Rectangle) {
  const box = {
    x0: region.x,
    y0: region.y,
    x1: region.x + region.width - 1,
    y1: region.y + region.height - 1,
  };
  for (const sender of senders.keys()) {
    const { x, y } = positionOf(sender);
    if (x < box.x0) box.x0 = x;
    if (x > box.x1) box.x1 = x;
    if (y < box.y0) box.y0 = y;
    if (y > box.y1) box.y1 = y;
  }
  return box;
}
