/** Threads of this process that run points, each one after the other. */
import type { Remote } from 'comlink';
import type { SimulateOptions } from '../../decode/options.js';
import { failureOf } from '../failure.js';
import type { Executor, Placer } from './executor.js';
import type { Base } from './point.js';
import { startThread, type Thread } from '../steps/thread.js';
import type { PointWorker, WorkerData } from './worker.js';

export interface PoolOptions extends Pick<SimulateOptions, 'engine' | 'memo' | 'maxCycles'> {
  /** Where steps of served requests are kept; nowhere if not given. */
  cache?: { folder: string; mostBytes: number; code: string } | undefined;
}

/** As many threads as `slots`, each started with the first point that it is given. */
export function createPool(base: Base, slots: number, options: PoolOptions): Executor & Placer {
  const threads = new Map<number, Thread<PointWorker>>();
  const closing = new Set<Promise<unknown>>();
  const workerData: WorkerData = { base, options };
  const on = async <T>(slot: number, work: (remote: Remote<PointWorker>) => Promise<T>) => {
    const thread = threads.get(slot) ?? startThread<PointWorker>('sweep-worker.js', workerData);
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
