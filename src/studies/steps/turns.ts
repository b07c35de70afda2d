/**
 * Simulations at the same time, in slots: each holds its programs and the results of its stages, some hundred MB for a
 * large model, so that no more of them are begun than keep all threads at work. By lines all of a simulation is done
 * on one thread, so the first slot is this thread, and each other one has its own where that is asked for.
 */
import type { Remote } from 'comlink';
import type { Thread } from './thread.js';

/** Pieces of work by slots; to be closed. */
export interface Turns<Worker> {
  inTurn: InTurn<Worker>;
  close: () => Promise<void>;
}

/**
 * Does a piece of work when it is its turn, first come, first served.
 * @param there does it by the thread of a slot, if it can be done there; what fails there is done here, where it fails
 *   as itself
 */
export type InTurn<Worker = never> = <T>(
  here: () => Promise<T>,
  there?: (worker: Remote<Worker>) => Promise<T>,
) => Promise<T>;

/**
 * @param most pieces of work at a time; one must not wait for another one that waits for its turn
 * @param start begins the thread of a slot, with its first piece of work; without it all is done here
 * @param signal once it is aborted nothing is waited for that is done by a thread, nor done here instead
 */
export function createTurns<Worker>(
  most: number,
  start?: () => Thread<Worker>,
  signal?: AbortSignal,
): Turns<Worker> {
  const free = Array.from({ length: most }, (_, slot) => slot);
  const waiting: ((slot: number) => void)[] = [];
  const threads = new Map<number, Thread<Worker>>();
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  aborted.catch(() => {});
  const threadOf = (slot: number) => {
    const thread = threads.get(slot) ?? (slot > 0 ? start?.() : undefined);
    if (thread) threads.set(slot, thread);
    return thread;
  };
  return {
    async inTurn(here, there) {
      const slot = free.shift() ?? (await new Promise<number>((resolve) => waiting.push(resolve)));
      try {
        const thread = there && !signal?.aborted && threadOf(slot);
        if (!thread) return await here();
        const found = Promise.race([there(thread.remote), thread.ended, aborted]);
        return await found.catch(async () => {
          signal?.throwIfAborted();
          return here();
        });
      } finally {
        // Whoever waits takes the place over.
        const next = waiting.shift();
        if (next) next(slot);
        else free.unshift(slot);
      }
    },
    async close() {
      await Promise.all([...threads.values()].map(async ({ worker }) => worker.terminate()));
    },
  };
}
