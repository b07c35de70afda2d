/**
 * The tokens of a run that computes: those of a prompt, whose times are not asked for, and one more with each
 * step; and the text, the logits and the check that listeners receive.
 */
import { readTokenizer, textAfter } from '../checkpoint/tokenizer.js';
import type { ResolvedConfig } from '../config.js';
import type { ChosenExperts } from '../model/plain/decoder.js';
import type { Step } from '../lowering/region.js';
import type { StepPlan } from '../lowering/lowering.js';
import { checkPromptToken, checkResult, checkStep, isToken, lookAhead } from './compute.js';
import type { Numbers } from './compute.js';
import type { SimulateOptions } from './options.js';
import { firstPosition, inFlightOf } from './positions.js';
import type { Drafter } from './speculation/drafters.js';
import { verifyRound, type Begin, type ComputedRound } from './speculation/verify.js';
import type { Simulated } from './run-document.js';
import type { Runner } from './runner.js';
import type { StageRunner } from './stages.js';
import { computeToken } from './step.js';
import type { StageTiming } from './timeline.js';

/** A step's stages, written but not timed. */
export interface Begun {
  step: Step;
  plan: StepPlan;
  stages: StageTiming[];
}

export interface Computing {
  /** Takes all tokens of the prompt but the last one, with which the first step begins. */
  takePrompt(begin: Begin): Promise<void>;
  /** The experts that the plain decoder chooses for the next token, before it is computed; none of what is no token. */
  lookAhead(): ChosenExperts | undefined;
  /** Computes a step: the token that it chooses, none if that is no token. */
  step(begun: Begun, position: number): Promise<number | undefined>;
  /**
   * Computes rounds of drafted tokens until as many tokens have come out as the run is to give, or one that ends it, or
   * a choice is no token. The drafter has what the prompt took.
   */
  takeRounds(begin: Begin, drafter: Drafter): Promise<ComputedRound[]>;
  /** What it chose for the tokens so far. */
  choices(): readonly ChosenExperts[];
  result(): Pick<Simulated, 'check' | 'text' | 'skipped'>;
}

export function createComputing(
  config: ResolvedConfig,
  numbers: Numbers,
  runner: StageRunner,
  options: SimulateOptions & { runner: Runner },
): Computing {
  const { prompt = [], tokenizer: files } = config;
  const { runner: programs, onProgress, onLogits, onText } = options;
  const tokenizer = files.length > 0 ? readTokenizer(files) : undefined;
  const chosen: number[] = [];
  const choices: ChosenExperts[] = [];
  const textOf = () => tokenizer && textAfter(tokenizer, [...prompt, ...chosen], prompt.length);
  const most = inFlightOf(config);
  /** A token that no other follows before it is accepted. */
  const alone = most > 1 ? { index: 0, of: most, tokens: 1 } : undefined;
  if (config.workload.speculation?.draft.kind === 'mtp')
    numbers.hiddens ??= [...numbers.plain.hiddens];
  let shown = '';
  let ofDraft: Drafter['errors'];

  /** What is new of the text, but for the beginning of a character whose rest is still to come. */
  function tell(): void {
    const text = onText && textOf();
    if (text === undefined || text.endsWith('\uFFFD') || !text.startsWith(shown)) return;
    onText!(text.slice(shown.length));
    shown = text;
  }

  return {
    async takePrompt(begin) {
      const total = prompt.length - 1;
      for (let position = 0; position < total; position++) {
        onProgress?.({ done: position, total, what: 'prompt' });
        const { plan, stages } = await begin(position, 0, alone);
        await computeToken(runner, plan, stages, numbers, position, programs, alone);
        checkPromptToken(numbers, prompt[position + 1], onLogits);
      }
    },
    async takeRounds(begin, drafter) {
      const { tokens: wanted, stop } = config.workload;
      const of = { numbers, runner, programs, begin, most, onLogits };
      ofDraft = drafter.errors;
      const from = prompt.length > 0 ? prompt : [numbers.token];
      const rounds: ComputedRound[] = [];
      let position = firstPosition(config);
      const upTo = (emitted: readonly number[]) => {
        const end = emitted.findIndex((token) => stop?.includes(token));
        return Math.min(wanted - chosen.length, end < 0 ? emitted.length : end + 1);
      };
      let ended = false;
      while (chosen.length < wanted && !ended) {
        const accepted = rounds.at(-1)?.accepted ?? 0;
        const tokens = [...from, ...chosen];
        // None beyond the last position that the model knows.
        const count = Math.min(most, numbers.model.maxContext - position) - 1;
        const drafted = await drafter.draft({ position, tokens, accepted, count });
        const before = choices.length;
        const round = await verifyRound(of, position, drafted, upTo);
        if (round === undefined) break;
        choices.splice(before, Infinity, ...round.experts.filter((of) => of !== undefined));
        rounds.push(round);
        position += round.accepted + 1;
        chosen.push(...round.emitted);
        tell();
        ended = round.emitted.length <= round.accepted || stop?.includes(chosen.at(-1)!) === true;
      }
      return rounds;
    },
    lookAhead() {
      const choice = lookAhead(numbers);
      if (choice) choices.push(choice);
      return choice;
    },
    choices: () => choices,
    async step({ plan, stages }, position) {
      // After a choice that is no token there is nothing to compute with.
      if (!isToken(numbers.token, numbers)) return undefined;
      await computeToken(runner, plan, stages, numbers, position, programs);
      checkStep(numbers, onLogits);
      if (!isToken(numbers.token, numbers)) return undefined;
      chosen.push(numbers.token);
      tell();
      return numbers.token;
    },
    result() {
      const { checks, routing, selecting, memory, skipped, rounded } = numbers;
      const others = [...numbers.inPrompt, ...(numbers.rejected ?? []), ...(ofDraft?.() ?? [])];
      const text = textOf();
      return {
        check: checkResult(config, checks, memory.head, others, routing, rounded, selecting),
        ...(text !== undefined && { text }),
        ...(skipped && Object.keys(skipped).length > 0 && { skipped }),
      };
    },
  };
}
