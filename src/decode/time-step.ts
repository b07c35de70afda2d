/**
 * The time of one decode step, as a run has it, without counting what the step sends over the fabric:
 * what is needed where a placement's steps are simulated for many contexts.
 */
import type { ResolvedConfig } from '../config.js';
import type { Starts } from '../engine/engine.js';
import { timeFull, type FullPipeline } from './pipeline.js';
import type { Placement } from '../placement/placement.js';
import type { LineCycles } from './groups.js';
import { loweredOf } from './lowered.js';
import { memoized, type Memo } from './memo.js';
import type { Runner } from './runner.js';
import { createSharing } from './shared-links.js';
import { beginStep, createStageRunner, runOn, runStage, timedStages } from './stages.js';

/** Cores up to which tokens wait for each other on links: on more, each step would take minutes. */
const MOST_CORES = 2 ** 17;

/** Receives how much work there is in all stages, and each time that some of it is done. */
export interface StepProgress {
  begins(cores: number): void;
  done(cores: number, what: string): void;
}

/**
 * Times a step with `context` tokens in the cache: of one user, and of as many as fill the layers.
 * @param lines what is known about the lines of this machine, and where more is put
 */
export async function timeDecodeStep(
  config: ResolvedConfig,
  placement: Placement,
  context: number,
  lines: LineCycles,
  { runner: programs, memo }: { runner: Runner; memo: Memo | boolean },
  progress?: StepProgress,
): Promise<FullPipeline> {
  const { wafer } = config;
  const maxPositions = context + 1;
  const lowered = await loweredOf(config, placement, maxPositions, programs, { lines });
  const plan = lowered.plan({ context, maxPositions });
  const { stages: equal, lines: byLines } = memoized(memo);
  const run = runOn(programs, wafer, byLines);
  const runner = createStageRunner({ wafer, memo: equal, run });
  beginStep(runner, plan);
  const stages = await timedStages(runner, plan, programs);
  // A core of an equal stage is simulated a few times at most, so it is counted once.
  const cores = new Map(plan.stages.map(({ key }, i) => [key, stages[i].columns * stages[i].rows]));
  progress?.begins([...cores.values()].reduce((sum, n) => sum + n, 0));
  const runStageAt = async (i: number, startAt: Starts) => {
    await programs.pause();
    const { key, name: what } = plan.stages[i];
    const result = await runStage(runner, plan.stages[i], startAt);
    progress?.done(cores.get(key) ?? 0, what);
    cores.delete(key);
    return result;
  };
  const all = stages.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
  const sharing = all <= MOST_CORES ? createSharing(runner, plan.stages, stages) : undefined;
  return timeFull(stages, plan.places.length, runStageAt, sharing);
}
