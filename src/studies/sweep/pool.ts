/** Threads of this process that run points, each one after the other. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { wrap, type Remote } from 'comlink';
import type { SimulateOptions } from '../../decode/options.js';
import { endpointOf } from '../../engine/sharded/endpoint.js';
import { failureOf } from '../failure.js';
import type { Executor, Placer } from './executor.js';
import type { Base } from './point.js';
import type { PointWorker, WorkerData } from './worker.js';

export interface PoolOptions extends Pick<SimulateOptions, 'engine' | 'memo' | 'maxCycles'> {
  /** Where steps of served requests are kept; nowhere if not given. */
  cache?: { folder: string; mostBytes: number; code: string } | undefined;
}

/** The built worker in one file (cli/bundle.mjs), by the package's own name: it is found from everywhere. */
const WORKER = new URL(
  'dist/studies/sweep-worker.js',
  pathToFileURL(createRequire(import.meta.url).resolve('wafersim/package.json')),
);

interface Thread {
  worker: Worker;
  remote: Remote<PointWorker>;
  /** Rejects when the thread ends. */
  ended: Promise<never>;
}

/** As many threads as `slots`, each started with the first point that it is given. */
export function createPool(base: Base, slots: number, options: PoolOptions): Executor & Placer {
  const threads = new Map<number, Thread>();
  const closing = new Set<Promise<unknown>>();
  const workerData: WorkerData = { base, options };
  const on = async <T>(slot: number, work: (remote: Remote<PointWorker>) => Promise<T>) => {
    const thread = threads.get(slot) ?? start(workerData);
    threads.set(slot, thread);
    try {
      return await Promise.race([work(thread.remote), thread.ended]);
    } catch (error) {
      // Whatever it was in the middle of, the next point has a thread that is sound.
      threads.delete(slot);
      closing.add(thread.worker.terminate());
      throw error;
    }
  };
  return {
    slots,
    place: async (slot, point) => on(slot, async (remote) => remote.place(point)),
    async run(slot, point) {
      try {
        return await on(slot, async (remote) => remote.run(point));
      } catch (error) {
        const { exitCode, message } = failureOf(error);
        return {
          error: {
            schema: 'wafersim.error/1',
            key: point.key,
            status: 'failed',
            exitCode,
            message,
          },
        };
      }
    },
    async close() {
      const all = [...threads.values()].map(async ({ worker }) => worker.terminate());
      await Promise.all([...all, ...closing]);
    },
  };
}

function start(workerData: WorkerData): Thread {
  const worker = new Worker(WORKER, { workerData });
  const ended = new Promise<never>((_, reject) => {
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a thread ended early, with code ${code}`)));
  });
  // It may end while nothing awaits it.
  ended.catch(() => {});
  return { worker, remote: wrap<PointWorker>(endpointOf(worker)), ended };
}
