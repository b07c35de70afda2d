/** Where a configuration's programs run: on threads, if there are any, which others may share. */
import type { ResolvedConfig } from '../config.js';
import type { Engine } from '../engine/engine.js';
import type { EngineName } from '../engine/engines.js';
import { createShards, type Shards } from '../engine/sharded.js';
import { orAborted } from './abort.js';
import type { StageRunner } from './stages.js';

/** Threads for the fast engine, if more than one is asked for. */
export function threadsFor(options: { shards: number; engine: EngineName }): Shards | undefined {
  return options.shards > 1 && options.engine === 'fast' ? createShards(options.shards) : undefined;
}

/** Runs programs without numbers, on `threads` or else here. */
export function programRunner(
  { wafer }: ResolvedConfig,
  engine: Engine,
  threads?: Shards,
  signal?: AbortSignal,
): StageRunner['run'] {
  return async (program, startAt) =>
    threads === undefined
      ? engine({ program, wafer, startAt })
      : orAborted(threads.run(program, wafer, startAt), signal);
}
