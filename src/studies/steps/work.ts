/** Simulations of several configurations at once: the runner that they share, and how far they are. */
import { memoized } from '../../decode/memo.js';
import { createRunner, type Runner } from '../../decode/runner.js';
import { hostOf, type SimulateOptions } from '../../decode/options.js';
import { FEWEST_OF_LARGE } from '../../engine/engine.js';
import type { Placement } from '../../placement/placement.js';
import type { HostResult } from '../../report/document.js';
import type { GridWork } from './step-times.js';
import { startThread, type Thread } from './thread.js';
import { createTurns, type InTurn } from './turns.js';
import type { Simulations, WorkerOptions } from './worker.js';

/** Steps of large models hold much; where whole programs run on threads, lines of another step run here. */
const STEPS_AT_ONCE = 2;

/**
 * Whether simulations may be given to threads, each as a whole: by lines all of one is done on one thread. A model
 * without large regions is through before a thread has begun.
 */
export function isForThreads(
  { engine, shards, memo }: SimulateOptions,
  { regions }: Pick<Placement, 'regions'>,
): boolean {
  if (shards === 1 || engine !== 'fast' || memoized(memo).lines === undefined) return false;
  return regions.some(({ width, height }) => width * height >= FEWEST_OF_LARGE);
}

/** Simulations at a time that keep all threads at work where none is given to a thread as a whole. */
export function mostHere({ shards, memo }: SimulateOptions): number {
  return memoized(memo).lines !== undefined || shards === 1 ? 1 : shards + 1;
}

/** A thread that simulates placed configurations. */
export function startSimulations(options: SimulateOptions): Thread<Simulations> {
  const { engine, shards, memo, maxCycles } = options;
  const workerData: WorkerOptions = { engine, shards, memo, maxCycles };
  return startThread('simulations-worker.js', workerData);
}

/**
 * Gives `simulate` options with a runner, and with one account of the progress of all that is simulated
 * with them. When one simulation fails, the others are aborted.
 */
export async function withThreads<T>(
  options: SimulateOptions & Pick<GridWork, 'steps'>,
  simulate: (work: GridWork & { runner: Runner; inTurn: InTurn<Simulations> }) => Promise<T>,
): Promise<T> {
  const { onProgress, signal: given } = options;
  const over = new AbortController();
  const signal = given ? AbortSignal.any([given, over.signal]) : over.signal;
  const runner = createRunner({ ...options, signal });
  let [done, total] = [0, 0];
  const progress = {
    begins: (cores: number) => void (total += cores),
    done: (cores: number, what: string) => {
      done += cores;
      onProgress?.({ done, total, what });
    },
  };
  const turns = createTurns(STEPS_AT_ONCE, () => startSimulations(options), signal);
  try {
    return await simulate({ ...options, runner, progress, signal, inTurn: turns.inTurn });
  } finally {
    over.abort();
    await Promise.all([turns.close(), runner.close()]);
  }
}

/** What a document says of the host, and of the steps that were known. */
export function hostOfSteps(
  options: SimulateOptions & Pick<GridWork, 'steps'>,
  begun: number,
): HostResult {
  const { steps } = options;
  return { ...hostOf(options, begun), ...(steps && { steps: steps.counts }) };
}
