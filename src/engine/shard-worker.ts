/**
 * One thread of the sharded engine: holds the programs that it was given, and runs them when told to.
 * Only starts and results cross threads for a run; a program crosses once, as a msgpack record.
 */
import { expose, transfer } from 'comlink';
import { Unpackr } from 'msgpackr';
import { parentPort } from 'node:worker_threads';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { MachineError, type MachineErrorCode, type RunResult } from './engine.js';
import { ENGINES, type EngineName } from './engines.js';
import { endpointOf } from './shard-endpoint.js';

/** A failure of the simulated machine as plain data: an error would lose its fields on the way. */
export interface Failed {
  code: MachineErrorCode;
  cycle: number;
  cores: number[];
  colors: number[];
  message: string;
}

export type Outcome = { result: RunResult } | { failed: Failed };

const programs = new Map<string, Program>();
/** Every message brings a copy of the machine; engines know tables by the one they were made for. */
const machines = new Map<string, WaferSpec>();
const unpackr = new Unpackr({ structuredClone: true, moreTypes: true });

const worker = {
  load(key: string, record: Uint8Array, forget?: string): void {
    if (forget !== undefined) programs.delete(forget);
    programs.set(key, unpackr.unpack(record) as Program);
  },

  run(key: string, engine: EngineName, given: WaferSpec, startAt: Int32Array): Outcome {
    const wafer = sameMachine(given);
    const program = programs.get(key);
    if (program === undefined) throw new RangeError(`this thread has no program ${key}`);
    try {
      const result = ENGINES[engine]({ program, wafer, startAt });
      const { end, compute, setup, waitInput, waitOutput, linkWavelets } = result;
      const arrays = [end, compute, setup, waitInput, waitOutput, linkWavelets];
      return transfer(
        { result },
        arrays.map((array) => array.buffer as ArrayBuffer),
      );
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      const { code, cycle, cores, colors, message } = error;
      return { failed: { code, cycle, cores: [...cores], colors: [...colors], message } };
    }
  },
};

function sameMachine(given: WaferSpec): WaferSpec {
  const text = JSON.stringify(given);
  const known = machines.get(text) ?? given;
  machines.set(text, known);
  return known;
}

export type ShardWorker = typeof worker;

if (parentPort !== null) expose(worker, endpointOf(parentPort));
