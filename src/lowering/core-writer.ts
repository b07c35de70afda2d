/**
 * The code of the cores of one stage: what each does for the hand-off, around what the region's code says.
 */
import type { FloatType } from '../numeric/types.js';
import { passOn, send, store, type Code } from '../program/builder.js';
import type { Operation, Role } from '../program/program.js';
import type { Rectangle } from './hand-off.js';
import type { CoreProgram, RegionCode } from './region.js';

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

/** Slices of other rows that a core passes on, and the colours on which they come and go. */
export interface PassedOn {
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
export interface Traffic {
  senders: Map<number, Sender>;
  relays: Map<number, Relay>;
  /** Colour on which all other cores receive. */
  color: number;
}

/** A role without its routes, and its number. */
export interface WrittenCode {
  number: number;
  code: Omit<Role, 'routes'>;
}

/** Writes the code of each kind of core once: by row class, column class and part in the hand-off. */
export class CoreWriter {
  private count = 0;
  /** Cores without a part in the hand-off: outsiders first, then by class. The others by name. */
  private readonly plain: (WrittenCode | undefined)[] = [];
  private readonly parts = new Map<string, WrittenCode>();
  /** That of cores that relay nothing. */
  private ownPlace: string | undefined;
  private readonly code: RegionCode;
  private readonly traffic: Traffic;
  private readonly source: Source;

  constructor(code: RegionCode, traffic: Traffic, source: Source) {
    this.code = code;
    this.traffic = traffic;
    this.source = source;
  }

  /** Code of a core that has no part in anything. */
  passage(): WrittenCode {
    return (this.plain[0] ??= this.write(false, 0, 0));
  }

  /** Code of a core of the region without a part in the hand-off. */
  plainOf(row: number, column: number): WrittenCode {
    const body = this.code.codeClass(row, column);
    return (this.plain[body + 1] ??= this.write(true, row, column));
  }

  /** Code of the core at this key, which sends or relays. */
  partOf(at: number, inside: boolean, row: number, column: number): WrittenCode {
    const body = inside ? this.code.codeClass(row, column) : -1;
    const sends = this.traffic.senders.get(at);
    const relay = this.traffic.relays.get(at);
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
    const { name, buffers, codeBytes, prepare, main, around } = program;
    const { cell } = this.source;
    const place = relay ? this.placeOf(relay) : (this.ownPlace ??= this.placeOf());
    // Programs that differ elsewhere only have lists in common, and all that follows from them.
    let operations = around.get(place);
    if (operations === undefined) {
      operations = prepare.concat(this.receive(program, relay), main);
      around.set(place, operations);
    }
    if (sends === undefined) return { name, buffers, codeBytes, operations };
    // A tied table's core sends what it chose before, and then receives it as all cores do.
    const sent = buffers.map((b) =>
      b.at <= cell && cell < b.at + b.length ? { ...b, preloaded: true } : b,
    );
    const both = this.send(sends).concat(operations);
    return { name, buffers: sent, codeBytes, operations: both };
  }

  /** What a core of the region receives, and how, as a key. */
  private placeOf(relay?: Relay): string {
    const { cell, type, length } = this.source;
    return JSON.stringify([this.traffic.color, relay, relay?.passes && [cell, type, length]]);
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
