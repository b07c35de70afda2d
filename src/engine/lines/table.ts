/**
 * The table of lines: what lines of all programs are made of, each thing once, and the results of those that were
 * simulated. It may be shared by all runs of one host: lines are told apart by all that their results depend on.
 */
import { createMachine, type Machine } from '../fast/machine.js';
import type { Rows } from '../fast/rows.js';
import type { Image, Tables } from '../fast/tables.js';
import type { Program, Route } from '../../program/program.js';
import type { RunResult } from '../engine.js';
import type { Division } from './divide.js';
import type { Known } from './lines.js';
import type { Net } from './nets.js';
import type { LineResult } from './result.js';

/** Operations of a part: records (fast/operations.ts) whose places in a core's channels are not filled in. */
export interface PartCode {
  number: number;
  hash: number;
  records: Int32Array;
  /** Their numbers among those of programs. */
  rows: Rows;
  rowOf: Int32Array;
}

/** First routes of one router for the colours of a group, as a tree: a set and one more route is a set. */
export interface RouteSet {
  number: number;
  hash: number;
  routes: readonly Route[];
  /** Bits of its colours, and of those that it may send, by port. */
  colors: number;
  sends: readonly number[];
  more: Map<number, RouteSet>;
}

/** What one router of a line and its core do. */
export interface LineRole {
  number: number;
  hash: number;
  part: PartCode | undefined;
  set: RouteSet;
  /** Bits of the colours that its router has, and of the links over which it may send them. */
  colors: number;
  links: number;
}

/** A line but for when its cores start. */
export interface Shape {
  /** The same for the same shape in every run. */
  hash: number;
  /** Routers of a box in the order of their places there, what each does, hops of their links (or none). */
  width: number;
  height: number;
  places: Int32Array;
  roles: Int32Array;
  hops: Uint16Array;
  /** What the roles' numbers are of: the table's list, until that forgets everything and begins another. */
  allRoles: readonly LineRole[];
  image: Image;
  /** By router: bits of its colours, and of its links. */
  colors: Int32Array;
  links: Uint8Array;
  /** Routers with several colours. */
  several: Int32Array;
  /** Routers whose cores do something in it. */
  actors: Int32Array;
  /** Whether routes change in it; if not, what is sent in any run of it, known after the first. */
  changes: boolean;
  counts?: LineCounts;
  /** By a hash of the starts. */
  results: Map<number, LineResult[]>;
  /** The one that was found or kept last. */
  last?: LineResult | undefined;
  /** What was asked for of lines of a group, and of more routers of a line by a hash of its starts. */
  asked: Map<number, Asked>;
  askedAt: Map<number, Asked>;
  /** Those of them that hold for other distances between bunches of starts (stretch.ts). */
  bunched: LineResult[];
}

/** Routers whose cycles were asked for, and words for the bits of these from the last start on. */
export interface Asked {
  routers: Int32Array;
  words: number;
}

/** What a line sends. */
export interface LineCounts {
  /** Wavelets over links: router, port and number, one after the other. */
  links: Int32Array;
  /** Of all links together. */
  hops: number;
  sent: number;
  delivered: number;
}

export interface LineTable {
  /** Bytes of results and images, and how many there may be; of those, bytes of results of short lines. */
  bytes: number;
  readonly most: number;
  shortBytes: number;
  /** By their hashes. */
  parts: Map<number, PartCode[]>;
  partCount: number;
  /** Empty sets, by what else tells machines apart. */
  sets: Map<string, RouteSet>;
  setCount: number;
  /** Numbers of further settings of switches. */
  switches: Map<string, number>;
  roles: Map<number, LineRole>;
  /** By their numbers. */
  allRoles: LineRole[];
  shapes: Map<number, Shape[]>;
  /** By what programs are on a wafer. */
  divisions: WeakMap<Tables, Map<string, Division | undefined>>;
  /** By program, and by fabric and colours: its nets, whatever its operations take. */
  nets: WeakMap<Program, Map<string, Net[]>>;
  /** What results were made of. */
  made: WeakMap<RunResult, StageLines>;
  /** The passes that they are of. */
  found: WeakMap<RunResult, Known>;
  machine: () => Machine;
  /** Room for passes, by the bits of their cycles. */
  rooms: Map<32 | 64, PassRoom>;
}

/**
 * Cycles of a pass: integers of 32 bits where all are far from what these hold, as code that runs for the first time makes
 * an object of each other number that it reads.
 */
export type Times = Int32Array | Float64Array;

/** What a pass keeps by core (see `Pass`), of which it fills the first entries: passes come one after the other. */
export interface PassRoom {
  at: Times;
  last: Times;
  /** By family to which cores return. */
  free: Times[];
}

/** Some cycles. */
export function timesOf(bits: 32 | 64, size: number): Times {
  return bits === 32 ? new Int32Array(size) : new Float64Array(size);
}

/** Room for so many cores. */
export function roomOf({ rooms }: LineTable, bits: 32 | 64, cores: number): PassRoom {
  let room = rooms.get(bits);
  if (room === undefined || room.at.length < cores) {
    room = { at: timesOf(bits, cores), last: timesOf(bits, cores), free: [] };
    rooms.set(bits, room);
  }
  return room;
}

/** How a program was run. */
export interface StageLines {
  /** How many lines, and hashes of those that differ. */
  lines: number;
  distinct: readonly number[];
  /** Lines that were not simulated, since the table had them. */
  known: number;
  /** Lines at whose routers others leave pointers where these matter. */
  nudged: number;
  /** Lines whose results were made of those of others with other distances between bunches of starts (stretch.ts). */
  stretched: number;
  /** Pairs of phases that were simulated as one, and lines that were joined; why the whole program was. */
  merged: number;
  joined: number;
  whole?: WhyWhole;
}

/**
 * Why a program is run whole: it has few cores; links of so many lengths that lines differ; nothing says of what
 * families its colours are (or all are of one); it has errors, numbers or synthetic traffic; a core comes back to a
 * phase, or phases wait for each other; a line does not end as it should; the guard found that phases meet; times are
 * too long.
 */
export type WhyWhole =
  | 'small'
  | 'differ'
  | 'one family'
  | 'not plain'
  | 'phases'
  | 'line'
  | 'met'
  | 'long';

/** Bytes of results that a table keeps; those of short lines, a share of them, are the first to be forgotten. */
const MOST_BYTES = 512 * 2 ** 20;
const MOST_OF_SHORT = 1 / 4;

/** Routers of a line from which on to simulate it again takes long: a hand-off through two whole regions has 100,000. */
const LONG_LINE = 4096;

export function createLineTable(most = MOST_BYTES): LineTable {
  let machine: Machine | undefined;
  return {
    most,
    ...nothing(),
    made: new WeakMap(),
    found: new WeakMap(),
    machine: () => (machine ??= createMachine()),
    rooms: new Map(),
  };
}

function nothing() {
  return {
    bytes: 0,
    shortBytes: 0,
    parts: new Map<number, PartCode[]>(),
    partCount: 0,
    sets: new Map<string, RouteSet>(),
    setCount: 0,
    switches: new Map<string, number>(),
    roles: new Map<number, LineRole>(),
    allRoles: [] as LineRole[],
    shapes: new Map<number, Shape[]>(),
    divisions: new WeakMap<Tables, Map<string, Division | undefined>>(),
    nets: new WeakMap<Program, Map<string, Net[]>>(),
  };
}

export function isLong(routers: number): boolean {
  return routers >= LONG_LINE;
}

/** Counts bytes that are kept of a line of so many routers. */
export function noteBytes(table: LineTable, routers: number, bytes: number): void {
  table.bytes += bytes;
  if (!isLong(routers)) table.shortBytes += bytes;
}

/**
 * Forgets results of short lines, or everything, if there is too much of it; to be called before a program, not in the
 * middle of one.
 */
export function makeRoom(table: LineTable): void {
  if (table.shortBytes > MOST_OF_SHORT * table.most) {
    forgetResults(table, LONG_LINE);
    table.bytes -= table.shortBytes;
    table.shortBytes = 0;
  }
  if (table.bytes > table.most) Object.assign(table, nothing());
}

/** Forgets results of all lines with fewer routers than so many, so that the next program finds none. */
export function forgetResults(table: LineTable, routers = Infinity): void {
  for (const shapes of table.shapes.values())
    for (const shape of shapes)
      if (shape.places.length < routers) {
        [shape.results, shape.bunched] = [new Map(), []];
        shape.last = undefined;
      }
}
