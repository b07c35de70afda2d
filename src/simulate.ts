/**
 * The way of the data: configuration, placement, stages, engine, timeline, document. Everything
 * outside `host` of the document is a function of the configuration alone.
 */
import { checkStep, createNumbers, TOLERANCE, type Numbers } from './compute.js';
import type { ResolvedConfig } from './config.js';
import { timeStep, type StepTiming } from './decode/timeline.js';
import type { Engine } from './engine/engine.js';
import { fast } from './engine/fast.js';
import { reference } from './engine/reference.js';
import { groupChooser } from './groups.js';
import { chosenBy, planToken } from './lowering/token.js';
import { place } from './placement/place.js';
import type { CheckResult, RunDocument, StepResult } from './report/document.js';
import { runDocument } from './run-document.js';
import { beginStep, createStageRunner, runStage, timedStage } from './stages.js';

export type EngineName = 'fast' | 'reference';

export const ENGINES: Record<EngineName, Engine> = { fast, reference };

export interface SimulateOptions {
  engine: EngineName;
  /** Worker threads. */
  shards: number;
  /** Whether equal regions are simulated once. */
  memo: boolean;
  onProgress?: (progress: { done: number; total: number; what: string }) => void;
  /** Seconds from any fixed instant, and bytes of memory in use at most; for `host` only. */
  now: () => number;
  rss: () => number;
}

/** Places the model of a configuration. Throws CapacityError if it does not fit. */
export function placementOf({ model, wafer, mapping, workload, placement }: ResolvedConfig) {
  const { rows, layerColumns, strategy, growth } = placement;
  const maxPositions = workload.context + workload.tokens;
  const { batch } = workload;
  return place(model, wafer, { strategy, growth, mapping, maxPositions, batch, rows, layerColumns });
}

/**
 * Simulates the decode steps of a configuration. Throws CapacityError if the model does not fit the
 * wafer, MachineError if the simulated machine fails.
 */
export async function simulate(
  config: ResolvedConfig,
  options: SimulateOptions,
): Promise<RunDocument> {
  const begun = options.now();
  const { model, wafer, workload } = config;
  const engine = ENGINES[options.engine];
  const placement = placementOf(config);
  const maxPositions = workload.context + workload.tokens;
  const groupsOf = groupChooser(model, wafer, maxPositions, engine, config.placement.groups);
  const chosen = chosenBy(model, placement, groupsOf);
  const numbers = workload.data ? createNumbers(config, placement, chosen) : undefined;
  const runner = createStageRunner({
    wafer,
    placement,
    engine,
    memo: options.memo,
    ...(numbers && { images: numbers.images }),
  });
  const steps: StepResult[] = [];
  let timing!: StepTiming;
  for (let step = 0; step < workload.tokens; step++) {
    beginStep(runner);
    const context = workload.context + step;
    const plans = planToken(model, wafer, placement, groupsOf, { context, maxPositions });
    const stages = plans.map((plan) => timedStage(runner, plan));
    const total = workload.tokens * plans.length;
    timing = await timeStep(stages, placement.regions.length, async (i, startAt) => {
      const done = step * plans.length + i;
      options.onProgress?.({ done, total, what: plans[i]!.name });
      return runStage(runner, plans[i]!, stages[i]!, startAt);
    });
    if (numbers) checkStep(config, placement, chosen, numbers);
    steps.push({ cycles: timing.cycles, ...(numbers && { token: numbers.token }) });
  }
  return {
    ...runDocument(config, placement, runner, timing, steps),
    ...(numbers && { check: checkOf(numbers, TOLERANCE[model.dtype]) }),
    host: {
      engine: options.engine,
      shards: options.shards,
      wallSeconds: options.now() - begun,
      peakRssBytes: options.rss(),
    },
  };
}

function checkOf({ maxRelativeError }: Numbers, tolerance: number): CheckResult {
  const passed = maxRelativeError <= tolerance;
  return { logitsMaxRelativeError: maxRelativeError, tolerance, passed };
}
