/**
 * One thread of the sharded engine. The first one holds the programs that it was given, lays them out in
 * the memory that all share, runs the first tile and tells the result; the others run a tile each. Only
 * starts and results cross threads for a run; a program crosses once, as a msgpack record.
 */
import { expose, transfer } from 'comlink';
import { Unpackr } from 'msgpackr';
import { parentPort, workerData } from 'node:worker_threads';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { MachineError, type MachineErrorCode, type RunResult } from './engine.js';
import { fastWith } from './fast.js';
import { createMachine, type Machine } from './fast/machine.js';
import { endpointOf } from './shard-endpoint.js';

/** A failure of the simulated machine as plain data: an error would lose its fields on the way. */
export interface Failed {
  code: MachineErrorCode;
  cycle: number;
  cores: number[];
  colors: number[];
  message: string;
}

export type Outcome = { result: RunResult } | { failed: Failed };

/** A run: its number, the program's key, and how many threads take part. */
export interface Order {
  run: number;
  key: string;
  wafer: WaferSpec;
  startAt: Int32Array;
  threads: number;
  leastCores: number;
}

const programs = new Map<string, Program>();
/** Every message brings a copy of the machine; engines know tables by the one they were made for. */
const wafers = new Map<string, WaferSpec>();
const unpackr = new Unpackr({ structuredClone: true, moreTypes: true });

function createWorker(machine: Machine) {
  return {
    load(key: string, record: Uint8Array, forget?: string): void {
      if (forget !== undefined) programs.delete(forget);
      programs.set(key, unpackr.unpack(record) as Program);
    },

    lead({ key, wafer: given, startAt, ...team }: Order): Outcome {
      const wafer = sameWafer(given);
      const program = programs.get(key);
      if (program === undefined) throw new RangeError(`this thread has no program ${key}`);
      try {
        const result = fastWith({ program, wafer, startAt }, { machine, ...team });
        const { end, compute, setup, waitInput, waitOutput, linkWavelets } = result;
        const arrays = [end, compute, setup, waitInput, waitOutput, linkWavelets];
        return transfer(
          { result },
          arrays.map((array) => array.buffer as ArrayBuffer),
        );
      } catch (error) {
        if (!(error instanceof MachineError)) throw error;
        const { code, cycle, cores, colors, message } = error;
        return { failed: { code, cycle, cores: [...cores], colors: [...colors], message } };
      }
    },

    help(tile: number, start: number, run: number): void {
      machine.code.help(tile, start, run);
    },
  };
}

function sameWafer(given: WaferSpec): WaferSpec {
  const text = JSON.stringify(given);
  const known = wafers.get(text) ?? given;
  wafers.set(text, known);
  return known;
}

export type ShardWorker = ReturnType<typeof createWorker>;

if (parentPort !== null) {
  const memory = (workerData as { memory: WebAssembly.Memory }).memory;
  expose(createWorker(createMachine(memory)), endpointOf(parentPort));
}
