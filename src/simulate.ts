/**
 * The way of the data: configuration, placement, stages, engine, timeline, document. Everything
 * outside `host` of the document is a function of the configuration alone.
 */
import { orAborted, unlessAborted } from './run/abort.js';
import { checkResult, checkStep, createNumbers } from './run/compute.js';
import type { ResolvedConfig } from './config.js';
import { timePipeline, type PipelineTiming } from './decode/pipeline.js';
import { timeStep, type TimedStage } from './decode/timeline.js';
import type { Engine, RunResult } from './engine/engine.js';
import { ENGINES, type EngineName } from './engine/engines.js';
import { createShards } from './engine/sharded.js';
import { groupChooser } from './run/groups.js';
import { ConfigError } from './hardware/errors.js';
import { lookAhead } from './run/lookahead.js';
import { chosenBy, planToken, type TokenPlan } from './lowering/token.js';
import { place } from './placement/place.js';
import type { Placement } from './placement/placement.js';
import type { Program } from './program/program.js';
import type { RunDetail } from './report/detail.js';
import type { CheckResult, RunDocument, StepResult } from './report/document.js';
import { repeatedDetail, runDetail } from './run/run-detail.js';
import { runDocument, type Simulated } from './run/run-document.js';
import { simulateWaferllm } from './run/simulate-waferllm.js';
import {
  addCounters,
  beginStep,
  computeStage,
  createStageRunner,
  reuseOf,
  runStage,
  timedStage,
  type StageRunner,
} from './run/stages.js';

export interface SimulateOptions {
  engine: EngineName;
  /** Worker threads. */
  shards: number;
  /** Whether equal regions are simulated once. */
  memo: boolean;
  onProgress?: (progress: { done: number; total: number; what: string }) => void;
  /** Ends the simulation between two stages, by rejecting with the signal's reason. */
  signal?: AbortSignal;
  /** Hears of the last step core by core; without it none of that is collected. */
  onDetail?: (detail: RunDetail) => void;
  /** Seconds from any fixed instant, and bytes of memory in use at most; for `host` only. */
  now: () => number;
  rss: () => number;
}

/** Places the model of a configuration. Throws CapacityError if it does not fit. */
export function placementOf(config: ResolvedConfig): Placement {
  const { model, wafer, mapping, workload, placement } = config;
  const { rows, layerColumns, strategy, growth } = placement;
  const maxPositions = workload.context + workload.tokens;
  if (workload.tokens > model.maxContext)
    throw new ConfigError(
      `workload.tokens: expected at most ${model.maxContext}, as ${model.name} has so many ` +
        `positions, found ${workload.tokens}`,
    );
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
      ? await simulateRepeated(config, placement, engine, options)
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

/** The published mapping, whose last run of the engine is a layer of the last step. */
async function simulateRepeated(
  config: ResolvedConfig,
  placement: Placement,
  engine: Engine,
  { onProgress, onDetail, signal }: SimulateOptions,
): Promise<Simulated & { check?: CheckResult }> {
  let last: { program: Program; result: RunResult } | undefined;
  const listening: Engine = (input) => {
    const result = engine(input);
    last = { program: input.program, result };
    return result;
  };
  const run = await simulateWaferllm(config, placement, listening, async (done, total) => {
    await unlessAborted(signal);
    onProgress?.({ done, total, what: 'layer' });
  });
  const { timing, counters } = run;
  if (last)
    onDetail?.(repeatedDetail(placement, last, timing, config.wafer, counters.linkWavelets[0]));
  return run;
}

/** The steps of the default mapping: every layer, the embedding and the head have their own region. */
export async function simulateSteps(
  config: ResolvedConfig,
  placement: Placement,
  engine: Engine,
  options: SimulateOptions,
): Promise<Simulated & { check?: CheckResult }> {
  const { model, wafer, workload } = config;
  const maxPositions = workload.context + workload.tokens;
  const groupsOf = groupChooser(model, wafer, maxPositions, engine, config.placement.groups);
  const chosen = chosenBy(model, placement, groupsOf);
  const numbers = workload.data ? createNumbers(config, placement, chosen) : undefined;
  const shards =
    options.shards > 1 && !options.memo ? createShards(options.shards, options.engine) : undefined;
  const { memo } = options;
  const runner = createStageRunner({
    wafer,
    placement,
    memo,
    run: async (key, program, startAt) =>
      shards === undefined
        ? engine({ program, wafer, startAt })
        : orAborted(shards.run(key, program, wafer, startAt), options.signal),
  });
  const steps: StepResult[] = [];
  const { signal } = options;
  let pipeline!: PipelineTiming;
  try {
    for (let step = 0; step < workload.tokens; step++) {
      const context = workload.context + step;
      const plan = planToken(model, wafer, placement, groupsOf, { context, maxPositions });
      beginStep(runner, plan);
      const stages = plan.stages.map((stage) => timedStage(runner, stage));
      pipeline = await timeTokens(config, runner, plan, stages, options, step);
      if (numbers) {
        // Times do not depend on numbers, so one pass of one user's token computes them.
        await timeStep(stages, plan.places.length, async (i, startAt) => {
          await unlessAborted(signal);
          return computeStage(runner, plan.stages[i], stages[i], startAt, engine, numbers.images);
        });
        checkStep(config, placement, chosen, numbers);
      }
      const { cycles } = pipeline.timing;
      steps.push({ cycles, ...(numbers && { token: numbers.token }) });
    }
  } finally {
    await shards?.close();
  }
  const check = numbers && checkResult(model, numbers.maxRelativeError);
  const counters = { ...runner, reuse: reuseOf(runner) };
  return { counters, ...pipeline, steps, ...(check && { check }) };
}

/** Times one step of all users, and counts what it sent. */
async function timeTokens(
  { workload }: ResolvedConfig,
  runner: StageRunner,
  plan: TokenPlan,
  stages: TimedStage[],
  { shards, memo, onProgress, onDetail, signal }: SimulateOptions,
  step: number,
): Promise<PipelineTiming> {
  const { length } = stages;
  const latest: RunResult[] = [];
  const run = async (i: number, startAt: Int32Array) => runStage(runner, plan.stages[i], startAt);
  const keys = plan.stages.map(({ key }) => key);
  const ahead = shards > 1 && !memo ? lookAhead(keys, shards, run) : run;
  const pipeline = await timePipeline(
    stages,
    plan.places.length,
    async (i, startAt) => {
      await unlessAborted(signal);
      const done = step * length + Math.min(latest.length, length - 1);
      onProgress?.({ done, total: workload.tokens * length, what: plan.stages[i].name });
      return (latest[i] = await ahead(i, startAt));
    },
    workload.batch,
  );
  for (const [i, stage] of plan.stages.entries())
    addCounters(runner, stage, stages[i], latest[i], workload.batch);
  if (onDetail && step === workload.tokens - 1)
    onDetail(runDetail(runner, plan.stages, stages, latest, pipeline.timing, workload.batch));
  return pipeline;
}
