/**
 * A program as the machine wants it: tables of numbers, the same for all its runs. Cores without routes
 * and operations are left out; the others have numbers of their own, in the order of their places.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import type { RunInput } from '../engine.js';
import { layChannels, type Routed } from './channels.js';
import { flattenOperations, type Operations } from './operations.js';

type FabricNumber = 'hop' | 'ramp' | 'depth' | 'longest' | 'marked' | 'switches';
type CoreTable = 'roleOf' | 'placeOf' | 'coreAt' | 'linkHops';
type RoleTable = 'listOf' | 'slotted' | 'kindsFrom' | 'routesFrom' | 'kinds' | 'routes';
type TableName = CoreTable | RoleTable | 'opsFrom' | 'ops' | 'gaps' | 'toTake';

export interface Tables {
  ops: Operations;
  /** Places in the rectangle of the cores that do something. */
  placeOf: Int32Array;
  image: Image;
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
}

export function layTables(program: Program, wafer: WaferSpec): Tables {
  const { labels } = program;
  const { costs } = wafer;
  const cores = numberCores(program);
  const ops = flattenOperations(program, wafer);
  const image = imageOf(program, wafer.fabric, ops, cores);
  const more = { labels: labels.length, programStart: costs.programStart };
  return { ops, placeOf: cores.placeOf, image: { ...image, ...more } };
}

/** What an image needs to know of a program, or of one of its lines. */
export type Laid = Pick<Program, 'width' | 'height' | 'linkHops' | 'roleOf'> & {
  roles: Routed[];
};

/** The image of a program whose operations are laid out: the places of operations are filled in. */
export function imageOf(
  { width, height, roles, roleOf, linkHops }: Laid,
  fabric: WaferSpec['fabric'],
  ops: Operations,
  { placeOf, coreAt }: Numbered,
): Omit<Image, 'labels' | 'programStart'> {
  const channels = layChannels({ roles }, fabric.colors, ops);
  const longestLink = linkHops?.reduce((a, b) => Math.max(a, b), 1) ?? 1;
  const numbers = {
    ...{ colors: fabric.colors, width, height, roles: roles.length },
    ...{ hop: fabric.hopCycles, ramp: fabric.rampCycles, depth: fabric.queueDepth },
    longest: longestLink,
    ...{ marked: ops.marked, switches: Number(channels.switches) },
  };
  const { slotted, kindsFrom, routesFrom, kinds, routes } = channels;
  const tables = {
    ...{ roleOf: placeOf.map((place) => roleOf[place]), placeOf, coreAt },
    ...{ linkHops: linkHops ?? new Uint16Array(0), listOf: ops.listOf, slotted },
    ...{ kindsFrom, routesFrom, kinds, routes },
    ...{ opsFrom: ops.first, ops: ops.records, gaps: ops.gaps },
    toTake: new Int32Array(ops.countsTakes ? placeOf.length * fabric.colors : 0),
  };
  const ahead = ops.longest + inFlight(fabric, longestLink);
  return { cores: placeOf.length, ahead, numbers, tables };
}

/** More cycles than a wavelet and its credit take, sends and takes that are set ahead included. */
function inFlight({ hopCycles, rampCycles, queueDepth }: WaferSpec['fabric'], longest: number) {
  return 4 * (hopCycles * longest + rampCycles + queueDepth) + 1024;
}

/** The cores that do something: their places, and by place their number, or -1. */
export type Numbered = Record<'placeOf' | 'coreAt', Int32Array>;

function numberCores({ roles, roleOf }: Program): Numbered {
  const acts = roles.map(({ routes, operations }) => routes.length + operations.length > 0);
  const coreAt = new Int32Array(roleOf.length);
  let cores = 0;
  for (let place = 0; place < coreAt.length; place++)
    coreAt[place] = acts[roleOf[place]] ? cores++ : -1;
  const placeOf = new Int32Array(cores);
  for (let place = 0; place < coreAt.length; place++)
    if (coreAt[place] >= 0) placeOf[coreAt[place]] = place;
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
export function startsOf({ startAt }: RunInput, { placeOf }: Tables): Float64Array {
  const starts = new Float64Array(placeOf.length);
  if (startAt !== undefined)
    for (let core = 0; core < starts.length; core++) starts[core] = startAt[placeOf[core]];
  return starts;
}
