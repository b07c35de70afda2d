/**
 * A run: placement, lowering, stages, tokens, document. Everything outside `host` of the document is a
 * function of the configuration alone.
 */
import type { ResolvedConfig } from '../config.js';
import type { Step } from '../lowering/region.js';
import type { Placement } from '../placement/placement.js';
import type { PlacementResult, RunDocument, StepResult } from '../report/document.js';
import { createNumbers, type Numbers } from './compute.js';
import { createComputing } from './computing.js';
import { loweredOf } from './lowered.js';
import { firstPosition, roomOf } from './positions.js';
import { hostOf, spentSince, spentSoFar, withRunner, type SimulateOptions } from './options.js';
import { memoized } from './memo.js';
import { runDocument, type Simulated } from './run-document.js';
import type { Runner } from './runner.js';
import { beginStep, createStageRunner, reuseOf, runOn, timedStages } from './stages.js';
import { timeTokens, type TimedStep } from './step.js';

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
  const host = { ...hostOf(options, begun), ...run.spent };
  return runDocument(config, placement, run, { placed, host });
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
  const { wafer, workload } = config;
  const maxPositions = roomOf(config);
  const { shared, runner: programs } = options;
  const memo = memoized(options.memo);
  const before = spentSoFar(programs);
  const cores = placement.regions.map(({ width, height }) => width * height);
  // By lines nothing is left for threads, or so little that it can wait for them.
  if (memo.lines === undefined) await programs.expect(Math.max(...cores));
  const lowered = await loweredOf(config, placement, maxPositions, programs, shared);
  const { routing } = lowered;
  const stepOf = (context: number): Step => ({ context, maxPositions, users: workload.batch });
  const runner = createStageRunner({
    ...{ wafer, shared, memo: memo.stages },
    run: runOn(programs, wafer, memo.lines),
    made: programs.lines.made,
  });
  const computing = workload.data
    ? createComputing(config, numbersOf(config, lowered, stepOf), runner, options)
    : undefined;
  const begin = async (position: number, step = 0) => {
    const choice = routing && computing?.lookAhead();
    const slots = choice ? routing.slotsOf(choice) : routing?.slotsOfStep(step);
    const plan = lowered.plan({ ...stepOf(position), slots });
    beginStep(runner, plan);
    return { plan, stages: await timedStages(runner, plan, programs) };
  };
  await computing?.takePrompt(begin);
  const first = firstPosition(config);
  const steps: StepResult[] = [];
  let timed!: TimedStep;
  for (let step = 0, isLast = false; !isLast; step++) {
    const begun = await begin(first + step, step);
    const token = await computing?.step(begun, first + step);
    const stops = token !== undefined && workload.stop?.includes(token) === true;
    isLast = stops || step === workload.tokens - 1;
    timed = await timeTokens(config, runner, begun, options, { step, isLast });
    steps.push({ cycles: timed.timing.cycles, ...(token !== undefined && { token }) });
  }
  const counters = { ...runner, reuse: reuseOf(runner) };
  const spent = spentSince(programs, before);
  return { counters, ...timed, steps, ...computing?.result(), spent };
}

/** The numbers of a run before its first token. */
function numbersOf(
  config: ResolvedConfig,
  { images, routing }: Awaited<ReturnType<typeof loweredOf>>,
  stepOf: (context: number) => Step,
): Numbers {
  const step = stepOf(config.workload.context);
  const numbers = createNumbers(config, (weights, caches) => images(step, weights, caches));
  return routing ? { ...numbers, computes: routing.computes } : numbers;
}
