/** The cycles of a varied configuration: on this thread, or on others next to it. */
import type { Remote } from 'comlink';
import type { ResolvedConfig } from '../../config.js';
import type { KnownSteps } from '../../decode/known-steps.js';
import type { SimulateOptions } from '../../decode/options.js';
import type { Runner } from '../../decode/runner.js';
import { createShared } from '../../decode/sharing.js';
import { simulateSteps } from '../../decode/simulate.js';
import type { Placement } from '../../placement/placement.js';
import type { SpeculationResult } from '../../report/document.js';
import { startThread } from '../steps/thread.js';
import { createTurns, type Turns } from '../steps/turns.js';
import { isForThreads, mostHere } from '../steps/work.js';
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

/**
 * Turns for simulations of a varied configuration, on threads where they are for that, and what one of them does by a
 * thread.
 * @param own the placement of what is varied
 */
export function turnsFor(
  own: Placement,
  options: SimulateOptions,
  base: Base,
): Turns<CyclesWorker> & {
  there?: (
    changed: string[],
    placement: Placement,
  ) => (thread: Remote<CyclesWorker>) => Promise<Cycles>;
} {
  if (!isForThreads(options, own)) return createTurns(mostHere(options));
  const { engine, memo, maxCycles, shards, signal } = options;
  const workerData: WorkerData = { ...base, placement: own, options: { engine, memo, maxCycles } };
  const start = () => startThread<CyclesWorker>('sensitivity-worker.js', workerData);
  return {
    ...createTurns(shards, start, signal),
    there: (changed, placement) => async (thread) => thread.cyclesOf(changed, placement),
  };
}
