/** Simulations of several configurations at once: the runner that they share, and how far they are. */
import { createRunner, type Runner } from '../../decode/runner.js';
import { hostOf, type SimulateOptions } from '../../decode/options.js';
import type { HostResult } from '../../report/document.js';
import type { GridWork } from './step-times.js';
import { inTurns, type InTurn } from './turns.js';

/** While lines of one step are simulated here, whole programs of another run on threads. */
const STEPS_AT_ONCE = 2;

/**
 * Gives `simulate` options with a runner, and with one account of the progress of all that is simulated
 * with them. When one simulation fails, the others are aborted.
 */
export async function withThreads<T>(
  options: SimulateOptions & Pick<GridWork, 'steps'>,
  simulate: (work: GridWork & { runner: Runner; inTurn: InTurn }) => Promise<T>,
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
  const inTurn = inTurns(STEPS_AT_ONCE);
  try {
    return await simulate({ ...options, runner, progress, signal, inTurn });
  } finally {
    over.abort();
    await runner.close();
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
