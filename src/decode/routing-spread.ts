/**
 * What a step takes with other experts, where they lie in strips: simulated for each of the drawn tokens, and for
 * one whose experts are shared out evenly.
 *
 * Of two steps that differ in some stages' programs alone, a stage whose senders are all done later by as much as
 * each other delays every later stage by as much: starts relative to each other stay the same, and so do results.
 * Each such stage is simulated with its own program; one whose senders are done otherwise makes the whole step be.
 */
import type { RunResult } from '../engine/engine.js';
import type { StagePlan, StepPlan } from '../lowering/lowering.js';
import { preparationOf } from '../program/timing.js';
import { timePipeline, type PipelineTiming } from './pipeline.js';
import type { Runner } from './runner.js';
import { createStageRunner, runStage, timedStages, type StageRunner } from './stages.js';
import { beginStep } from './stages.js';
import type { StageTiming } from './timeline.js';
import { startAtOf, type Visit } from './visit.js';

/** A step of one user that was simulated, in its last turn. */
export interface BaseStep {
  plan: StepPlan;
  stages: StageTiming[];
  turns: PipelineTiming['turns'];
}

/** Cycles by which a stage of another step is done later than the base's; undefined if its cores are not alike. */
type Delays = Map<string, Promise<number | undefined>>;

export interface StepTimer {
  /** Cycles of a token of a step that differs from the base in programs alone. */
  cyclesOf: (plan: StepPlan) => Promise<number>;
  /** Programs that were simulated for them. */
  simulated: () => number;
}

export function stepTimer(base: BaseStep, runner: StageRunner, programs: Runner): StepTimer {
  const { visits, timing } = base.turns.at(-1)!;
  const delays: Delays = new Map();
  const sendings = visits.map(({ start }) => start.sending.join());
  let count = 0;
  const run: StageRunner['run'] = (...of) => {
    count++;
    return runner.run(...of);
  };
  return {
    simulated: () => count,
    async cyclesOf(plan) {
      let cycles: number | undefined = timing.cycles;
      for (const [i, stage] of plan.stages.entries()) {
        if (stage.key === base.plan.stages[i].key) continue;
        await programs.pause();
        // Without reuse every layer of every token is simulated.
        const key = runner.memo ? `${stage.key} ${sendings[i]}` : `${i} ${delays.size}`;
        const known = delays.get(key) ?? delayOf(base, i, stage, { ...runner, run });
        delays.set(key, known);
        const delay = await known;
        cycles = delay === undefined ? undefined : cycles + delay;
        if (cycles === undefined) break;
      }
      return cycles ?? wholeStep(plan, { ...runner, run }, programs);
    },
  };
}

async function delayOf(
  { stages, turns }: BaseStep,
  i: number,
  plan: StagePlan,
  { wafer: { costs }, run }: Pick<StageRunner, 'wafer' | 'run'>,
): Promise<number | undefined> {
  const { start }: Visit = turns.at(-1)!.visits[i];
  const stage = stages[i];
  const next = stages.at(i + 1);
  // Cores that were idle long before begin as early as their preparation asks for.
  const isIdle = start.own.every((cycle) => cycle === -stage.preparation);
  if (!isIdle || next === undefined || next.from !== stage.region) return undefined;
  const { program } = plan.write();
  const own = new Float64Array(start.own.length).fill(-preparationOf(program, costs));
  const startAt = startAtOf(stage, { own, sending: start.sending });
  const result = await run(program, startAt, { name: plan.name });
  return sameDelay(stage, next, start.ends, result);
}

/** How much later the cores that send to the next stage are done, if it is the same for all. */
function sameDelay(
  { origin, columns, width }: StageTiming,
  { senders }: StageTiming,
  ends: Float64Array,
  result: RunResult,
): number | undefined {
  const delays = senders.map(({ of }) => {
    const core = origin + Math.floor(of / columns) * width + (of % columns);
    return result.end[core] - ends[of];
  });
  return delays.every((delay) => delay === delays[0]) ? delays[0] : undefined;
}

/** Cycles of a token of a step, all of whose stages are simulated. */
export async function wholeStep(
  plan: StepPlan,
  { wafer, memo, run }: Pick<StageRunner, 'wafer' | 'memo' | 'run'>,
  programs: Runner,
): Promise<number> {
  const runner = createStageRunner({ wafer, memo, run, shared: undefined });
  beginStep(runner, plan);
  const stages = await timedStages(runner, plan, programs);
  const runOf = (i: number, startAt: Float64Array) => runStage(runner, plan.stages[i], startAt);
  const { timing } = await timePipeline(stages, plan.places.length, runOf, 1);
  return timing.cycles;
}
