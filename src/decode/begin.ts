/** How a step begins, whether it is timed or only computed: its experts chosen, its stages planned and written. */
import type { ResolvedConfig } from '../config.js';
import type { InFlight } from '../lowering/in-flight.js';
import type { Step } from '../lowering/region.js';
import { createNumbers, type Numbers } from './compute.js';
import type { Begun, Computing } from './computing.js';
import type { loweredOf } from './lowered.js';
import type { Runner } from './runner.js';
import { beginStep, timedStages, type StageRunner } from './stages.js';

export type Lowered = Awaited<ReturnType<typeof loweredOf>>;

/** A step with so many tokens in the cache. */
export type StepOf = (context: number) => Step;

/** The numbers of a run before its first token. @param weights read; read here if they are not given */
export function numbersOf(
  config: ResolvedConfig,
  { images, routing }: Lowered,
  stepOf: StepOf,
  weights?: Parameters<typeof createNumbers>[2],
): Numbers {
  const step = stepOf(config.workload.context);
  const numbers = createNumbers(config, (all, caches) => images(step, all, caches), weights);
  return routing ? { ...numbers, computes: routing.computes } : numbers;
}

/**
 * A function that begins a step at a position.
 * @param computing what computes the run's numbers, if something does: where experts lie in strips it looks ahead
 */
export function stepBeginner(
  { plan: planOf, routing }: Lowered,
  stepOf: StepOf,
  stages: StageRunner,
  programs: Pick<Runner, 'pause'>,
  computing: () => Pick<Computing, 'lookAhead'> | undefined,
): (position: number, step?: number, inFlight?: InFlight) => Promise<Begun> {
  return async (position, step = 0, inFlight) => {
    const choice = routing && computing()?.lookAhead();
    const slots = choice ? routing.slotsOf(choice) : routing?.slotsOfStep(step);
    const of: Step = { ...stepOf(position), slots, ...(inFlight && { inFlight }) };
    const plan = planOf(of);
    beginStep(stages, plan);
    return { step: of, plan, stages: await timedStages(stages, plan, programs) };
  };
}
