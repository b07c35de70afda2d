/** One decode step: its stages written and timed, for all users; and, of one user's token, computed. */
import type { ResolvedConfig } from '../config.js';
import { MachineError, type RunResult, type Starts } from '../engine/engine.js';
import type { IndexFault } from '../engine/indexed.js';
import type { StepPlan } from '../lowering/lowering.js';
import { checkLowered, type Numbers } from './compute.js';
import type { RunDetail } from '../report/detail.js';
import type { SimulateOptions } from './options.js';
import { timePipeline, type PipelineTiming } from './pipeline.js';
import { passOnce } from './ring.js';
import type { Simulated } from './run-document.js';
import { runDetail } from './run-detail.js';
import type { Runner } from './runner.js';
import { createSharing } from './shared-links.js';
import { addCounters, runStage, stageInput, write } from './stages.js';
import type { StageInput, StageRunner } from './stages.js';
import type { StageTiming } from './timeline.js';
import { timeTogether, type StepResults } from './together.js';

/** Computes one user's token; times do not depend on numbers, so one pass of all stages does. */
export async function computeToken(
  runner: StageRunner,
  { stages: plans, places, together }: StepPlan,
  stages: StageTiming[],
  numbers: Numbers,
  position: number,
  programs: Runner,
  inRound?: Parameters<Numbers['memory']['begin']>[1],
): Promise<void> {
  const { memory, token } = numbers;
  const around = async <T>(i: number, work: (input: StageInput) => Promise<T>): Promise<T> => {
    memory.enter?.(i, position);
    const result = await work(stageInput(runner, plans[i], stages[i], memory.images));
    memory.leave?.(i);
    return result;
  };
  /** Cores whose program is for other experts than they choose may find no way on. */
  const checked = async <T>(i: number, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof MachineError) checkLowered(numbers, plans[i].to, false);
      throw error;
    }
  };
  memory.begin(token, inRound);
  const isTimeless = plans.every((plan) => programs.computes(write(runner, plan).program));
  const compute = async (i: number, startAt?: Starts) => {
    const run = ({ program, ...more }: StageInput) => runner.run(program, startAt, more);
    const result = await checked(i, () => around(i, run));
    checkLowered(numbers, plans[i].to, true);
    return result;
  };
  /** All stages as one token goes through them. */
  const pass = async (run: (i: number, startAt?: Starts) => Promise<RunResult>) => {
    if (together) for (const i of stages.keys()) await run(i);
    else await passOnce(stages, places.length, run);
  };
  if (!isTimeless) await pass(compute);
  else
    for (const i of stages.keys()) {
      const work = (input: StageInput) => programs.compute({ ...input, wafer: runner.wafer });
      const badIndices = await checked(i, () => around(i, work));
      checkLowered(numbers, plans[i].to, badIndices.length === 0);
      if (badIndices.length === 0) continue;
      await pass(failing(runner, plans, i, badIndices));
      throw new Error(`no core of ${plans[i].name} comes to its wrong index`);
    }
  // On one region every layer was simulated, with its own numbers.
  if (together) for (const { name } of plans) runner.simulated.add(name);
}

/** Times stages up to the one with wrong indices, and says when they are taken. */
function failing(
  runner: StageRunner,
  plans: StepPlan['stages'],
  stage: number,
  badIndices: readonly IndexFault[],
) {
  return async (i: number, startAt?: Starts): Promise<RunResult> => {
    const { name } = plans[i];
    const more = i === stage ? { name, badIndices } : { name };
    return runner.run(write(runner, plans[i]).program, startAt, more);
  };
}

/** What a step's tokens took, and where users share regions. */
export type TimedStep = StepResults &
  Pick<Simulated, 'inFlight' | 'bottleneck' | 'simulatedTokens' | 'repeatsAfter' | 'sharedLinks'> &
  Partial<Pick<PipelineTiming, 'turns' | 'turn' | 'cyclesAlone'>> & { detail?: RunDetail };

/** Times one step of all users, and counts what it sent if that is asked for. */
export async function timeTokens(
  { workload }: ResolvedConfig,
  runner: StageRunner,
  { plan, stages }: { plan: StepPlan; stages: StageTiming[] },
  { runner: programs, onProgress, onDetail }: SimulateOptions & { runner: Runner },
  { step, isLast, counts }: { step: number; isLast: boolean; counts: boolean },
): Promise<TimedStep> {
  const isDetailed = onDetail !== undefined && isLast;
  const { length } = stages;
  let visits = 0;
  const run = async (i: number, startAt?: Starts) => {
    await programs.pause();
    const done = step * length + Math.min(visits++, length - 1);
    onProgress?.({ done, total: workload.tokens * length, what: plan.stages[i].name });
    return runStage(runner, plan.stages[i], startAt);
  };
  const sharing = createSharing(runner, plan.stages, stages);
  const { together, places } = plan;
  const pipeline = together
    ? undefined
    : await timePipeline(
        stages,
        places.length,
        run,
        workload.batch,
        sharing.contentionOf,
        isDetailed,
      );
  const known = pipeline ?? (await timeTogether(stages, run));
  for (const { stage, result, tokens } of counts ? known.uses : [])
    addCounters(runner, plan.stages[stage], stages[stage], result, tokens);
  const detail = isDetailed && runDetail(runner, plan.stages, stages, known, workload.batch);
  const timed: TimedStep = { ...known, ...(detail && { detail }) };
  if (pipeline === undefined || workload.batch === 1 || !isLast) return timed;
  return { ...timed, sharedLinks: sharing.resultOf(pipeline) };
}
