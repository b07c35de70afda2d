/**
 * The machine in WebAssembly (sources in assembly/), and how a program gets in and its counters out.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import type { RunInput } from '../engine.js';
import { layChannels, type Channels } from './channels.js';
import { MACHINE_CODE } from './machine-code.js';
import { flattenOperations, type Operations } from './operations.js';

/** What a program costs and names on a wafer, the same for all its runs. */
export interface Tables {
  ops: Operations;
  channels: Channels;
  /** Places in the rectangle of the cores that do something; by place, their number here, or -1. */
  placeOf: Int32Array;
  coreAt: Int32Array;
}

/** What the machine counted, by core that does something; views of its memory, good until the next run. */
export interface Counts {
  end: Int32Array;
  waitOutput: Int32Array;
  /** Per label: latest end (-2^31 if it has none), and the lowest core that has it. */
  labelEnd: Int32Array;
  labelCore: Int32Array;
  linkWavelets: Int32Array;
  sent: number;
  delivered: number;
  hazards: number;
}

/** One thread's part of a machine; the memory may be that of others too. */
export interface Machine {
  memory: WebAssembly.Memory;
  code: {
    /** Forgets everything; the address of the header. */
    reset(): number;
    /** Address of so many bytes of zeros. */
    allocate(bytes: number): number;
    /** Runs the program in memory while others help in the run of that number; 0 if it fails. */
    run(start: number, number: number, helpers: number): number;
    /** Runs a tile of it, if it has so many, once it is there. */
    help(tile: number, start: number, number: number): void;
    /** Lets those go who came to help in a run that does not take place. */
    dismiss(number: number, helpers: number): void;
    sent(): number;
    delivered(): number;
    routeHazards(): number;
  };
  onProgress?: ((cycle: number) => void) | undefined;
}

/** The threads of a run, each of which can have a tile; they have one memory. */
export interface Team {
  /** The first thread's. */
  machine: Machine;
  threads: number;
  /** Cores that a tile should have at least. */
  leastCores: number;
  /** A number for each run, rising from 1, by which the others help in it. */
  run: number;
}

/** Lays a program out; its cores without routes and operations are left out. */
export function layTables(program: Program, wafer: WaferSpec): Tables {
  const { roles, roleOf } = program;
  const acts = roles.map(({ routes, operations }) => routes.length + operations.length > 0);
  const coreAt = new Int32Array(roleOf.length);
  let cores = 0;
  for (let place = 0; place < coreAt.length; place++)
    coreAt[place] = acts[roleOf[place]] ? cores++ : -1;
  const placeOf = new Int32Array(cores);
  for (let place = 0; place < coreAt.length; place++)
    if (coreAt[place] >= 0) placeOf[coreAt[place]] = place;
  const ops = flattenOperations(program, wafer);
  return { ops, channels: layChannels(program, wafer.fabric.colors, ops), placeOf, coreAt };
}

/** Memory for a machine: a page, growing to the 4 GiB that it can address. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
}

let translated: WebAssembly.Module | undefined;

/** A machine on a memory; the machine's code is translated once in a thread. */
export function createMachine(memory = createMemory()): Machine {
  translated ??= new WebAssembly.Module(Buffer.from(MACHINE_CODE, 'base64'));
  const words = new Int32Array(memory.buffer);
  const { exports } = new WebAssembly.Instance(translated, {
    env: { memory },
    main: { progress: (cycle: number) => machine.onProgress?.(cycle) },
    tiles: {
      sleep: (at: number, seen: number) => void Atomics.wait(words, at >> 2, seen),
      wake: (at: number) => void Atomics.notify(words, at >> 2),
    },
  });
  const machine: Machine = { memory, code: exports as Machine['code'] };
  return machine;
}

/** The cycle in which the first core starts. */
export function startOf(startAt: Int32Array | undefined): number {
  return startAt?.reduce((a, b) => Math.min(a, b), 0x7fffffff) ?? 0;
}

/** Runs a program, alone or in a team; undefined if the machine fails somewhere. */
export function runMachine(input: RunInput, tables: Tables, team: Team): Counts | undefined {
  const { machine } = team;
  const { code } = machine;
  const views = load(input, tables, team);
  machine.onProgress = input.onProgress;
  if (code.run(startOf(input.startAt), team.run, team.threads - 1) === 0) return undefined;
  return {
    ...views(),
    sent: code.sent(),
    delivered: code.delivered(),
    hazards: code.routeHazards(),
  };
}

/** Lets those go who wait to help in a run that does not take place. */
export function dismiss({ machine, run, threads }: Team): void {
  machine.code.dismiss(run, threads - 1);
}

/** Writes the header (fields in the order of `Header` in assembly/machine.ts) and the tables. */
function load({ program, wafer, startAt }: RunInput, tables: Tables, team: Team) {
  const { memory, code } = team.machine;
  const { width, height, roles, roleOf, labels, linkHops } = program;
  const { fabric, costs } = wafer;
  const { ops, channels, placeOf, coreAt } = tables;
  const cores = placeOf.length;
  const tiles = Math.max(1, Math.min(team.threads, Math.floor(cores / team.leastCores)));
  const header = code.reset();
  const table = (from: Int32Array | Uint16Array | Uint8Array) => {
    const at = code.allocate(from.byteLength);
    new (from.constructor as Int32ArrayConstructor)(memory.buffer, at, from.length).set(from);
    return at;
  };
  const longest = linkHops?.reduce((a, b) => Math.max(a, b), 1) ?? 1;
  const fields = [
    ...[cores, fabric.colors, width, height, roles.length, labels.length],
    ...[fabric.hopCycles, fabric.rampCycles, fabric.queueDepth, costs.programStart],
    ...[longest, tiles],
    ...[table(Uint16Array.from(placeOf, (place) => roleOf[place])), table(placeOf)],
    ...[table(placeOf.map((place) => startAt?.[place] ?? 0)), table(coreAt)],
    linkHops ? table(linkHops) : 0,
    ...[table(ops.listOf), table(channels.slotted)],
    ...[table(channels.kindsFrom), table(channels.routesFrom)],
    ...[table(channels.kinds), table(channels.routes)],
    ...[table(ops.first), table(ops.records), table(ops.gaps)],
  ];
  const sizes = [cores, cores, cores * 4, labels.length, labels.length];
  const results = sizes.map((size) => code.allocate(size * 4));
  const view = (i: number) => new Int32Array(memory.buffer, results[i], sizes[i]);
  new Int32Array(memory.buffer, header).set([...fields, ...results]);
  return () => ({
    end: view(0),
    waitOutput: view(1),
    linkWavelets: view(2),
    labelEnd: view(3),
    labelCore: view(4),
  });
}
