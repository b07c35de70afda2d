/**
 * One thread of the sharded engine. The first one holds the programs that it was given, writes them into
 * the memory that all share, runs the first tile and tells what was counted; the others run a tile each.
 * Only starts and counts cross threads for a run; a program crosses once, as a msgpack record of tables.
 */
import { expose, transfer } from 'comlink';
import { Unpackr } from 'msgpackr/unpack';
import { parentPort, workerData } from 'node:worker_threads';
import { createMachine, helpRun, runMachine, type Counts, type Machine } from './fast/machine.js';
import type { Image } from './fast/tables.js';
import { endpointOf } from './shard-endpoint.js';

/** What all threads have in common. */
export interface Common {
  memory: WebAssembly.Memory;
  code: WebAssembly.Module;
}

/** A run: its number, and how many threads take part for how many cores each. */
export interface Order {
  run: number;
  starts: Int32Array;
  threads: number;
  leastCores: number;
}

function createWorker(machine: Machine) {
  /** By a number of their own. */
  const images = new Map<number, Image>();
  const unpackr = new Unpackr({ structuredClone: true, moreTypes: true });
  return {
    load(image: number, record: Uint8Array, forget?: number): void {
      if (forget !== undefined) images.delete(forget);
      images.set(image, unpackr.unpack(record) as Image);
    },

    lead(number: number, { starts, ...team }: Order): Counts | undefined {
      const image = images.get(number);
      if (image === undefined) throw new RangeError(`this thread has no program ${number}`);
      const counts = runMachine(image, starts, { machine, ...team });
      if (counts === undefined) return undefined;
      const arrays = Object.values(counts).filter((value) => typeof value !== 'number');
      return transfer(
        counts,
        arrays.map(({ buffer }) => buffer as ArrayBuffer),
      );
    },

    help(tile: number, start: number, run: number): void {
      helpRun(machine, tile, start, run);
    },
  };
}

export type ShardWorker = ReturnType<typeof createWorker>;

if (parentPort !== null) {
  const { memory, code } = workerData as Common;
  expose(createWorker(createMachine(memory, code)), endpointOf(parentPort));
}
