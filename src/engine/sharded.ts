/**
 * Several threads that run programs at once. Which program runs where and when is the caller's to say
 * (see lookahead.ts); a result does not depend on it. A thread that throws or dies fails the runs that
 * it has, with an error that says so.
 */
import { wrap, type Remote } from 'comlink';
import { Packr } from 'msgpackr';
import { Worker } from 'node:worker_threads';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { MachineError, type RunResult } from './engine.js';
import type { EngineName } from './engines.js';
import { endpointOf } from './shard-endpoint.js';
import type { ShardWorker } from './shard-worker.js';

export interface Shards {
  /** Runs a program on the thread with the least to do; `key` is equal for equal programs. */
  run(key: string, program: Program, wafer: WaferSpec, startAt: Int32Array): Promise<RunResult>;
  close(): Promise<void>;
}

interface Shard {
  worker: Worker;
  remote: Remote<ShardWorker>;
  /** Rejects when the thread is gone. */
  gone: Promise<never>;
  has: Set<string>;
  busy: number;
}

/** Programs that a thread keeps, tens of MB each for a layer of a large model. */
const MOST_PROGRAMS = 12;

/** The built worker, from the source tree as from the built one: they are siblings. */
const WORKER = new URL('../../dist/engine/shard-worker.js', import.meta.url);

/** Starts `count` threads that run programs on the engine of that name. */
export function createShards(count: number, engine: EngineName, script: URL = WORKER): Shards {
  const shards = Array.from({ length: count }, () => startShard(script));
  const packr = new Packr({ structuredClone: true, moreTypes: true });
  const runOn = async (
    shard: Shard,
    key: string,
    program: Program,
    wafer: WaferSpec,
    startAt: Int32Array,
  ) => {
    const { remote, has } = shard;
    if (has.has(key)) return remote.run(key, engine, wafer, startAt);
    const forget = has.size === MOST_PROGRAMS ? [...has][0] : undefined;
    if (forget !== undefined) has.delete(forget);
    has.add(key);
    // The packer reuses its buffer, so what is sent must be a copy. The thread takes messages in order,
    // so nobody who comes later can make it forget the program before it has run.
    const record = Uint8Array.from(packr.pack(program));
    const loaded = remote.load(key, record, forget);
    const [, outcome] = await Promise.all([loaded, remote.run(key, engine, wafer, startAt)]);
    return outcome;
  };
  return {
    async run(key, program, wafer, startAt) {
      const shard = shards.reduce((best, s) => (s.busy < best.busy ? s : best));
      shard.busy++;
      try {
        const outcome = await Promise.race([
          runOn(shard, key, program, wafer, startAt),
          shard.gone,
        ]);
        if ('result' in outcome) return outcome.result;
        const { code, message, ...at } = outcome.failed;
        throw new MachineError(code, at, message);
      } finally {
        shard.busy--;
      }
    },
    async close() {
      await Promise.all(shards.map(({ worker }) => worker.terminate()));
    },
  };
}

function startShard(script: URL): Shard {
  const worker = new Worker(script);
  const gone = new Promise<never>((_, reject) => {
    worker.on('error', (error) => reject(new Error(`a thread failed: ${error.message}`)));
    worker.on('exit', (code) => reject(new Error(`a thread ended early, with code ${code}`)));
  });
  // Nobody may be waiting when a thread ends; who is, hears of it by the race.
  gone.catch(() => {});
  const remote = wrap<ShardWorker>(endpointOf(worker));
  return { worker, remote, gone, has: new Set(), busy: 0 };
}
