/**
 * The way of the data: configuration, placement, stages, engine, timeline, document. Everything
 * outside `host` of the document is a function of the configuration alone.
 */
import { checkResult, checkStep, createNumbers } from './run/compute.js';
import type { ResolvedConfig } from './config.js';
import { timePipeline, type PipelineTiming } from './decode/pipeline.js';
import { passOnce } from './decode/ring.js';
import type { TimedStage } from './decode/timeline.js';
import type { EngineName } from './engine/engines.js';
import { groupChooser, type LineCycles } from './run/groups.js';
import { ConfigError } from './config/errors.js';
import { createRunner, type Runner } from './run/runner.js';
import { chosenBy, planToken, type GroupsOf, type TokenPlan } from './lowering/token.js';
import type { Search } from './placement/pack.js';
import { place } from './placement/place.js';
import type { Placement, Region } from './placement/placement.js';
import type { RunDetail } from './report/detail.js';
import type { CheckResult, RunDocument, StepResult } from './report/document.js';
import { createShared, type Shared } from './run/sharing.js';
import { searchShape, type FoundShape, type ShapeCosts } from './studies/search/search.js';
import { requestOf } from './run/request.js';
import { checkGroups, checkRun } from './run/refusals.js';
import { repeatedDetail, runDetail } from './run/run-detail.js';
import { fewerThan, runDocument, type Simulated } from './run/run-document.js';
import { sharedLinksOf } from './run/shared-links.js';
import { simulateWaferllm } from './run/simulate-waferllm.js';
import {
  addCounters,
  beginStep,
  computeStage,
  createStageRunner,
  reuseOf,
  runOn,
  runStage,
  timedStages,
  type StageRunner,
} from './run/stages.js';

export interface SimulateOptions {
  engine: EngineName;
  /** Worker threads. */
  shards: number;
  /** Where programs run, if several configurations share it; who created it closes it. */
  runner?: Runner;
  /** Cycles that one program (a stage of a token, or a line tried for it) may take; else LimitError. */
  maxCycles?: number | undefined;
  /** Whether equal regions are simulated once. */
  memo: boolean;
  onProgress?: ((progress: { done: number; total: number; what: string }) => void) | undefined;
  /** Ends the simulation within some milliseconds, by rejecting with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Hears of the last step core by core; without it none of that is collected. */
  onDetail?: ((detail: RunDetail) => void) | undefined;
  /** What runs that differ in the places of their regions alone have in common; they fill it. */
  shared?: Shared;
  /** Seconds from any fixed instant, and bytes of memory in use at most; for `host` only. */
  now: () => number;
  rss: () => number;
}

/**
 * Places the model of a configuration. Throws CapacityError if it does not fit, ConfigError if the
 * configuration asks for what no run can do (see refusals.ts).
 */
export function placementOf(config: ResolvedConfig, search: Search = {}): Placement {
  checkRun(config);
  const { model, wafer } = config;
  const request = requestOf(config);
  if (request.growth === 'search')
    throw new ConfigError(
      'placement.growth: expected fill or minimal, found search, which only run and compare do; ' +
        'give the rows, layerColumns and groups that they find',
    );
  const placement = place(model, wafer, request, search);
  checkGroups(config, placement);
  return placement;
}

/**
 * Simulates the decode steps of a configuration. Throws CapacityError if the model does not fit the
 * wafer, MachineError if the simulated machine fails.
 */
export async function simulate(
  given: ResolvedConfig,
  options: SimulateOptions,
): Promise<RunDocument> {
  return withRunner(options, (shared) => simulateOn(given, shared));
}

/** Options with a runner: the one that is given, or else one for as long as `work` takes. */
export async function withRunner<T>(
  options: SimulateOptions,
  work: (options: SimulateOptions & { runner: Runner }) => Promise<T>,
): Promise<T> {
  if (options.runner) return work({ ...options, runner: options.runner });
  const runner = createRunner(options);
  try {
    return await work({ ...options, runner });
  } finally {
    await runner.close();
  }
}

async function simulateOn(
  given: ResolvedConfig,
  options: SimulateOptions & { runner: Runner },
): Promise<RunDocument> {
  const begun = options.now();
  await options.runner.breathe();
  const { config, search } = await withShape(given, options);
  const placement = placementOf(config, {
    onProgress: (done, total) => options.onProgress?.({ done, total, what: 'placing' }),
  });
  const run = await simulatePlaced(config, placement, options);
  return {
    ...run,
    // What a search chose was not asked for, and may be another size on fewer wafers.
    placement: {
      ...run.placement,
      ...(search && { search, ...fewerThan(placement.wafers, given) }),
    },
    host: { ...run.host, wallSeconds: options.now() - begun },
  };
}

/**
 * With `growth: search` the configuration with the shape and the groups of the fastest token that the
 * search simulated, and what it found; any other configuration as it is.
 */
export async function withShape(
  config: ResolvedConfig,
  options: SimulateOptions,
): Promise<{ config: ResolvedConfig; search?: FoundShape }> {
  if (config.placement.growth !== 'search') return { config };
  // A model that does not fit is refused as without a search.
  placementOf({ ...config, placement: { ...config.placement, growth: 'fill' } });
  const search = await withRunner(options, (shared) =>
    searchShape(config, costOfShapes(config, shared)),
  );
  const { rows, layerColumns, groups } = search;
  const placement = { ...config.placement, growth: 'fill' as const, rows, layerColumns, groups };
  return { config: { ...config, placement }, search };
}

/** Simulates a configuration's last step, without numbers, with layers of given shapes. */
function costOfShapes(
  config: ResolvedConfig,
  options: SimulateOptions & { runner: Runner },
): ShapeCosts {
  const { model, wafer, workload } = config;
  const maxPositions = workload.context + workload.tokens;
  const last = { ...workload, context: maxPositions - 1, tokens: 1, data: false };
  const lines: LineCycles = new Map();
  const byLines = (regions: Pick<Region, 'kind' | 'width' | 'height'>[]) =>
    groupChooser(model, wafer, maxPositions, regions, options.runner, undefined, lines);
  return {
    async groupsOf({ rows, layerColumns }) {
      const layer = { kind: 'layer', height: rows, width: layerColumns } as const;
      return (await byLines([layer]))(layer);
    },
    cycles: async (shape, groups) => {
      const placement = { ...config.placement, growth: 'fill' as const, ...shape };
      const tried = { ...config, workload: last, placement };
      const placed = placementOf(tried);
      const others = await byLines(placed.regions.filter(({ kind }) => kind !== 'layer'));
      const groupsOf: GroupsOf = (region) => (region.kind === 'layer' ? groups : others(region));
      const shared = { ...createShared(), lines, groupsOf };
      const quiet = { ...options, shared, onDetail: undefined, onProgress: undefined };
      const { decode } = await simulatePlaced(tried, placed, quiet);
      return decode.cyclesPerToken;
    },
    onProgress: (done, total, what) => options.onProgress?.({ done, total, what }),
  };
}

/** The same where the placement is known. */
export async function simulatePlaced(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions,
): Promise<RunDocument> {
  const begun = options.now();
  const simulated = config.mapping === 'waferllm' ? simulateRepeated : simulateSteps;
  const run = await withRunner(options, (shared) => simulated(config, placement, shared));
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

/** The published mapping: every layer on one region. */
async function simulateRepeated(
  config: ResolvedConfig,
  placement: Placement,
  { runner, memo, onProgress, onDetail }: SimulateOptions & { runner: Runner },
): Promise<Simulated & { check?: CheckResult }> {
  const run = await simulateWaferllm(config, placement, { runner, memo }, (done, total) =>
    onProgress?.({ done, total, what: 'layer' }),
  );
  const { timing, counters, layer } = run;
  onDetail?.(repeatedDetail(placement, layer, timing, config.wafer, counters.linkWavelets[0]));
  return run;
}

/** The steps of the default mapping: every layer, the embedding and the head have their own region. */
export function simulateSteps(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions,
): Promise<Simulated & { check?: CheckResult }> {
  return withRunner(options, (shared) => simulateStepsOn(config, placement, shared));
}

async function simulateStepsOn(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions & { runner: Runner },
): Promise<Simulated & { check?: CheckResult }> {
  const { model, wafer, workload } = config;
  const maxPositions = workload.context + workload.tokens;
  const { memo, shared, runner: programs } = options;
  const { regions } = placement;
  await programs.expect(Math.max(...regions.map(({ width, height }) => width * height)));
  const { groups } = config.placement;
  const chooser = () =>
    groupChooser(model, wafer, maxPositions, regions, programs, groups, shared?.lines);
  const groupsOf = shared?.groupsOf ?? (await chooser());
  const chosen = chosenBy(model, placement, groupsOf);
  const numbers = workload.data ? createNumbers(config, placement, chosen) : undefined;
  let computes = numbers !== undefined;
  const runner = createStageRunner({ wafer, memo, shared, run: runOn(programs, wafer) });
  const steps: StepResult[] = [];
  let pipeline!: PipelineTiming & Pick<Simulated, 'sharedLinks'>;
  for (let step = 0; step < workload.tokens; step++) {
    const context = workload.context + step;
    const of = { context, maxPositions, users: workload.batch };
    const plan = planToken(model, wafer, placement, groupsOf, of);
    beginStep(runner, plan);
    const stages = await timedStages(runner, plan, programs);
    pipeline = await timeTokens(config, runner, plan, stages, options, step);
    if (numbers && computes) {
      // Times do not depend on numbers, so one pass of one user's token computes them.
      await passOnce(stages, plan.places.length, async (i, startAt) =>
        computeStage(runner, plan.stages[i], stages[i], startAt, numbers.images),
      );
      // After a choice that is no token there is nothing to compute with.
      computes = checkStep(config, placement, chosen, numbers);
    }
    const { cycles } = pipeline.timing;
    steps.push({ cycles, ...(numbers && computes && { token: numbers.token }) });
  }
  const check = numbers && checkResult(config, numbers.checks, 'wafer');
  const counters = { ...runner, reuse: reuseOf(runner) };
  return { counters, ...pipeline, steps, ...(check && { check }) };
}

/** Times one step of all users, and counts what it sent. */
async function timeTokens(
  { workload }: ResolvedConfig,
  runner: StageRunner,
  plan: TokenPlan,
  stages: TimedStage[],
  { runner: programs, onProgress, onDetail }: SimulateOptions & { runner: Runner },
  step: number,
): Promise<PipelineTiming & Pick<Simulated, 'sharedLinks'>> {
  const { length } = stages;
  let visits = 0;
  const run = async (i: number, startAt: Float64Array) => runStage(runner, plan.stages[i], startAt);
  const pipeline = await timePipeline(
    stages,
    plan.places.length,
    async (i, startAt) => {
      await programs.breathe();
      const done = step * length + Math.min(visits++, length - 1);
      onProgress?.({ done, total: workload.tokens * length, what: plan.stages[i].name });
      return run(i, startAt);
    },
    workload.batch,
  );
  for (const { stage, result, tokens } of pipeline.uses)
    addCounters(runner, plan.stages[stage], stages[stage], result, tokens);
  if (onDetail && step === workload.tokens - 1)
    onDetail(runDetail(runner, plan.stages, stages, pipeline));
  if (workload.batch === 1 || step < workload.tokens - 1) return pipeline;
  return { ...pipeline, sharedLinks: await sharedLinksOf(runner, plan.stages, stages, pipeline) };
}
