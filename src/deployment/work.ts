/** Simulations of several configurations at once: the threads that they share, and how far they are. */
import { startThreads } from '../run/start-threads.js';
import type { SimulateOptions } from '../simulate.js';
import type { GridWork } from './step-times.js';

/**
 * Gives `simulate` options with threads, if more than one is asked for, and with one account of the
 * progress of all that is simulated with them. Once one simulation fails the others are not gone on
 * with.
 */
export async function withThreads<T>(
  options: SimulateOptions,
  simulate: (work: GridWork) => Promise<T>,
): Promise<T> {
  const { shards, engine, onProgress, signal: given } = options;
  const over = new AbortController();
  const signal = given ? AbortSignal.any([given, over.signal]) : over.signal;
  const threads = shards > 1 ? await startThreads(shards, engine) : undefined;
  let [done, total] = [0, 0];
  const progress = {
    begins: (cores: number) => void (total += cores),
    done: (cores: number, what: string) => {
      done += cores;
      onProgress?.({ done, total, what });
    },
  };
  try {
    return await simulate({ ...options, ...(threads && { threads }), progress, signal });
  } finally {
    over.abort();
    await threads?.close();
  }
}
