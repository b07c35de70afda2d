/**
 * The machine in WebAssembly (sources in assembly/), and how a program gets in and its counters out.
 * A thread has one, which a run starts afresh; while it runs it is nobody else's.
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

interface Machine {
  memory: WebAssembly.Memory;
  /** Forgets everything; the address of the header. */
  reset(): number;
  /** Address of so many bytes of zeros. */
  allocate(bytes: number): number;
  /** 0 if the machine fails. */
  run(start: number): number;
  sent: WebAssembly.Global;
  delivered: WebAssembly.Global;
  hazards: WebAssembly.Global;
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

let code: WebAssembly.Module | undefined;
let idle: Machine | undefined;
let onProgress: ((cycle: number) => void) | undefined;

/** Runs a program; undefined if the machine fails somewhere. */
export function runMachine<T>(
  input: RunInput,
  tables: Tables,
  read: (counts: Counts) => T,
): T | undefined {
  const machine = idle ?? createMachine();
  const told = onProgress;
  idle = undefined;
  onProgress = input.onProgress;
  try {
    const views = load(machine, input, tables);
    const start = input.startAt?.reduce((a, b) => Math.min(a, b), 0x7fffffff) ?? 0;
    if (machine.run(start) === 0) return undefined;
    const { sent, delivered, hazards } = machine;
    return read({
      ...views(),
      sent: sent.value,
      delivered: delivered.value,
      hazards: hazards.value,
    });
  } finally {
    onProgress = told;
    idle = machine;
  }
}

function createMachine(): Machine {
  code ??= new WebAssembly.Module(Buffer.from(MACHINE_CODE, 'base64'));
  const progress = (cycle: number) => onProgress?.(cycle);
  return new WebAssembly.Instance(code, { main: { progress } }).exports as Machine;
}

/** Writes the header (fields in the order of `Header` in assembly/machine.ts) and the tables. */
function load(machine: Machine, { program, wafer, startAt }: RunInput, tables: Tables) {
  const { width, height, roles, roleOf, labels, linkHops } = program;
  const { fabric, costs } = wafer;
  const { ops, channels, placeOf, coreAt } = tables;
  const cores = placeOf.length;
  const header = machine.reset();
  const table = (from: Int32Array | Uint16Array) => {
    const at = machine.allocate(from.byteLength);
    new (from.constructor as Int32ArrayConstructor)(machine.memory.buffer, at, from.length).set(
      from,
    );
    return at;
  };
  const longest = linkHops?.reduce((a, b) => Math.max(a, b), 1) ?? 1;
  const fields = [
    ...[cores, fabric.colors, width, height, roles.length],
    ...[fabric.hopCycles, fabric.rampCycles, fabric.queueDepth, costs.programStart, longest],
    ...[table(Uint16Array.from(placeOf, (place) => roleOf[place])), table(placeOf)],
    ...[table(placeOf.map((place) => startAt?.[place] ?? 0)), table(coreAt)],
    linkHops ? table(linkHops) : 0,
    ...[table(ops.listOf), table(channels.slotted)],
    ...[table(channels.kindsFrom), table(channels.routesFrom)],
    ...[table(channels.kinds), table(channels.routes)],
    ...[table(ops.first), table(ops.records), table(ops.times)],
  ];
  const sizes = [cores, cores, labels.length, labels.length, cores * 4];
  const results = sizes.map((size) => machine.allocate(size * 4));
  const view = (i: number) => new Int32Array(machine.memory.buffer, results[i], sizes[i]);
  view(2).fill(-0x80000000);
  new Int32Array(machine.memory.buffer, header).set([...fields, ...results]);
  return () => ({
    end: view(0),
    waitOutput: view(1),
    labelEnd: view(2),
    labelCore: view(3),
    linkWavelets: view(4),
  });
}
