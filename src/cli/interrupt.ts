/** Ctrl-C ends a simulation between two of its stages, so that nothing is left half done. */
import { Interrupted } from './errors.js';

/** Runs `work` with a signal that the first Ctrl-C aborts; a second one ends the process at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort(new Interrupted());
  process.once('SIGINT', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
  }
}
