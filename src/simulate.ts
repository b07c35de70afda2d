/**
 * The way of the data: configuration, placement, stages, engine, timeline, document. Everything
 * outside `host` of the document is a function of the configuration alone.
 */
import { checkResult, checkStep, createNumbers } from './compute.js';
import type { ResolvedConfig } from './config.js';
import { timePipeline, type PipelineTiming } from './decode/pipeline.js';
import { timeStep } from './decode/timeline.js';
import type { Engine, RunResult } from './engine/engine.js';
import { fast } from './engine/fast.js';
import { reference } from './engine/reference.js';
import { groupChooser } from './groups.js';
import { ConfigError } from './hardware/errors.js';
import { chosenBy, planToken } from './lowering/token.js';
import { place } from './placement/place.js';
import type { Placement } from './placement/placement.js';
import type { RunDocument, StepResult } from './report/document.js';
import { runDocument } from './run-document.js';
import { simulateWaferllm } from './simulate-waferllm.js';
import {
  addCounters,
  beginStep,
  createStageRunner,
  reuseOf,
  runStage,
  timedStage,
} from './stages.js';

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
export function placementOf(config: ResolvedConfig): Placement {
  const { model, wafer, mapping, workload, placement } = config;
  const { rows, layerColumns, strategy, growth } = placement;
  const maxPositions = workload.context + workload.tokens;
  if (maxPositions > model.maxContext)
    throw new ConfigError(
      `workload.context: expected at most ${model.maxContext - workload.tokens}, as ` +
        `${model.name} has ${model.maxContext} positions, found ${workload.context}`,
    );
  const { batch } = workload;
  return place(model, wafer, {
    strategy,
    growth,
    mapping,
    maxPositions,
    batch,
    rows,
    layerColumns,
  });
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
  const engine = ENGINES[options.engine];
  const placement = placementOf(config);
  const run =
    config.mapping === 'waferllm'
      ? await simulateWaferllm(config, placement, engine, (done, total) =>
          options.onProgress?.({ done, total, what: 'layer' }),
        )
      : await simulateSteps(config, placement, engine, options);
  return {
    ...runDocument(config, placement, run),
    ...(run.check && { check: run.check }),
    host: {
      engine: options.engine,
      shards: options.shards,
      wallSeconds: options.now() - begun,
      peakRssBytes: options.rss(),
    },
  };
}

/** The steps of the default mapping: every layer, the embedding and the head have their own region. */
export async function simulateSteps(
  config: ResolvedConfig,
  placement: Placement,
  engine: Engine,
  { memo, onProgress }: SimulateOptions,
) {
  const { model, wafer, workload } = config;
  const maxPositions = workload.context + workload.tokens;
  const groupsOf = groupChooser(model, wafer, maxPositions, engine, config.placement.groups);
  const chosen = chosenBy(model, placement, groupsOf);
  const numbers = workload.data ? createNumbers(config, placement, chosen) : undefined;
  const runner = createStageRunner({ wafer, placement, engine, memo });
  const steps: StepResult[] = [];
  let pipeline!: PipelineTiming;
  for (let step = 0; step < workload.tokens; step++) {
    const context = workload.context + step;
    const plan = planToken(model, wafer, placement, groupsOf, { context, maxPositions });
    const { stages: plans, places } = plan;
    beginStep(runner, places);
    const stages = plans.map((plan) => timedStage(runner, plan));
    const latest: RunResult[] = [];
    const run = async (i: number, startAt: Int32Array) => {
      const done = step * plans.length + Math.min(latest.length, plans.length - 1);
      onProgress?.({ done, total: workload.tokens * plans.length, what: plans[i].name });
      return (latest[i] = runStage(runner, plans[i], stages[i], startAt));
    };
    pipeline = await timePipeline(stages, places.length, run, workload.batch);
    for (const [i, plan] of plans.entries())
      addCounters(runner, plan, stages[i], latest[i], workload.batch);
    const { cycles } = pipeline.timing;
    if (numbers) {
      // Times do not depend on numbers, so one pass of one user's token computes them.
      const computing = { ...runner, memo: false, images: numbers.images };
      await timeStep(stages, places.length, async (i, startAt) =>
        runStage(computing, plans[i], stages[i], startAt),
      );
      checkStep(config, placement, chosen, numbers);
    }
    steps.push({ cycles, ...(numbers && { token: numbers.token }) });
  }
  const check = numbers && checkResult(model, numbers.maxRelativeError);
  const { timing, inFlight, bottleneck } = pipeline;
  const counters = { ...runner, reuse: reuseOf(runner) };
  return { counters, timing, inFlight, bottleneck, steps, ...(check && { check }) };
}
