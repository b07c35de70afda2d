/** The threads of the sharded engine, and how a program gets to them. */
import { wrap, type Remote } from 'comlink';
import { Packr } from 'msgpackr/pack';
import { Worker } from 'node:worker_threads';
import { createMemory, machineCode } from '../fast/machine.js';
import { firstOf } from '../fast/load.js';
import { stopRun, type Ending } from '../fast/run.js';
import type { Image } from '../fast/tables.js';
import { endpointOf } from './endpoint.js';
import type { Common, Order, ShardWorker } from './worker.js';

export interface Threads {
  /**
   * Runs a program on all threads (see `runMachine`), and stops it once `signal` is aborted. Fails if one
   * of them throws or ends.
   */
  run(image: Image, order: Order, signal?: AbortSignal): Promise<Ending>;
  close(): Promise<void>;
}

/** Programs that the first thread keeps (the last ones that were new), some MB each for a layer of a large model. */
const MOST_PROGRAMS = 12;

export function startThreads(count: number, script: URL): Threads {
  const workerData: Common = { memory: createMemory(), code: machineCode(32) };
  const workers = Array.from({ length: count }, () => new Worker(script, { workerData }));
  const [lead, ...helpers] = workers.map((worker) => wrap<ShardWorker>(endpointOf(worker)));
  const ended = Promise.race(workers.map(endOf));
  // A thread may end while nothing awaits it; a call that does receives the error by the race.
  ended.catch(() => {});
  const load = loader(lead);
  return {
    async run(image, order, signal) {
      const { starts, ...rest } = order;
      const start = firstOf(starts);
      // Threads take messages in order, so the program is there when it is to be run.
      const { number, loaded } = load(image);
      const all = Promise.all([
        lead.lead(number, order),
        loaded,
        ...helpers.map((helper, i) => helper.help(i + 1, { start, ...rest })),
      ]);
      const stop = () => stopRun(workerData.memory, order.run);
      signal?.addEventListener('abort', stop, { once: true });
      try {
        const [ending] = await Promise.race([all, ended]);
        return ending;
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** Rejects when a thread ends. */
function endOf(worker: Worker): Promise<never> {
  return new Promise((_, reject) => {
    worker.on('error', (error) => reject(new Error(`a thread failed: ${error.message}`)));
    worker.on('exit', (code) => reject(new Error(`a thread ended early, with code ${code}`)));
  });
}

/** Gives each image a number, and loads into the first thread those that it does not have. */
function loader(lead: Remote<ShardWorker>) {
  const packr = new Packr({ structuredClone: true, moreTypes: true });
  const has = new Map<Image, number>();
  let count = 0;
  return (image: Image): { number: number; loaded: Promise<void> } => {
    const known = has.get(image);
    if (known !== undefined) return { number: known, loaded: Promise.resolve() };
    const [oldest] = has;
    const forget = has.size === MOST_PROGRAMS ? oldest[1] : undefined;
    if (forget !== undefined) has.delete(oldest[0]);
    const number = ++count;
    has.set(image, number);
    // The packer reuses its buffer, so what is sent must be a copy.
    return { number, loaded: lead.load(number, Uint8Array.from(packr.pack(image)), forget) };
  };
}
