/**
 * The sharded engine: the cores of a program cut into tiles, one a thread, on one memory (see
 * fast/assembly/tiles.ts). A result does not depend on their number. Programs run one after the other;
 * small ones run here. A thread that throws or dies fails the run, with an error that says so.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import type { RunInput, RunResult } from './engine.js';
import { fast, tablesOf, toResult } from './fast.js';
import { MOST_THREADS } from './fast/machine.js';
import { startsOf, type Tables } from './fast/tables.js';
import type { Threads } from './shard-threads.js';

export interface Shards {
  /** Starts the threads if a program of so many cores is for them: they take a while to be ready. */
  expect(cores: number): Promise<void>;
  run(
    program: Program,
    wafer: WaferSpec,
    startAt: NonNullable<RunInput['startAt']>,
  ): Promise<RunResult>;
  close(): Promise<void>;
}

/** Cores of a tile, at least: for less, waiting for each other takes longer than it saves. */
const LEAST_CORES = 2048;

/** The built worker, from the source tree as from the built one: they are siblings. */
const WORKER = new URL('../../dist/engine/shard-worker.js', import.meta.url);

/**
 * Up to `count` threads, started with the first program that is large enough for two tiles; after a failure
 * of theirs the next program has new ones.
 */
export function createShards(
  count: number,
  { script = WORKER, leastCores = LEAST_CORES }: { script?: URL; leastCores?: number } = {},
): Shards {
  const threadCount = Math.min(count, MOST_THREADS);
  let threads: Promise<Threads> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let runs = 0;
  let closed = false;
  // What threads talk with takes a while to load.
  const start = () =>
    (threads ??= import('./shard-threads.js').then((m) => m.startThreads(threadCount, script)));
  const stop = async () => {
    const stopped = threads;
    threads = undefined;
    await (await stopped)?.close();
  };
  const runOn = async (tables: Tables, starts: Int32Array) => {
    if (closed) throw new Error('the threads are closed');
    const order = { run: ++runs, starts, threads: threadCount, leastCores };
    try {
      return await (await start()).run(tables.image, order);
    } catch (error) {
      // Some may still wait in that run.
      await stop();
      throw error;
    }
  };
  return {
    async expect(cores) {
      if (cores >= 2 * leastCores) await start();
    },
    async run(program, wafer, startAt) {
      const input = { program, wafer, startAt };
      const tables = tablesOf(input);
      if (tables === undefined || tables.placeOf.length < 2 * leastCores) return fast(input);
      const starts = startsOf(input, tables);
      const counts = last.then(
        () => runOn(tables, starts),
        () => runOn(tables, starts),
      );
      last = counts;
      return toResult(input, tables, await counts);
    },
    async close() {
      closed = true;
      await stop();
    },
  };
}
