/** Where the drafted tokens of a run that computes come from. */
import { greedy, type PlainDecoder } from '../../model/plain/decoder.js';
import { checkDrafted, isToken } from '../compute.js';
import { computeToken } from '../step.js';
import type { RoundRunner } from './verify.js';

/** What is known when a round begins. */
export interface RoundStart {
  /** Position of the certain token, which is the last of these. */
  position: number;
  /** All tokens so far: of the prompt, and emitted ones. */
  tokens: readonly number[];
  /** Drafted tokens of the round before that were right. */
  accepted: number;
  /** Tokens to draft, at most. */
  count: number;
}

export interface Drafter {
  /** At most as many tokens as are asked for; none, if it has no guess. */
  draft(round: RoundStart): Promise<number[]>;
  /** Relative errors of its own logits so far, if a wafer computes them. */
  errors?: () => readonly number[];
}

/**
 * The host looks up where the last `n` tokens came before, the latest place first, and drafts what followed there;
 * nothing, if they are new.
 */
export function lookUp(tokens: readonly number[], n: number, count: number): number[] {
  const last = tokens.length - n;
  for (let at = last - 1; at >= 0; at--) {
    const isSame = tokens.slice(at, at + n).every((token, i) => token === tokens[last + i]);
    if (isSame) return tokens.slice(at + n, at + n + count);
  }
  return [];
}

export function ngramDrafter(n: number): Drafter {
  return {
    draft: async ({ tokens, count }) => lookUp(tokens, n, count),
  };
}

/**
 * Tokens that are right by chance: what the plain decoder would choose with a token's chance, given that those before
 * are right, and else another one.
 * @param plain the decoder of the model that verifies, which is left as it was
 * @param chances of the drafted tokens, one after the other
 * @param random numbers from 0 to 1
 */
export function seededDrafter(
  plain: PlainDecoder,
  vocab: number,
  chances: readonly number[],
  random: () => number,
): Drafter {
  return {
    async draft({ tokens, count }) {
      const back = plain.mark();
      const drafted: number[] = [];
      let last = tokens.at(-1)!;
      for (const chance of chances.slice(0, count)) {
        const right = greedy(plain.step(last));
        const isRight = random() < chance;
        const another = (right + 1 + Math.floor(random() * (vocab - 1))) % vocab;
        last = isRight ? right : another;
        drafted.push(last);
      }
      back();
      return drafted;
    },
  };
}

/**
 * Another model on the simulated wafer. Of each round it takes the certain token and every one that it drafts, its
 * last one too: if all are accepted, that one is before the next round's.
 */
export function modelDrafter({ numbers, runner, programs, begin, most }: RoundRunner): Drafter & {
  /** Takes a token of the prompt; the last one begins the first round. */
  takePrompt(token: number, position: number): Promise<void>;
} {
  const { plain } = numbers;
  /** What the plain decoder went back to, by the accepted count. */
  let marks: (() => void)[] = [];
  const take = async (position: number, index: number, accepted?: number) => {
    const inFlight = { index, of: most, drafts: true };
    const { plan, stages } = await begin(position + index, 0, inFlight);
    const inRound = { ...inFlight, accepted };
    await computeToken(runner, plan, stages, numbers, position + index, programs, inRound);
    return checkDrafted(numbers);
  };
  return {
    async takePrompt(token, position) {
      numbers.token = token;
      await take(position, 0, 0);
    },
    async draft({ position, tokens, accepted, count }) {
      marks[accepted]?.();
      marks = [];
      const drafted: number[] = [];
      numbers.token = tokens.at(-1)!;
      for (let index = 0; index <= count; index++) {
        const chosen = await take(position, index, index === 0 ? accepted : undefined);
        marks.push(plain.mark());
        if (!isToken(chosen, numbers)) break;
        drafted.push(chosen);
        numbers.token = chosen;
      }
      return drafted.slice(0, count);
    },
    errors: () => numbers.inPrompt,
  };
}
