/**
 * One stage of a token's path as a program: the cores of the region before that send, the routers on
 * that path, and the region that receives and computes. Its rectangle is the smallest around them.
 */
import type { Program, Role } from '../program/program.js';
import { CoreWriter, type PassedOn, type Source, type Traffic } from './core-writer.js';
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
  const roles: Role[] = [];
  /** By set of routes: roles' numbers by the rest. */
  const numbersOf: Map<number, number>[] = [];
  const routeClasses = region.width * region.height + 1;
  const roleOf = new Uint16Array(width * height);
  const writer = new CoreWriter(code, traffic, source);
  for (let y = box.y0; y <= box.y1; y++)
    for (let x = box.x0; x <= box.x1; x++) {
      const core = at(x, y);
      const column = x - region.x;
      const row = y - region.y;
      const inside = column >= 0 && row >= 0 && column < region.width && row < region.height;
      const written = writer.codeOf(key(x, y), inside, row, column);
      const routeClass = inside ? code.routeClass(row, column) + 1 : 0;
      const set = routeSet[core];
      const numbers = (numbersOf[set] ??= new Map());
      const ofSet = written.number * routeClasses + routeClass;
      let number = numbers.get(ofSet);
      if (number === undefined) {
        number = roles.length;
        numbers.set(ofSet, number);
        const own = inside ? code.routesAt(row, column) : [];
        const { name, operations, buffers, codeBytes } = written.code;
        // Roles and routes of one form each: what reads them is compiled once.
        const routes = own.concat(sets.routesOf(set));
        roles.push({ name, routes, operations, buffers, codeBytes });
      }
      roleOf[core] = number;
    }
  if (roles.length > 65535) throw new RangeError(`${name}: more than 65535 roles`);
  const senders = [...traffic.senders.keys()].map((sender) => {
    const { x, y } = positionOf(sender);
    return at(x, y);
  });
  const program = {
    name,
    width,
    height,
    roles,
    roleOf,
    labels: [...code.labels],
    families: familiesOf(colors),
    ...(linkHops && { linkHops: linkHops({ ...box, width, height }) }),
  };
  return { program, senders, origin: at(region.x, region.y) };
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
