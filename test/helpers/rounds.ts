/** A model on the simulated wafer whose tokens come in rounds of drafted ones, next to plain greedy decoding. */
import type { ResolvedConfig } from '../../src/config.js';
import type { Speculation } from '../../src/config/speculation.js';
import { createNumbers, type Numbers } from '../../src/decode/compute.js';
import { createComputing } from '../../src/decode/computing.js';
import { stepBeginner, type StepOf } from '../../src/decode/begin.js';
import { loweredOf } from '../../src/decode/lowered.js';
import { placementOf } from '../../src/decode/place.js';
import { firstPosition, roomOf } from '../../src/decode/positions.js';
import { createRunner } from '../../src/decode/runner.js';
import { createDraftModel } from '../../src/decode/speculation/draft-model.js';
import { seededDrafter, type Drafter } from '../../src/decode/speculation/drafters.js';
import { createStageRunner, runOn } from '../../src/decode/stages.js';
import type { Weights } from '../../src/model/model-weights.js';
import { createPlainDecoder, greedy } from '../../src/model/plain/decoder.js';
import { seededRandom } from '../../src/numeric/random.js';
import { OPTIONS } from './options.js';

export interface Speaking {
  config: ResolvedConfig;
  weights: Weights;
}

/** What a run is to say: how many tokens, `verified` in a round. */
export interface Asked {
  prompt: readonly number[];
  tokens: number;
  verified: number;
  /** What the configuration says drafts; a look-up, if not given. */
  draft?: Speculation['draft'];
}

/** The tokens that follow a prompt, in double precision and one after the other. */
export function plainTokens({ config: { model }, weights }: Speaking, asked: Asked): number[] {
  const plain = createPlainDecoder(model, weights);
  let logits = new Float64Array();
  for (const token of asked.prompt) logits = plain.step(token) as typeof logits;
  return Array.from({ length: asked.tokens }, () => {
    const token = greedy(logits);
    logits = plain.step(token) as typeof logits;
    return token;
  });
}

/** The configuration of such a run. */
export function speculating({ config }: Speaking, asked: Asked): ResolvedConfig {
  const { prompt, tokens, verified, draft = { kind: 'ngram', n: 1 } } = asked;
  const speculation = { tokens: verified, acceptance: 'measured', draft } as const;
  const workload = { ...config.workload, context: 0, tokens, data: true, speculation };
  return { ...config, prompt, positions: prompt.length - 1 + tokens, workload, tokenizer: [] };
}

/** What drafts, given the numbers of the model that verifies. */
export type MakeDrafter = (numbers: Numbers) => Promise<Drafter>;

export const byChance =
  (chance: number, seed = 'drafts'): MakeDrafter =>
  async ({ plain, model }) =>
    seededDrafter(plain, model.vocab, Array(16).fill(chance), seededRandom(seed));

/** Another model, or the same one, that is asked for the same. */
export const byModel =
  (speaking: Speaking, asked: Asked): MakeDrafter =>
  async () => {
    const config = speculating(speaking, asked);
    const runner = createRunner(OPTIONS);
    const options = { ...OPTIONS, runner };
    const { weights } = speaking;
    return createDraftModel(config, placementOf(config), options, { weights });
  };

/** The rounds on the wafer, their tokens, and the verdict on their numbers. */
export async function roundsOf(speaking: Speaking, asked: Asked, drafterOf: MakeDrafter) {
  const config = speculating(speaking, asked);
  const runner = createRunner(OPTIONS);
  const maxPositions = roomOf(config);
  const lowered = await loweredOf(config, placementOf(config), maxPositions, runner);
  const inFlight = { index: 0, of: asked.verified };
  const stepOf: StepOf = (context) => ({ context, maxPositions, users: 1, inFlight });
  const numbers = createNumbers(
    config,
    (weights, caches) => lowered.images(stepOf(firstPosition(config)), weights, caches),
    { weights: speaking.weights },
  );
  const stages = createStageRunner({
    wafer: config.wafer,
    memo: true,
    run: runOn(runner, config.wafer),
  });
  const computing = createComputing(config, numbers, stages, { ...OPTIONS, runner });
  const begin = stepBeginner(lowered, stepOf, stages, runner, () => computing);
  await computing.takePrompt(begin);
  const rounds = await computing.takeRounds(begin, await drafterOf(numbers));
  const { check } = computing.result();
  return { rounds, tokens: rounds.flatMap(({ emitted }) => emitted), check };
}
