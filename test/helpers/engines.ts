/** Every engine of the project under its name; the sharded one on two and on three threads. */
import { wrap, type Remote } from 'comlink';
import { Worker } from 'node:worker_threads';
import type { Engine } from '../../src/engine/engine.js';
import { ENGINES } from '../../src/engine/engines.js';
import { fastWith } from '../../src/engine/fast.js';
import { createMachine, createMemory, startOf } from '../../src/engine/fast/machine.js';
import { endpointOf } from '../../src/engine/shard-endpoint.js';
import type { ShardWorker } from '../../src/engine/shard-worker.js';
import type { NamedEngine } from '../../src/tools/diff.js';

const WORKER = new URL('dist/engine/shard-worker.js', `file://${process.cwd()}/`);

/** The sharded engine as a plain function: this thread has the first tile, and does not wait for events. */
export function onThreads(count: number): Engine {
  const memory = createMemory();
  const machine = createMachine(memory);
  let workers: Worker[] | undefined;
  let helpers: Remote<ShardWorker>[] = [];
  let run = 0;
  return (input) => {
    if (workers === undefined) {
      workers = Array.from(
        { length: count - 1 },
        () => new Worker(WORKER, { workerData: { memory } }),
      );
      helpers = workers.map((worker) => wrap<ShardWorker>(endpointOf(worker)));
    }
    run++;
    for (const [i, helper] of helpers.entries())
      void helper.help(i + 1, startOf(input.startAt), run);
    for (const worker of workers) worker.unref();
    return fastWith(input, { machine, threads: count, leastCores: 1, run });
  };
}

export const engines: NamedEngine[] = [
  ...(Object.entries(ENGINES) as NamedEngine[]),
  ['2 threads', onThreads(2)],
  ['3 threads', onThreads(3)],
];
