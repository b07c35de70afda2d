/**
 * A program as the machine wants it: tables of numbers, the same for all its runs. Cores without routes
 * and operations are left out; the others have numbers of their own, in the order of their places.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import type { RunInput, Starts } from '../engine.js';
import { layChannels, type Routed } from './channels.js';
import { flattenOperations, laidOut } from './operations.js';
import type { LaidOperations, Operations } from './operations.js';
import { partsOf } from './parts.js';
import type { Spent } from '../by-core.js';
import { spentOf } from './tally.js';

type FabricNumber = 'hop' | 'ramp' | 'depth' | 'longest' | 'marked' | 'switches';
type CoreTable = 'roleOf' | 'placeOf' | 'coreAt' | 'linkHops';
type RoleTable = 'listOf' | 'slotted' | 'kindsFrom' | 'routesFrom' | 'kinds' | 'routes';
type TableName = CoreTable | RoleTable | 'opsFrom' | 'ops' | 'gaps' | 'toTake';

export interface Tables extends Numbered {
  ops: Operations;
  /** By core that does something: its role. */
  roleOf: Int32Array;
  labels: number;
  programStart: number;
  ahead: number;
  /** What its cores spend in any run. */
  spent: Spent;
  /** All that the machine wants; made once it is asked for, as not every program is run whole. */
  readonly image: Image;
}

export type Table = Float64Array | Int32Array | Uint16Array | Uint8Array;

/** What goes into the machine's memory, by the names of `Header` in assembly/machine.ts. */
export interface Image {
  cores: number;
  labels: number;
  programStart: number;
  /** The most cycles that a visit to a core or a router may set times ahead. */
  ahead: number;
  numbers: Record<'colors' | 'width' | 'height' | 'roles' | FabricNumber, number>;
  tables: Record<TableName, Table>;
  /** The parts that it falls into (see parts.ts), if it is large and there are several. */
  parts?: Int32Array | undefined;
}

export function layTables(program: Program, wafer: WaferSpec): Tables {
  const { labels } = program;
  const { costs } = wafer;
  const cores = numberCores(program);
  const ops = flattenOperations(program, wafer);
  const more = { labels: labels.length, programStart: costs.programStart };
  let image: Image | undefined;
  return {
    ...{ ops, ...cores, ...more },
    roleOf: columnOf(program.roleOf, cores.placeOf),
    ahead: aheadOf(ops, wafer.fabric, longestOf(program.linkHops)),
    spent: spentOf(program, ops),
    get image() {
      return (image ??= {
        ...imageOf(program, wafer.fabric, laidOut(ops), cores),
        ...more,
        parts: partsOf(program, cores),
      });
    },
  };
}

/** Of some values those at these places. */
export function columnOf(values: ArrayLike<number>, places: Int32Array): Int32Array {
  const column = new Int32Array(places.length);
  for (let i = 0; i < column.length; i++) column[i] = values[places[i]];
  return column;
}

function longestOf(linkHops: Program['linkHops']): number {
  return linkHops?.reduce((a, b) => Math.max(a, b), 1) ?? 1;
}

function aheadOf(
  ops: Pick<Operations, 'longest'>,
  fabric: WaferSpec['fabric'],
  longestLink: number,
): number {
  return ops.longest + inFlight(fabric, longestLink);
}

/** What an image needs to know of a program, or of one of its lines. */
export type Laid = Pick<Program, 'width' | 'height' | 'linkHops' | 'roleOf'> & {
  roles: Routed[];
};

/** The image of a program whose operations are laid out: the places of operations are filled in. */
export function imageOf(
  { width, height, roles, roleOf, linkHops }: Laid,
  fabric: WaferSpec['fabric'],
  ops: LaidOperations,
  { placeOf, coreAt }: Numbered,
): Omit<Image, 'labels' | 'programStart'> {
  const channels = layChannels({ roles }, fabric.colors, ops);
  const longestLink = longestOf(linkHops);
  const numbers = {
    ...{ colors: fabric.colors, width, height, roles: roles.length },
    ...{ hop: fabric.hopCycles, ramp: fabric.rampCycles, depth: fabric.queueDepth },
    longest: longestLink,
    ...{ marked: ops.marked, switches: Number(channels.switches) },
  };
  const { slotted, kindsFrom, routesFrom, kinds, routes } = channels;
  const tables = {
    ...{ roleOf: columnOf(roleOf, placeOf), placeOf, coreAt },
    ...{ linkHops: linkHops ?? new Uint16Array(0), listOf: ops.listOf, slotted },
    ...{ kindsFrom, routesFrom, kinds, routes },
    ...{ opsFrom: ops.first, ops: ops.records, gaps: ops.gaps },
    toTake: new Int32Array(ops.countsTakes ? placeOf.length * fabric.colors : 0),
  };
  const ahead = aheadOf(ops, fabric, longestLink);
  return { cores: placeOf.length, ahead, numbers, tables };
}

/** More cycles than a wavelet and its credit take, sends and takes that are set ahead included. */
function inFlight({ hopCycles, rampCycles, queueDepth }: WaferSpec['fabric'], longest: number) {
  return 4 * (hopCycles * longest + rampCycles + queueDepth) + 1024;
}

/** The cores that do something: their places, and by place their number, or -1. */
export type Numbered = Record<'placeOf' | 'coreAt', Int32Array>;

function numberCores({ roles, roleOf }: Program): Numbered {
  const acts = new Uint8Array(roles.length);
  for (let role = 0; role < acts.length; role++)
    acts[role] = Number(roles[role].routes.length + roles[role].operations.length > 0);
  let cores = 0;
  for (let place = 0; place < roleOf.length; place++) cores += acts[roleOf[place]];
  const coreAt = new Int32Array(roleOf.length);
  const placeOf = new Int32Array(cores);
  let core = 0;
  for (let place = 0; place < coreAt.length; place++)
    if (acts[roleOf[place]] === 1) {
      placeOf[core] = place;
      coreAt[place] = core++;
    } else coreAt[place] = -1;
  return { placeOf, coreAt };
}

/** Room for the instants of synthetic traffic: see `notes` in assembly/machine.ts. */
export interface Notes {
  next: Int32Array;
  sends: number;
  takes: number;
}

export function notesOf({ program }: RunInput, { ops, placeOf }: Tables): Notes {
  const next = new Int32Array(placeOf.length * 2);
  let [sends, takes] = [0, 0];
  for (let core = 0; core < placeOf.length; core++) {
    next.set([sends, takes], core * 2);
    const list = ops.listOf[program.roleOf[placeOf[core]]];
    sends += ops.trafficSent[list];
    takes += ops.trafficTaken[list];
  }
  return { next, sends, takes };
}

/** The cycle in which each of those cores starts. */
export function startsOf(input: RunInput, tables: Tables): Float64Array {
  return fillStarts(new Float64Array(tables.placeOf.length), input, tables);
}

/** The same, in place of so many zeros. */
export function fillStarts<T extends Starts>(
  starts: T,
  { startAt }: RunInput,
  { placeOf }: Pick<Tables, 'placeOf'>,
): T {
  if (startAt !== undefined)
    for (let core = 0; core < starts.length; core++) starts[core] = startAt[placeOf[core]];
  return starts;
}
