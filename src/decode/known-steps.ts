/**
 * Steps that were lowered, for runs of one model that differ in their machines' numbers: most of these change what
 * operations take, and not the programs.
 */
import { agrees, watched, type Readings } from '../hardware/watched.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { StepPlan } from '../lowering/lowering.js';
import type { StageProgram } from '../lowering/stage.js';

/** The first one that was asked for and the last: programs of a large model take some hundred MB. */
export type KnownSteps = KnownStep[];

interface KnownStep {
  /** All that a step depends on, but for the wafer. */
  key: string;
  /** What planning it and writing its programs have read of the wafer. */
  readings: Readings;
  plan: StepPlan;
  /** By the keys of stages. */
  written: Map<string, StageProgram>;
}

/**
 * The step under this key as it is on this wafer, its programs those of a step before where they are the same.
 * @param planOn plans it on a wafer
 */
export function knownStep(
  known: KnownSteps,
  key: string,
  wafer: WaferSpec,
  planOn: (wafer: WaferSpec) => StepPlan,
): StepPlan {
  const step = known.find((one) => one.key === key && agrees(one.readings, wafer));
  if (step === undefined) return added(known, key, wafer, planOn).plan;
  let own: StepPlan | undefined;
  const stages = step.plan.stages.map((stage, i) => ({
    ...stage,
    write() {
      const program = stage.write();
      // To write it, more may have been read.
      if (agrees(step.readings, wafer)) return program;
      own ??= added(known, key, wafer, planOn).plan;
      return own.stages[i].write();
    },
  }));
  return { ...step.plan, stages };
}

/** Plans a step and adds it to the known ones, the first of which stays. */
function added(
  known: KnownSteps,
  key: string,
  wafer: WaferSpec,
  planOn: (wafer: WaferSpec) => StepPlan,
): KnownStep {
  const { wafer: seen, readings } = watched(wafer);
  const planned = planOn(seen);
  const written: KnownStep['written'] = new Map();
  const stages = planned.stages.map((stage) => ({
    ...stage,
    write() {
      const program = written.get(stage.key) ?? stage.write();
      written.set(stage.key, program);
      return program;
    },
  }));
  const step = { key, readings, plan: { ...planned, stages }, written };
  known.splice(1, 1);
  known.push(step);
  return step;
}
