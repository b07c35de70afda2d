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
  visitStage(source, region, (x, y, channel, inputs, outputs) => {
    const core = at(x, y);
    routeSet[core] = sets.with(routeSet[core], colors[channel], inputs, outputs);
  });
  const roles = new RoleNumbers(sets, code, new CoreWriter(code, traffic, source), region);
  const roleOf = new Uint16Array(width * height);
  for (let y = box.y0; y <= box.y1; y++) {
    const isRow = y >= region.y && y < region.y + region.height;
    // Columns of the region in this row, if it has any.
    const from = isRow ? region.x - box.x0 : width;
    const to = isRow ? from + region.width : width;
    const row = (y - box.y0) * width;
    for (let x = 0; x < width; x++) {
      const set = routeSet[row + x];
      // Most of a large box is no part of the path; a sender is, as its router has routes.
      if ((x < from || x >= to) && set === 0) roleOf[row + x] = roles.idle();
      else roleOf[row + x] = roles.of(box.x0 + x, y, x >= from && x < to, set);
    }
  }
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

/** Roles of a stage's cores, each once: by its code, the routes of the region and those of the path. */
class RoleNumbers {
  readonly all: Role[] = [];
  /** By set of routes on the path: roles' numbers by the rest. */
  private readonly numbersOf: Map<number, number>[] = [];
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

  of(x: number, y: number, inside: boolean, set: number): number {
    const { width, height } = this.region;
    const column = x - this.region.x;
    const row = y - this.region.y;
    const written = this.writer.codeOf(key(x, y), inside, row, column);
    const routeClass = inside ? this.code.routeClass(row, column) + 1 : 0;
    const numbers = (this.numbersOf[set] ??= new Map());
    const rest = written.number * (width * height + 1) + routeClass;
    let number = numbers.get(rest);
    if (number === undefined) {
      const own = inside ? this.code.routesAt(row, column) : [];
      number = this.add(written, own.concat(this.sets.routesOf(set)));
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
