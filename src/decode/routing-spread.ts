/**
 * What a step takes with other experts, where they lie in strips: simulated for each of the drawn tokens, and for
 * one whose experts are shared out evenly.
 *
 * Two steps that differ in some stages' programs alone are the same up to the first of these. From there on a stage is
 * simulated if its program is another, or if its senders are done otherwise relative to each other. Where they all are
 * later by as much, so is every later stage, with the result that it had.
 */
import { latestOf, type Starts } from '../engine/engine.js';
import type { StagePlan, StepPlan } from '../lowering/lowering.js';
import { preparationOf } from '../program/timing.js';
import { timePipeline, type PipelineTiming } from './pipeline.js';
import type { Runner } from './runner.js';
import { createStageRunner, runStage, timedStages, type StageRunner } from './stages.js';
import { beginStep } from './stages.js';
import type { StageTiming } from './timeline.js';
import { equal, startAtOf, type Visit } from './visit.js';

/** A step of one user that was simulated, in its last turn. */
export interface BaseStep {
  plan: StepPlan;
  stages: StageTiming[];
  turns: PipelineTiming['turns'];
}

/** What comes of a stage in cycles from its first sender's on: its last label's end, and those of the next senders. */
interface Outcome {
  last: number;
  ends: number[];
}

export interface StepTimer {
  /**
   * Cycles of a token of a step that differs from the base in programs alone.
   * @param onStage called before each stage that may have to be simulated
   */
  cyclesOf: (plan: StepPlan, onStage?: (stage: number) => void) => Promise<number>;
  /** Programs that were simulated for them. */
  simulated: () => number;
}

export function stepTimer(base: BaseStep, runner: StageRunner, programs: Runner): StepTimer {
  const { visits, chosen } = base.turns.at(-1)!;
  const outcomes = new Map<string, Promise<Outcome>>();
  let count = 0;
  const run: StageRunner['run'] = (...of) => {
    count++;
    return runner.run(...of);
  };
  const sendersOf = base.stages.map((_, i) => nextSenders(base, i).join());
  const known = (plan: StagePlan, i: number, sending: readonly number[]): Promise<Outcome> => {
    const of = [plan.key, sending.join(), sendersOf[i]];
    // Without reuse every layer of every token is simulated.
    const key = runner.memo ? of.join(' ') : `${i} ${outcomes.size}`;
    const outcome = outcomes.get(key) ?? outcomeOf(base, i, plan, sending, { ...runner, run });
    outcomes.set(key, outcome);
    return outcome;
  };
  const areApart = canBeApart(base);
  return {
    simulated: () => count,
    async cyclesOf(plan, onStage) {
      if (!areApart) return wholeStep(plan, { ...runner, run }, programs);
      let [first, sending] = [visits[0].first, visits[0].start.sending];
      let reached = 0;
      for (const [i, stage] of plan.stages.entries()) {
        const { start } = visits[i];
        const isSame = stage.key === base.plan.stages[i].key && equal(sending, start.sending);
        if (!isSame) {
          await programs.pause();
          onStage?.(i);
        }
        // The next token's first stage begins otherwise if its cores are at work until then.
        if (!isSame && i + 1 === base.stages.length && !isIdle(base, 0)) break;
        const { last, ends } = isSame ? sameOutcome(base, i) : await known(stage, i, sending);
        reached = Math.max(reached, first + last);
        const next = base.stages.at(i + 1);
        if (next === undefined) return reached - chosen;
        const sent = ends.map((end) => first + end + next.crossing);
        first = Math.min(...sent);
        sending = sent.map((cycle) => cycle - first);
      }
      return wholeStep(plan, { ...runner, run }, programs);
    },
  };
}

/** Whether stages hang on each other by what they send alone: cores are idle long before a token comes to them. */
function canBeApart(base: BaseStep): boolean {
  const { stages } = base;
  return stages.every(
    ({ region }, i) =>
      (i === 0 || isIdle(base, i)) && (i + 1 === stages.length || stages[i + 1].from === region),
  );
}

/** Whether a stage's cores begin as early as their preparation asks for. */
function isIdle({ stages, turns }: BaseStep, i: number): boolean {
  const { own } = turns.at(-1)!.visits[i].start;
  return own.every((cycle) => cycle === -stages[i].preparation);
}

/** Cores of a stage's region that send what the next one receives. */
function nextSenders({ stages }: Pick<BaseStep, 'stages'>, i: number): number[] {
  return stages.at(i + 1)?.senders.map(({ of }) => of) ?? [];
}

function sameOutcome({ stages, turns }: BaseStep, i: number): Outcome {
  const { result, ends }: Visit['start'] = turns.at(-1)!.visits[i].start;
  return {
    last: latestOf(result.labelEnd),
    ends: nextSenders({ stages }, i).map((of) => ends[of]),
  };
}

async function outcomeOf(
  { stages, turns }: BaseStep,
  i: number,
  plan: StagePlan,
  sending: readonly number[],
  { wafer: { costs }, run }: Pick<StageRunner, 'wafer' | 'run'>,
): Promise<Outcome> {
  const { program } = plan.write();
  const cores = turns.at(-1)!.visits[i].start.own.length;
  const own = new Float64Array(cores).fill(-preparationOf(program, costs));
  const startAt = startAtOf(stages[i], { own, sending });
  const { labelEnd, end } = await run(program, startAt, { name: plan.name });
  const { origin, columns, width } = stages[i];
  const endOf = (of: number) => end[origin + Math.floor(of / columns) * width + (of % columns)];
  return { last: latestOf(labelEnd), ends: nextSenders({ stages }, i).map(endOf) };
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
  const runOf = (i: number, startAt: Starts) => runStage(runner, plan.stages[i], startAt);
  const { timing } = await timePipeline(stages, plan.places.length, runOf, 1);
  return timing.cycles;
}
