/** The queue of `wafersim sweep --redis`, which has nothing left of a sweep that is ended. */
import { createQueue, type Base, type Executor, type PoolOptions } from '../index.js';
import { onSignal } from './command-thread.js';
import { prefixed } from './errors.js';
import { note } from './output.js';

/** @throws ConfigError if the URL is none, or a package is missing; HostError if no server answers */
export async function openQueue(url: string, base: Base, how: PoolOptions): Promise<Executor> {
  const tell = (line: string) => note(prefixed(line));
  const queue = await createQueue(base, how, { url, tell });
  const letEnd = onSignal(async () => queue.close());
  return {
    ...queue,
    async close() {
      await queue.close();
      letEnd();
    },
  };
}
