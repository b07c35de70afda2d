/**
 * The way of the data: configuration, placement, stages, engine, timeline, document. Everything
 * outside `host` of the document is a function of the configuration alone.
 */
import { checkResult, checkStep, createNumbers, isToken, type Numbers } from './compute.js';
import type { ResolvedConfig } from '../config.js';
import { timePipeline } from './pipeline.js';
import { passOnce } from './ring.js';
import type { TimedStage } from './timeline.js';
import { timeTogether, type StepResults } from './together.js';
import type { EngineName } from '../engine/engines.js';
import { groupChooser, type LineCycles } from './groups.js';
import { loweredOf } from './lowered.js';
import { ConfigError } from '../config/errors.js';
import { createRunner, type Runner } from './runner.js';
import type { GroupsOf, StepPlan } from '../lowering/lowering.js';
import type { Search } from '../placement/pack.js';
import { place } from '../placement/place.js';
import type { Placement, Region } from '../placement/placement.js';
import type { RunDetail } from '../report/detail.js';
import type { CheckResult, RunDocument, StepResult } from '../report/document.js';
import { createShared, type Shared } from './sharing.js';
import { searchShape, type FoundShape, type ShapeCosts } from '../studies/search/search.js';
import { requestOf } from './request.js';
import { checkGroups, checkRun } from './refusals.js';
import { runDetail } from './run-detail.js';
import { fewerThan, runDocument, type Simulated } from './run-document.js';
import { sharedLinksOf } from './shared-links.js';
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
} from './stages.js';

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
  const { workload } = config;
  const maxPositions = workload.context + workload.tokens;
  const last = { ...workload, context: maxPositions - 1, tokens: 1, data: false };
  const lines: LineCycles = new Map();
  const byLines = (regions: Pick<Region, 'kind' | 'width' | 'height'>[]) =>
    groupChooser({ ...config, maxPositions }, regions, options.runner, undefined, lines);
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
  const run = await simulateSteps(config, placement, options);
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

/** The steps alone, without the document around them. */
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
  const cores = placement.regions.map(({ width, height }) => width * height);
  await programs.expect(Math.max(...cores));
  const lowered = await loweredOf(config, placement, maxPositions, programs, shared);
  const stepOf = (context: number) => ({ context, maxPositions, users: workload.batch });
  const numbers = workload.data
    ? createNumbers(config, (weights, caches) =>
        lowered.images(stepOf(workload.context), weights, caches),
      )
    : undefined;
  const runner = createStageRunner({ wafer, memo, shared, run: runOn(programs, wafer) });
  const steps: StepResult[] = [];
  let timed!: TimedStep;
  for (let step = 0; step < workload.tokens; step++) {
    const context = workload.context + step;
    const plan = lowered.plan(stepOf(context));
    beginStep(runner, plan);
    const stages = await timedStages(runner, plan, programs);
    timed = await timeTokens(config, runner, plan, stages, options, step);
    // After a choice that is no token there is nothing to compute with.
    if (numbers && isToken(numbers.token, model)) {
      await computeToken(runner, plan, stages, numbers, context);
      checkStep(numbers);
    }
    const chosen = numbers && isToken(numbers.token, model) && { token: numbers.token };
    steps.push({ cycles: timed.timing.cycles, ...chosen });
  }
  const check = numbers && checkResult(config, numbers.checks, numbers.memory.head);
  const counters = { ...runner, reuse: reuseOf(runner) };
  return { counters, ...timed, steps, ...(check && { check }) };
}

/** Computes one user's token; times do not depend on numbers, so one pass of all stages does. */
async function computeToken(
  runner: StageRunner,
  { stages: plans, places, together }: StepPlan,
  stages: TimedStage[],
  { memory, token }: Numbers,
  position: number,
): Promise<void> {
  const compute = async (i: number, startAt?: Float64Array) => {
    memory.enter?.(i, position);
    const result = await computeStage(runner, plans[i], stages[i], startAt, memory.images);
    memory.leave?.(i);
    return result;
  };
  memory.begin(token);
  if (!together) return passOnce(stages, places.length, compute);
  for (const i of stages.keys()) {
    await compute(i);
    // On one region every layer was simulated, with its own numbers.
    runner.simulated.add(plans[i].name);
  }
}

/** What a step's tokens took, and where users share regions. */
type TimedStep = StepResults &
  Pick<Simulated, 'inFlight' | 'bottleneck' | 'simulatedTokens' | 'repeatsAfter' | 'sharedLinks'>;

/** Times one step of all users, and counts what it sent. */
async function timeTokens(
  { workload }: ResolvedConfig,
  runner: StageRunner,
  plan: StepPlan,
  stages: TimedStage[],
  { runner: programs, onProgress, onDetail }: SimulateOptions & { runner: Runner },
  step: number,
): Promise<TimedStep> {
  const { length } = stages;
  let visits = 0;
  const run = async (i: number, startAt?: Float64Array) => {
    await programs.breathe();
    const done = step * length + Math.min(visits++, length - 1);
    onProgress?.({ done, total: workload.tokens * length, what: plan.stages[i].name });
    return runStage(runner, plan.stages[i], startAt);
  };
  const isLast = step === workload.tokens - 1;
  const pipeline = plan.together
    ? undefined
    : await timePipeline(stages, plan.places.length, run, workload.batch);
  const timed: TimedStep = pipeline ?? (await timeTogether(stages, run));
  for (const { stage, result, tokens } of timed.uses)
    addCounters(runner, plan.stages[stage], stages[stage], result, tokens);
  if (onDetail && isLast) onDetail(runDetail(runner, plan.stages, stages, timed));
  if (pipeline === undefined || workload.batch === 1 || !isLast) return timed;
  return { ...timed, sharedLinks: await sharedLinksOf(runner, plan.stages, stages, pipeline) };
}
