/** A thread that runs points, one after the other, and keeps what they have in common. */
import { expose } from 'comlink';
import { parentPort, workerData } from 'node:worker_threads';
import { createRunner } from '../../decode/runner.js';
import { endpointOf } from '../../engine/sharded/endpoint.js';
import { host } from '../../host.js';
import { cacheFolder } from '../../store/cache-folder.js';
import { stepCache } from '../steps/step-cache.js';
import type { Placement } from '../../placement/placement.js';
import type { Placed } from './executor.js';
import { placePoint } from './placing.js';
import { runPoint, type Base, type FrozenPoint, type Kept, type Outcome } from './point.js';
import type { PoolOptions } from './pool.js';

export interface WorkerData {
  base: Base;
  options: PoolOptions;
}

function createPointWorker({ base, options }: WorkerData) {
  const { engine, memo, maxCycles, cache } = options;
  const simulate = { engine, memo, maxCycles, shards: 1, ...host };
  const kept: Kept = {
    runner: createRunner(simulate),
    steps: cache && stepCache(cache.code, cacheFolder(cache.folder, { ...cache, now: host.date })),
  };
  return {
    place: (point: FrozenPoint): Placed => placePoint(base, point),
    run: async (point: FrozenPoint, placement?: Placement): Promise<Outcome> =>
      runPoint(base, point, { ...simulate, kept, placement }),
  };
}

export type PointWorker = ReturnType<typeof createPointWorker>;

if (parentPort !== null)
  expose(createPointWorker(workerData as WorkerData), endpointOf(parentPort));
