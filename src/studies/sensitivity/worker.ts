/** A thread that simulates configurations which differ from one in numbers of the hardware, one after the other. */
import { expose } from 'comlink';
import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig } from '../../config.js';
import type { KnownSteps } from '../../decode/known-steps.js';
import type { SimulateOptions } from '../../decode/options.js';
import { lastStepOf } from '../../decode/positions.js';
import { createRunner } from '../../decode/runner.js';
import { endpointOf } from '../../engine/sharded/endpoint.js';
import { host } from '../../host.js';
import type { Placement } from '../../placement/placement.js';
import { costsOfStep } from './cost-use.js';
import { cyclesOf, type Cycles } from './cycles.js';

/** The configuration that is varied. */
export interface Base {
  path: string;
  sets: readonly string[];
  /** Steps of its run, of which the last is simulated. */
  steps: number;
}

export interface WorkerData extends Base {
  placement: Placement;
  options: Pick<SimulateOptions, 'engine' | 'memo' | 'maxCycles'>;
}

function createCyclesWorker({ path, sets, steps, placement: own, options }: WorkerData) {
  const simulate = { ...options, shards: 1, ...host };
  const runner = createRunner(simulate);
  const load = (changed: string[]) => lastStepOf(loadConfig(path, [...sets, ...changed]), steps);
  const planned: KnownSteps = [];
  return {
    async cyclesOf(changed: string[], placement: Placement): Promise<Cycles> {
      // Most have the programs of what is varied.
      if (planned.length === 0) {
        const base = loadConfig(path, sets);
        const { context } = lastStepOf(base, steps).workload;
        await costsOfStep(base, own, context, runner, planned);
      }
      return cyclesOf(load(changed), placement, { ...simulate, runner }, planned);
    },
  };
}

export type CyclesWorker = ReturnType<typeof createCyclesWorker>;

if (parentPort !== null)
  expose(createCyclesWorker(workerData as WorkerData), endpointOf(parentPort));
