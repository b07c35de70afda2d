/** The cycles of a varied configuration: on this thread, or on others next to it. */
import type { ResolvedConfig } from '../../config.js';
import { memoized } from '../../decode/memo.js';
import type { KnownSteps } from '../../decode/known-steps.js';
import type { SimulateOptions } from '../../decode/options.js';
import type { Runner } from '../../decode/runner.js';
import { createShared } from '../../decode/sharing.js';
import { simulateSteps } from '../../decode/simulate.js';
import { FEWEST_OF_LARGE } from '../../engine/engine.js';
import type { Placement } from '../../placement/placement.js';
import type { SpeculationResult } from '../../report/document.js';
import { startThread, type Thread } from '../sweep/thread.js';
import type { Base, CyclesWorker, WorkerData } from './worker.js';

/** Cycles of a plain token, and of a round. */
export interface Cycles {
  token: number;
  round?: number | undefined;
}

/** @param planned programs of other machines, and where this one's are put */
export async function cyclesOf(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions & { runner: Runner },
  planned: KnownSteps,
): Promise<Cycles> {
  const shared = { ...createShared(), steps: planned };
  const asked = { path: false, counts: false };
  const found = await simulateSteps(config, placement, { ...options, shared }, asked);
  return { token: found.timing.cycles, round: roundOf(found) };
}

/** Cycles of a round, with an assumed acceptance in the mean of all draws. */
export function roundOf({
  speculation,
}: {
  speculation?: SpeculationResult | undefined;
}): number | undefined {
  return speculation?.expected?.cyclesPerRound ?? speculation?.cyclesPerRound;
}

/** Where several configurations are simulated at a time. */
export interface Slots {
  count: number;
  /**
   * Cycles of the configuration with these settings, by the thread of a slot; undefined where the slot has none.
   * @throws if they cannot be had there: here they can, or it is seen what is wrong
   */
  elsewhere(slot: number, changed: string[], placement: Placement): Promise<Cycles> | undefined;
  close: () => Promise<void>;
}

/**
 * As many slots as there are threads to be kept at work. By lines all of a simulation is done on one, so the first slot
 * is this thread and each other one has its own, which begins with its first configuration.
 * @param own the placement of what is varied; one without large regions is over before a thread has begun
 */
export function slotsFor(
  own: Placement,
  { shards, engine, memo, maxCycles }: SimulateOptions,
  base: Base,
): Slots {
  const threads = new Map<number, Thread<CyclesWorker>>();
  const isByLines = memoized(memo).lines !== undefined;
  const isLarge = own.regions.some(({ width, height }) => width * height >= FEWEST_OF_LARGE);
  const hasThreads = isByLines && isLarge && engine === 'fast';
  const alone = isByLines || shards === 1 ? 1 : shards + 1;
  return {
    count: hasThreads ? shards : alone,
    elsewhere(slot, changed, placement) {
      if (!hasThreads || slot === 0) return undefined;
      const options = { engine, memo, maxCycles };
      const workerData: WorkerData = { ...base, placement: own, options };
      const thread =
        threads.get(slot) ?? startThread<CyclesWorker>('sensitivity-worker.js', workerData);
      threads.set(slot, thread);
      return Promise.race([thread.remote.cyclesOf(changed, placement), thread.ended]);
    },
    close: async () => {
      await Promise.all([...threads.values()].map(async ({ worker }) => worker.terminate()));
    },
  };
}
