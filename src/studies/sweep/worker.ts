/** A thread that places and runs points, one after the other, and keeps what they have in common. */
import { expose } from 'comlink';
import { parentPort, workerData } from 'node:worker_threads';
import { createRunner } from '../../decode/runner.js';
import { sizesOnce } from '../../decode/sharing.js';
import { endpointOf } from '../../engine/sharded/endpoint.js';
import { host } from '../../host.js';
import { cacheFolder } from '../../store/cache-folder.js';
import { stepCache } from '../steps/step-cache.js';
import type { Placed } from './executor.js';
import { placePoint, type PlacedPoints } from './placing.js';
import { runLoaded, runPoint } from './point.js';
import type { Base, FrozenPoint, Kept, Outcome } from './point.js';
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
  const placed: PlacedPoints = { ready: new Map(), sizesOf: sizesOnce() };
  return {
    place: (point: FrozenPoint): Placed => placePoint(base, point, placed),
    async run(point: FrozenPoint): Promise<Outcome> {
      const ready = placed.ready.get(point.key);
      placed.ready.delete(point.key);
      if (ready === undefined) return runPoint(base, point, { ...simulate, kept });
      return runLoaded(base, ready.loaded, { ...simulate, kept, placement: ready.placement });
    },
  };
}

export type PointWorker = ReturnType<typeof createPointWorker>;

if (parentPort !== null)
  expose(createPointWorker(workerData as WorkerData), endpointOf(parentPort));
