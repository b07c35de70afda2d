/** Ending a simulation early. Engines do not wait for anything, so the places to ask are between them. */
import { setImmediate } from 'node:timers/promises';

/**
 * Lets timers and interrupts in, which a simulation would keep waiting otherwise.
 * @throws the signal's reason if it is aborted
 */
export async function unlessAborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return;
  await setImmediate();
  signal.throwIfAborted();
}

/** The outcome of work on other threads, or the signal's reason if it is aborted before. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  // Threads that are stopped fail the work that nobody waits for any more.
  work.catch(() => {});
  let stop!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
