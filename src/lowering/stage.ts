/**
 * One stage of a token's path as a program: the cores of the region before that send, the routers on
 * that path, and the region that receives and computes. Its rectangle is the smallest around them.
 */
import type { FloatType } from '../numeric/types.js';
import { send, store, type Code } from '../program/builder.js';
import type { Operation, Program, Role, Route } from '../program/program.js';
import type { CoreProgram, RegionCode } from './region.js';
import { visitHandOff, visitToken, planHandOff } from './hand-off.js';
import type { Rectangle, RouteVisitor } from './hand-off.js';

/** Where the region's data come from: row by row from the region before, or one core's token. */
export type Source = (
  | { kind: 'rows'; region: Rectangle }
  | { kind: 'token'; core: { x: number; y: number } }
) & {
  /** What a sender sends: `length` elements from its memory at `cell`. */
  cell: number;
  type: FloatType;
  length: number;
};

export interface StageProgram {
  program: Program;
  /** Cores of the program that send; they belong to the region before. */
  senders: number[];
  /** Number in the program of the region's core in column 0 and row 0. */
  origin: number;
}

/** What the cores of a hand-off do in addition to routing. */
interface Traffic {
  senders: Map<number, number>;
  /** Relaying cores: colour they receive, colour they multicast (-1 if no other core is there). */
  relays: Map<number, [number, number]>;
  /** Colour on which all other cores receive. */
  color: number;
}

/** One number for a position; x is -1 beyond the west edge. */
const key = (x: number, y: number) => y * 65536 + x + 1;
const positionOf = (of: number) => ({ x: (of % 65536) - 1, y: Math.floor(of / 65536) });

/** Visits every router of the path from `source` to `region`; channels stand for colours. */
export function visitStage(source: Source, region: Rectangle, visitor: RouteVisitor): void {
  if (source.kind === 'token') visitToken(source.core, region, visitor);
  else visitHandOff(planHandOff(source.region, region), source.region, region, visitor);
}

/** Colours that the path from `source` to `region` needs. */
export function channelsOf(source: Source, region: Rectangle): number {
  return source.kind === 'token' ? 1 : planHandOff(source.region, region).channels;
}

function trafficOf(source: Source, region: Rectangle, colors: number[]): Traffic {
  const senders = new Map<number, number>();
  const relays = new Map<number, [number, number]>();
  if (source.kind === 'token') senders.set(key(source.core.x, source.core.y), colors[0]);
  else
    planHandOff(source.region, region).rows.forEach((row, r) => {
      senders.set(key(row.sender, source.region.y + r), colors[row.channel]);
      if (row.relay >= 0)
        relays.set(key(row.relay, region.y + r), [
          colors[row.channel],
          region.width > 1 ? colors[0] : -1,
        ]);
    });
  return { senders, relays, color: colors[0] };
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

/** Sets of routes of one router, numbered, so that a core's set is one integer while it grows. */
class RouteSets {
  private readonly sets: Route[][] = [[]];
  private readonly next = new Map<number, number>();

  /** Number of a set with one more route; a second route of a colour adds its ports. */
  with(set: number, color: number, inputs: number, outputs: number): number {
    const step = ((set * RADIX + color) * RADIX + inputs) * RADIX + outputs;
    const known = this.next.get(step);
    if (known !== undefined) return known;
    const routes: Route[] = this.sets[set].map((r) => {
      return { color: r.color, inputs: r.inputs, outputs: r.outputs };
    });
    const same = routes.find((r) => r.color === color);
    if (same) {
      same.inputs |= inputs;
      same.outputs |= outputs;
    } else routes.push({ color, inputs, outputs });
    this.sets.push(routes);
    this.next.set(step, this.sets.length - 1);
    return this.sets.length - 1;
  }

  routesOf(set: number): Route[] {
    return this.sets[set];
  }
}

/** Above any colour and any mask of ports, of which some keys are made. */
const RADIX = 64;

/** A role without its routes, and its number. */
interface WrittenCode {
  number: number;
  code: Omit<Role, 'routes'>;
}

/** Writes the code of each kind of core once: by row class, column class and part in the hand-off. */
class CoreWriter {
  private count = 0;
  /** Cores without a part in the hand-off: outsiders first, then by class. The others by name. */
  private readonly plain: (WrittenCode | undefined)[] = [];
  private readonly parts = new Map<string, WrittenCode>();
  private readonly code: RegionCode;
  private readonly traffic: Traffic;
  private readonly source: Source;

  constructor(code: RegionCode, traffic: Traffic, source: Source) {
    this.code = code;
    this.traffic = traffic;
    this.source = source;
  }

  /** Code of the core at this key. */
  codeOf(at: number, inside: boolean, row: number, column: number): WrittenCode {
    const body = inside ? this.code.codeClass(row, column) : -1;
    const sends = this.traffic.senders.get(at) ?? -1;
    const relay = this.traffic.relays.get(at);
    if (sends < 0 && relay === undefined)
      return (this.plain[body + 1] ??= this.write(inside, row, column));
    const part = `${body} ${sends} ${relay?.join() ?? ''}`;
    const written = this.parts.get(part) ?? this.write(inside, row, column, sends, relay);
    this.parts.set(part, written);
    return written;
  }

  private write(
    inside: boolean,
    row: number,
    column: number,
    sends = -1,
    relay?: [number, number],
  ): WrittenCode {
    const code = inside ? this.insider(row, column, sends, relay) : this.outsider(sends);
    return { number: this.count++, code };
  }

  private insider(
    row: number,
    column: number,
    sends: number,
    relay: [number, number] | undefined,
  ): WrittenCode['code'] {
    const program = this.code.write(row, column);
    const { prepare, main, ...rest } = program;
    const operations = [...prepare, ...this.receive(program, relay), ...main];
    if (sends < 0) return { ...rest, operations };
    // A tied table's core sends what it chose before, and then receives it as all cores do.
    const { cell } = this.source;
    const buffers = rest.buffers.map((b) =>
      b.at <= cell && cell < b.at + b.length ? { ...b, preloaded: true } : b,
    );
    return { ...rest, buffers, operations: [...this.send(sends), ...operations] };
  }

  /** A core outside the region: a router on the path, or one that sends what it computed before. */
  private outsider(color: number): WrittenCode['code'] {
    if (color < 0) return { name: 'passage', buffers: [], codeBytes: 0, operations: [] };
    const { cell: at, type, length } = this.source;
    const buffers = [{ name: 'sent', type, at, length, preloaded: true }];
    return { name: 'sender', buffers, codeBytes: 0, operations: this.send(color) };
  }

  private send(color: number): Operation[] {
    const { cell: at, type, length } = this.source;
    const code: Code = { label: this.code.receive.label, operations: [] };
    send(code, { type, at, length }, color);
    return code.operations;
  }

  private receive(program: CoreProgram, relay: [number, number] | undefined): Operation[] {
    const { label, type, length, at } = this.code.receive;
    const code: Code = { label, operations: [] };
    const received = { type, length, at: at(program) };
    store(code, received, relay ? relay[0] : this.traffic.color);
    if (relay && relay[1] >= 0) send(code, received, relay[1]);
    return code.operations;
  }
}
