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
import { modelDrafter, type Drafter } from './drafters.js';

/**
 * A drafter that has taken the prompt but for its last token, as the model that verifies has.
 * @param config the run's, with the model and the weights of the draft
 * @param placement the draft's own
 * @param weights read; read here if they are not given
 */
export async function createDraftModel(
  config: ResolvedConfig,
  placement: Placement,
  { runner: programs, memo, shared }: SimulateOptions & { runner: Runner },
  weights?: ReturnType<typeof weightsOf>,
): Promise<Drafter> {
  const { wafer, prompt = [] } = config;
  const most = inFlightOf(config);
  const maxPositions = roomOf(config);
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
  const drafter = modelDrafter({ numbers, runner, programs, begin, most });
  for (let position = 0; position < firstPosition(config) && prompt.length > 0; position++)
    await drafter.takePrompt(prompt[position], position);
  return drafter;
}
