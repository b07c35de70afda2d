/**
 * Stages that start together: each on all its cores at once, when the last core of the one before is
 * done. Nothing is handed on, so a step is its stages' cycles one after the other.
 */
import type { RunResult } from '../engine/engine.js';
import type { PipelineTiming, StageUse } from './pipeline.js';
import { addCauses, addStage, emptyTiming, type Causes, type StageTiming } from './timeline.js';
import { addStageWaits } from './waits.js';

/** What is known of a step however its stages start. */
export type StepResults = Pick<PipelineTiming, 'timing' | 'results' | 'uses'>;

/** Times a step of one user; none of its stages waits for the result of another one. */
export async function timeTogether(
  stages: StageTiming[],
  runStage: (index: number) => Promise<RunResult>,
): Promise<StepResults> {
  const results = await Promise.all(stages.map((_, i) => runStage(i)));
  const timing = emptyTiming();
  const known = new Map<RunResult, { use: StageUse; causes: Causes }>();
  for (const [stage, result] of results.entries()) {
    const first = timing.cycles;
    // They are one program on one region again and again, whose name is no layer's own.
    addStage(timing, { ...stages[stage], name: 'layer' }, result, first, 0);
    const use = { stage, result, tokens: 0 };
    const same = known.get(result) ?? { use, causes: causesOf(result, timing.cycles - first) };
    known.set(result, same);
    same.use.tokens++;
    addCauses(timing.causes, same.causes);
    const { labelWaitInput: input, labelWaitOutput: output } = result;
    addStageWaits(timing.waits, stages[stage].labels, { input, output });
  }
  return { timing, results, uses: [...known.values()].map(({ use }) => use) };
}

/** What all cores do in a stage, their start-up included: they begin anew with each. */
function causesOf(result: RunResult, cycles: number): Causes {
  const { compute, setup, waitInput, waitOutput, end } = result;
  const sum = (counts: Float64Array) => counts.reduce((a, b) => a + b, 0);
  return {
    compute: sum(compute),
    setup: sum(setup),
    waitInput: sum(waitInput),
    waitOutput: sum(waitOutput),
    // Cores that are done before the stage is.
    idle: end.length * cycles - sum(end),
  };
}
