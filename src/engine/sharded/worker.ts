/**
 * One thread of the sharded engine. The first one holds the programs that it was given, writes them into
 * the memory that all share, runs the first tile and returns what was counted; the others run a tile each.
 * Only starts and counts cross threads for a run; a program crosses once, as a msgpack record of tables.
 */
import { expose, transfer } from 'comlink';
import { Unpackr } from 'msgpackr/unpack';
import { parentPort, workerData } from 'node:worker_threads';
import { createMachine } from '../fast/machine.js';
import { helpRun, runMachine } from '../fast/run.js';
import type { Team } from '../fast/load.js';
import type { Machine } from '../fast/machine.js';
import type { Ending, Help } from '../fast/run.js';
import type { Image } from '../fast/tables.js';
import { endpointOf } from './endpoint.js';

/** What all threads have in common. */
export interface Common {
  memory: WebAssembly.Memory;
  code: WebAssembly.Module;
}

/** A run: its number and limit, and how many threads take part for how many cores each. */
export interface Order extends Omit<Team, 'machine'> {
  limit?: number | undefined;
  starts: Float64Array;
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

    lead(number: number, { starts, limit, ...team }: Order): Ending {
      const image = images.get(number);
      if (image === undefined) throw new RangeError(`this thread has no program ${number}`);
      const ending = runMachine(image, starts, { machine, ...team }, { limit });
      const tables = Object.values(ending).flatMap((part) => Object.values<unknown>(part));
      const arrays = tables.filter((table) => ArrayBuffer.isView(table));
      return transfer(
        ending,
        arrays.map(({ buffer }) => buffer as ArrayBuffer),
      );
    },

    help(tile: number, run: Help): void {
      helpRun(machine, tile, run);
    },
  };
}

export type ShardWorker = ReturnType<typeof createWorker>;

if (parentPort !== null) {
  const { memory, code } = workerData as Common;
  expose(createWorker(createMachine(memory, code)), endpointOf(parentPort));
}
