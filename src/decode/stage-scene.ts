/** The program in which a stage did its part: its own one, or one of several stages that were at work at once. */
import type { RunInput, RunResult, Starts } from '../engine/engine.js';
import { coreIn } from '../lowering/joined.js';
import type { StepPlan } from '../lowering/lowering.js';
import type { Turn } from './ring.js';
import { write, type StageRunner } from './stages.js';
import type { StageTiming } from './timeline.js';
import { startAtOf } from './visit.js';

/** A step that was timed; with a token's turn, if its stages are started by hand-offs. */
export interface TimedStages {
  plan: StepPlan;
  stages: StageTiming[];
  results: RunResult[];
  turn?: Turn | undefined;
}

/** A program that was simulated, and the number in it of a core of the stage's own program. */
export interface StageScene {
  input: RunInput & { startAt?: Starts };
  result: RunResult;
  numberOf: (core: number) => number;
}

export function sceneOf(
  runner: StageRunner,
  { plan, stages, results, turn }: TimedStages,
  stage: number,
): StageScene {
  const { wafer } = runner;
  const { name } = stages[stage];
  const start = turn?.visits[stage].start;
  if (start?.joint !== undefined) {
    const { run, part } = start.joint;
    const { program, startAt, result, box, boxes } = run;
    const numberOf = (core: number) => coreIn(box, boxes[part], core);
    return { input: { program, wafer, startAt, name }, result, numberOf };
  }
  const { program } = write(runner, plan.stages[stage]);
  const startAt = start && startAtOf(stages[stage], start);
  const input = { program, wafer, ...(startAt && { startAt }), name };
  return { input, result: results[stage], numberOf: (core) => core };
}
