/** A draft model that computes: its own placement, programs and numbers, next to those of the model that verifies. */
import type { ResolvedConfig } from '../../config.js';
import type { Placement } from '../../placement/placement.js';
import { numbersOf, stepBeginner, type StepOf } from '../begin.js';
import { lookAhead, type weightsOf } from '../compute.js';
import { loweredOf } from '../lowered.js';
import { memoized } from '../memo.js';
import type { SimulateOptions } from '../options.js';
import { firstPosition, inFlightOf, roomOf } from '../positions.js';
import type { Runner } from '../runner.js';
import { createStageRunner, runOn } from '../stages.js';
import { modelDrafter, mtpDrafter, type Drafter } from './drafters.js';
import type { RoundRunner } from './verify.js';

/**
 * A drafter that has taken the prompt but for its last token, as the model that verifies has.
 * @param config the run's, with the model and the weights of the draft
 * @param placement the draft's own
 * @param weights read; read here if they are not given
 */
export async function createDraftModel(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions & { runner: Runner },
  weights?: ReturnType<typeof weightsOf>,
): Promise<Drafter> {
  const { prompt = [] } = config;
  const of = await roundRunnerOf(config, placement, options, weights);
  const drafter = modelDrafter(of);
  for (let position = 0; position < firstPosition(config) && prompt.length > 0; position++)
    await drafter.takePrompt(prompt[position], position);
  return drafter;
}

/**
 * A drafter by the model's own layer for the token after the next.
 * @param config the run's, with the layer as its model
 * @param hiddens of the model that verifies, after each position so far
 * @param weights the layer's
 */
export async function createMtpLayer(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions & { runner: Runner },
  hiddens: readonly Float64Array[],
  weights: ReturnType<typeof weightsOf>,
): Promise<Drafter> {
  // What it has in its cache it is given with hidden states.
  const { prompt: _, positions: __, ...rest } = config;
  const workload = { ...config.workload, context: 0, tokens: roomOf(config) };
  return mtpDrafter(
    await roundRunnerOf({ ...rest, workload }, placement, options, weights, roomOf(config)),
    hiddens,
  );
}

async function roundRunnerOf(
  config: ResolvedConfig,
  placement: Placement,
  { runner: programs, memo, shared }: SimulateOptions & { runner: Runner },
  weights: ReturnType<typeof weightsOf> | undefined,
  maxPositions = roomOf(config),
): Promise<RoundRunner> {
  const { wafer } = config;
  const most = inFlightOf(config);
  const lowered = await loweredOf(config, placement, maxPositions, programs, {
    ...(shared && { lines: shared.lines }),
  });
  const inFlight = { index: 0, of: most };
  const stepOf: StepOf = (context) => ({ context, maxPositions, users: 1, inFlight });
  const numbers = numbersOf(config, lowered, stepOf, weights);
  const { lines, stages } = memoized(memo);
  const runner = createStageRunner({ wafer, memo: stages, run: runOn(programs, wafer, lines) });
  const begin = stepBeginner(lowered, stepOf, runner, programs, () => {
    return { lookAhead: () => lookAhead(numbers) };
  });
  return { numbers, runner, programs, begin, most };
}
