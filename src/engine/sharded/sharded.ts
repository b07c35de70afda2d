/**
 * The sharded engine: the cores of a program cut into tiles, one a thread, on one memory (see
 * ../fast/assembly/tiles.ts). A result does not depend on their number. Programs run one after the other;
 * small ones run here. A thread that throws or dies fails the run, with an error that says so.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Run, RunInput, RunResult } from '../engine.js';
import { Disagreement, startFast, tablesOf, toResult } from '../fast/fast.js';
import { MOST_TILES } from '../fast/machine-code.js';
import { firstWay, nextWay, type Ending, type Way } from '../fast/run.js';
import { standingOf } from '../fast/standing.js';
import { startsOf, type Tables } from '../fast/tables.js';
import { startReference } from '../reference/reference.js';
import { StoppedError } from '../stopped.js';
import type { Threads } from './threads.js';
import type { Order } from './worker.js';

export interface Shards {
  /** Starts the threads if a program of so many cores is for them: they take a while to be ready. */
  expect(cores: number): Promise<void>;
  /**
   * Runs a program; what is not for threads goes to `here`. Once `signal` is aborted the threads stop.
   * @throws StoppedError then; what an engine throws
   */
  run(input: RunInput, here: Here, signal?: AbortSignal): Promise<RunResult>;
  close(): Promise<void>;
}

/** Begins a run on this thread when it is its turn, and takes it to its end. */
export type Here = (begin: () => Run) => Promise<RunResult>;

/** The fewest cores of a tile: with fewer, threads lose more by waiting for each other than they save. */
const LEAST_CORES = 2048;

/** The built worker, by the package's own name: it is found from the sources, from the build and from a bundle. */
const WORKER = new URL(
  'dist/engine/sharded/worker.js',
  pathToFileURL(createRequire(import.meta.url).resolve('wafersim/package.json')),
);

/**
 * Up to `count` threads, started with the first program that is large enough for two tiles; after a failure
 * of theirs the next program has new ones.
 */
export function createShards(
  count: number,
  { script = WORKER, leastCores = LEAST_CORES }: { script?: URL; leastCores?: number } = {},
): Shards {
  const threadCount = Math.min(count, MOST_TILES);
  let threads: Promise<Threads> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let runs = 0;
  let closed = false;
  // The libraries that threads talk with take a while to load.
  const start = () =>
    (threads ??= import('./threads.js').then((m) => m.startThreads(threadCount, script)));
  const stop = async () => {
    const stopped = threads;
    threads = undefined;
    await (await stopped)?.close();
  };
  const runOn = async (
    tables: Tables,
    order: Pick<Order, 'starts' | 'limit'> & Way,
    signal: AbortSignal | undefined,
  ): Promise<Ending> => {
    if (closed) throw new Error('the threads are closed');
    signal?.throwIfAborted();
    const team = { run: ++runs, threads: threadCount, leastCores };
    const ready = await start();
    signal?.throwIfAborted();
    try {
      const ending = await ready.run(tables.image, { ...order, ...team }, signal);
      const next = nextWay(ending, order);
      if (next === undefined) return ending;
      order = { ...order, ...next };
    } catch (error) {
      // Some threads may still wait in that run.
      await stop();
      throw error;
    }
    return runOn(tables, order, signal);
  };
  return {
    async expect(cores) {
      if (cores >= 2 * leastCores) await start();
    },
    async run(input, here, signal) {
      const tables = tablesOf(input);
      const isSmall = tables === undefined || tables.placeOf.length < 2 * leastCores;
      // What traffic notes does not come back from threads.
      if (isSmall || input.instants) return here(() => startFast(input));
      const starts = startsOf(input, tables);
      const way = firstWay(tables.image, starts, threadCount);
      const order = { starts, limit: input.maxCycles, ...way };
      const ended = last.then(
        () => runOn(tables, order, signal),
        () => runOn(tables, order, signal),
      );
      last = ended;
      const ending = await ended;
      if (ending.state === 'stopped') {
        const standing = standingOf(tables, input.program, ending.at);
        throw new StoppedError(ending.at.cycle - 1, standing);
      }
      const result = toResult(input, tables, ending);
      if (result !== undefined) return result;
      await here(() => startReference(input));
      throw new Disagreement(input.program);
    },
    async close() {
      closed = true;
      await stop();
    },
  };
}
