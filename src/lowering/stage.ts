/**
 * One stage of a token's path as a program: the cores of the region before that send, the routers on
 * that path, and the region that receives and computes. Its rectangle is the smallest around them.
 */
import type { FloatType } from '../numeric/types.js';
import { passOn, send, store, type Code } from '../program/builder.js';
import type { Operation, Program, Role, Route } from '../program/program.js';
import type { CoreProgram, RegionCode } from './region.js';
import { onward, visitHandOff, visitToken, planHandOff } from './hand-off.js';
import type { HandOff, Rectangle, RouteVisitor } from './hand-off.js';

/** Where the region's data come from: row by row from the region before, or one core's token. */
export type Source = (
  | { kind: 'rows'; region: Rectangle; shares?: boolean }
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

/** Slices of other rows that a core passes on, and the colours on which they come and go. */
interface PassedOn {
  slices: number;
  from: number;
  to: number;
}

/** A sending core: the colour it sends on, and what it passes on after that. */
interface Sender {
  color: number;
  passes?: PassedOn | undefined;
}

/** A relaying core: what it passes on first, the colour it receives, and that of its multicast (-1 if it is alone). */
interface Relay {
  passes?: PassedOn | undefined;
  color: number;
  multicast: number;
}

/** What the cores of a hand-off do in addition to routing. */
interface Traffic {
  senders: Map<number, Sender>;
  relays: Map<number, Relay>;
  /** Colour on which all other cores receive. */
  color: number;
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
      ({ sender, channel, relay, arrives, ahead, behind }, r) => {
        senders.set(key(sender, source.region.y + r), {
          color: colors[channel],
          passes: passed(behind, onward(channel), channel),
        });
        if (relay >= 0)
          relays.set(key(relay, region.y + r), {
            passes: passed(ahead, arrives, onward(arrives)),
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
    const sends = this.traffic.senders.get(at);
    const relay = this.traffic.relays.get(at);
    if (sends === undefined && relay === undefined)
      return (this.plain[body + 1] ??= this.write(inside, row, column));
    const part = JSON.stringify([body, sends, relay]);
    const written = this.parts.get(part) ?? this.write(inside, row, column, sends, relay);
    this.parts.set(part, written);
    return written;
  }

  private write(
    inside: boolean,
    row: number,
    column: number,
    sends?: Sender,
    relay?: Relay,
  ): WrittenCode {
    const code = inside ? this.insider(row, column, sends, relay) : this.outsider(sends);
    return { number: this.count++, code };
  }

  private insider(
    row: number,
    column: number,
    sends: Sender | undefined,
    relay: Relay | undefined,
  ): WrittenCode['code'] {
    const program = this.code.write(row, column);
    const { prepare, main, ...rest } = program;
    const operations = [...prepare, ...this.receive(program, relay), ...main];
    if (sends === undefined) return { ...rest, operations };
    // A tied table's core sends what it chose before, and then receives it as all cores do.
    const { cell } = this.source;
    const buffers = rest.buffers.map((b) =>
      b.at <= cell && cell < b.at + b.length ? { ...b, preloaded: true } : b,
    );
    return { ...rest, buffers, operations: [...this.send(sends), ...operations] };
  }

  /** A core outside the region: a router on the path, or one that sends what it computed before. */
  private outsider(sends: Sender | undefined): WrittenCode['code'] {
    if (sends === undefined) return { name: 'passage', buffers: [], codeBytes: 0, operations: [] };
    const { cell: at, type, length } = this.source;
    const buffers = [{ name: 'sent', type, at, length, preloaded: true }];
    return { name: 'sender', buffers, codeBytes: 0, operations: this.send(sends) };
  }

  private send({ color, passes }: Sender): Operation[] {
    const { cell: at, type, length } = this.source;
    const code: Code = { label: this.code.receive.label, operations: [] };
    send(code, { type, at, length }, color);
    this.passOn(code, passes);
    return code.operations;
  }

  private passOn(code: Code, passes: PassedOn | undefined): void {
    if (passes) passOn(code, this.source, passes.slices, passes.from, passes.to);
  }

  private receive(program: CoreProgram, relay: Relay | undefined): Operation[] {
    const { label, type, length, at } = this.code.receive;
    const code: Code = { label, operations: [] };
    const received = { type, length, at: at(program) };
    this.passOn(code, relay?.passes);
    store(code, received, relay ? relay.color : this.traffic.color);
    if (relay && relay.multicast >= 0) send(code, received, relay.multicast);
    return code.operations;
  }
}
