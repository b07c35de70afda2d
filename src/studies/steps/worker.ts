/** A thread that simulates placed configurations, one after the other, and keeps what they have in common. */
import { expose } from 'comlink';
import { parentPort, workerData } from 'node:worker_threads';
import type { ResolvedConfig } from '../../config.js';
import type { LineCycles } from '../../decode/groups.js';
import type { SimulateOptions } from '../../decode/options.js';
import { createRunner } from '../../decode/runner.js';
import { sharedByFamily } from '../../decode/sharing.js';
import { simulatePlaced } from '../../decode/simulate.js';
import { endpointOf } from '../../engine/sharded/endpoint.js';
import { host } from '../../host.js';
import type { Placement } from '../../placement/placement.js';
import { isDeepStrictEqual } from '../../platform/node.js';
import type { RunDetail } from '../../report/detail.js';
import type { RunDocument } from '../../report/document.js';
import { simulateStep, type GridWork, type Point } from './step-times.js';

/** `shards` is what documents say. */
export type WorkerOptions = Pick<SimulateOptions, 'engine' | 'shards' | 'memo' | 'maxCycles'>;

export interface RunAsked {
  /** Runs of the same name share their stages (see decode/sharing.ts). */
  family: string;
  isDetailed: boolean;
}

export interface FoundRun {
  run: RunDocument;
  detail?: RunDetail | undefined;
}

function createSimulations(options: WorkerOptions) {
  const runner = createRunner({ ...options, shards: 1, ...host });
  const simulate = { ...options, ...host, runner };
  const sharedOf = sharedByFamily();
  let last: { config: ResolvedConfig; lines: LineCycles } | undefined;
  /** With the model and the wafer that came before, if they are equal: what is known of them is kept by the object. */
  const asBefore = (config: ResolvedConfig): ResolvedConfig => {
    const before = last?.config;
    const isSame = (of: 'model' | 'wafer') => before && isDeepStrictEqual(before[of], config[of]);
    const isOnSame = isSame('wafer');
    const own = {
      ...config,
      ...(isSame('model') && { model: before!.model }),
      ...(isOnSame && { wafer: before!.wafer }),
    };
    last = { config: own, lines: isOnSame ? last!.lines : new Map() };
    return own;
  };
  return {
    async run(
      config: ResolvedConfig,
      placement: Placement,
      { family, isDetailed }: RunAsked,
      onProgress?: SimulateOptions['onProgress'],
    ): Promise<FoundRun> {
      let detail: RunDetail | undefined;
      const run = await simulatePlaced(asBefore(config), placement, {
        ...simulate,
        onProgress,
        shared: sharedOf(family),
        ...(isDetailed && { onDetail: (found: RunDetail) => (detail = found) }),
      });
      return { run, detail };
    },
    async step(
      given: ResolvedConfig,
      placement: Placement,
      context: number,
      progress?: GridWork['progress'],
    ): Promise<Point> {
      const config = asBefore(given);
      const { lines } = last!;
      return simulateStep({ config, placement, lines }, context, {
        ...simulate,
        ...(progress && { progress }),
      });
    },
  };
}

export type Simulations = ReturnType<typeof createSimulations>;

if (parentPort !== null)
  expose(createSimulations(workerData as WorkerOptions), endpointOf(parentPort));
