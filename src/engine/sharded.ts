/**
 * The sharded engine: the cores of a program cut into tiles, one a thread, on one memory (see
 * fast/assembly/tiles.ts). A result does not depend on their number. Programs run one after the other;
 * small ones run here. A thread that throws or dies fails the run, with an error that says so.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import type { RunResult } from './engine.js';
import { fast, tablesOf, toResult } from './fast.js';
import { startsOf } from './fast/tables.js';
import type { Threads } from './shard-threads.js';

export interface Shards {
  /** Runs a program; `key` is equal for equal programs. */
  run(key: string, program: Program, wafer: WaferSpec, startAt: Int32Array): Promise<RunResult>;
  close(): Promise<void>;
}

/** Cores of a tile, at least: for less, waiting for each other takes longer than it saves. */
const LEAST_CORES = 2048;

/** The built worker, from the source tree as from the built one: they are siblings. */
const WORKER = new URL('../../dist/engine/shard-worker.js', import.meta.url);

/** `count` threads, started with the first program that is large enough for two tiles. */
export function createShards(
  count: number,
  { script = WORKER, leastCores = LEAST_CORES }: { script?: URL; leastCores?: number } = {},
): Shards {
  let threads: Promise<Threads> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let runs = 0;
  return {
    async run(key, program, wafer, startAt) {
      const input = { program, wafer, startAt };
      const tables = tablesOf(input);
      if (tables === undefined || tables.placeOf.length < 2 * leastCores) return fast(input);
      // What threads talk with takes a while to load.
      threads ??= import('./shard-threads.js').then((m) => m.startThreads(count, script));
      const before = last;
      const counts = (async () => {
        await before.catch(() => {});
        const starts = startsOf(input, tables);
        const order = { run: ++runs, key, starts, threads: count, leastCores };
        return (await threads).run(tables.image, order);
      })();
      last = counts;
      return toResult(input, tables, await counts);
    },
    async close() {
      await (await threads)?.close();
    },
  };
}
