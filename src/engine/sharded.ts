/**
 * The sharded engine: the cores of a program cut into tiles, one a thread, on one memory (see
 * fast/assembly/tiles.ts). A result does not depend on their number. Programs run one after the other;
 * small ones run here. A thread that throws or dies fails the run, with an error that says so.
 */
import { wrap, type Remote } from 'comlink';
import { Packr } from 'msgpackr';
import { Worker } from 'node:worker_threads';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { MachineError, type RunResult } from './engine.js';
import { fast } from './fast.js';
import { createMemory, startOf } from './fast/machine.js';
import { endpointOf } from './shard-endpoint.js';
import type { Order, Outcome, ShardWorker } from './shard-worker.js';

export interface Shards {
  /** Runs a program; `key` is equal for equal programs. */
  run(key: string, program: Program, wafer: WaferSpec, startAt: Int32Array): Promise<RunResult>;
  close(): Promise<void>;
}

interface Threads {
  workers: Worker[];
  remotes: Remote<ShardWorker>[];
  /** Rejects when a thread is gone. */
  gone: Promise<never>;
}

/** Programs that the first thread keeps, tens of MB each for a layer of a large model. */
const MOST_PROGRAMS = 12;

/** Cores of a tile, at least: for less, waiting for each other takes longer than it saves. */
const LEAST_CORES = 2048;

/** The built worker, from the source tree as from the built one: they are siblings. */
const WORKER = new URL('../../dist/engine/shard-worker.js', import.meta.url);

/** `count` threads, started with the first program that is large enough for two tiles. */
export function createShards(
  count: number,
  { script = WORKER, leastCores = LEAST_CORES }: { script?: URL; leastCores?: number } = {},
): Shards {
  const packr = new Packr({ structuredClone: true, moreTypes: true });
  const has = new Set<string>();
  let threads: Threads | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let runs = 0;

  const loadOnce = (lead: Remote<ShardWorker>, key: string, program: Program) => {
    if (has.has(key)) return undefined;
    const forget = has.size === MOST_PROGRAMS ? [...has][0] : undefined;
    if (forget !== undefined) has.delete(forget);
    has.add(key);
    // The packer reuses its buffer, so what is sent must be a copy.
    return lead.load(key, Uint8Array.from(packr.pack(program)), forget);
  };
  const together = async (program: Program, order: Order) => {
    threads ??= startThreads(count, script);
    const { remotes, gone } = threads;
    const [lead, ...helpers] = remotes;
    const { run, startAt } = order;
    // Threads take messages in order, so the program is there when it is to be run.
    const loaded = loadOnce(lead, order.key, program);
    const all = Promise.all([
      lead.lead(order),
      loaded,
      ...helpers.map((helper, i) => helper.help(i + 1, startOf(startAt), run)),
    ]);
    const [outcome] = await Promise.race([all, gone]);
    return resultOf(outcome);
  };
  return {
    async run(key, program, wafer, startAt) {
      if (program.width * program.height < 2 * leastCores) return fast({ program, wafer, startAt });
      const order = { run: ++runs, key, wafer, startAt, threads: count, leastCores };
      const before = last;
      const run = (async () => {
        await before.catch(() => {});
        return together(program, order);
      })();
      last = run;
      return run;
    },
    async close() {
      await Promise.all(threads?.workers.map((worker) => worker.terminate()) ?? []);
    },
  };
}

function resultOf(outcome: Outcome): RunResult {
  if ('result' in outcome) return outcome.result;
  const { code, message, ...at } = outcome.failed;
  throw new MachineError(code, at, message);
}

function startThreads(count: number, script: URL): Threads {
  const memory = createMemory();
  const workers = Array.from(
    { length: count },
    () => new Worker(script, { workerData: { memory } }),
  );
  const ends = workers.map(
    (worker) =>
      new Promise<never>((_, reject) => {
        worker.on('error', (error) => reject(new Error(`a thread failed: ${error.message}`)));
        worker.on('exit', (code) => reject(new Error(`a thread ended early, with code ${code}`)));
      }),
  );
  const gone = Promise.race(ends);
  // Nobody may be waiting when a thread ends; who is, hears of it by the race.
  gone.catch(() => {});
  return { workers, remotes: workers.map((worker) => wrap<ShardWorker>(endpointOf(worker))), gone };
}
