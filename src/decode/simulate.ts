/**
 * A run: placement, lowering, stages, tokens, document. Everything outside `host` of the document is a
 * function of the configuration alone.
 */
import type { ResolvedConfig } from '../config.js';
import type { Placement } from '../placement/placement.js';
import type { PlacementResult, RunDocument, StepResult } from '../report/document.js';
import { checkResult, checkStep, createNumbers, isToken } from './compute.js';
import { loweredOf } from './lowered.js';
import { hostOf, withRunner, type SimulateOptions } from './options.js';
import { runDocument, type Simulated } from './run-document.js';
import type { Runner } from './runner.js';
import { beginStep, createStageRunner, reuseOf, runOn, timedStages } from './stages.js';
import { computeToken, timeTokens, type TimedStep } from './step.js';

/**
 * Simulates the decode steps of a placed configuration.
 * @param placed what the finder of the placement (a search, say) adds to the document's `placement`
 * @throws CapacityError if there are not enough colours for the hand-offs, MachineError if the simulated
 *   machine fails
 */
export async function simulatePlaced(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions,
  {
    placed = {},
    begun = options.now(),
  }: { placed?: Partial<PlacementResult>; begun?: number } = {},
): Promise<RunDocument> {
  const run = await simulateSteps(config, placement, options);
  return runDocument(config, placement, run, { placed, host: hostOf(options, begun) });
}

/** The steps alone, without the document around them. */
export function simulateSteps(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions,
): Promise<Simulated> {
  return withRunner(options, (own) => stepsOf(config, placement, own));
}

async function stepsOf(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions & { runner: Runner },
): Promise<Simulated> {
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
      await computeToken(runner, plan, stages, numbers, context, programs);
      checkStep(numbers);
    }
    const chosen = numbers && isToken(numbers.token, model) && { token: numbers.token };
    steps.push({ cycles: timed.timing.cycles, ...chosen });
  }
  const check = numbers && checkResult(config, numbers.checks, numbers.memory.head);
  const counters = { ...runner, reuse: reuseOf(runner) };
  return { counters, ...timed, steps, ...(check && { check }) };
}
