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

/** Takes a token at a position, and what it chooses; the first of a round with the accepted count. */
function taker({ numbers, runner, programs, begin, most }: RoundRunner) {
  return async (position: number, index: number, accepted?: number): Promise<number> => {
    const inFlight = { index, of: most, drafts: true };
    const { plan, stages } = await begin(position, 0, inFlight);
    const inRound = { ...inFlight, accepted };
    await computeToken(runner, plan, stages, numbers, position, programs, inRound);
    return checkDrafted(numbers);
  };
}

/**
 * Another model on the simulated wafer. Of each round it takes the certain token and every one that it drafts, its
 * last one too: if all are accepted, that one is before the next round's.
 */
export function modelDrafter(of: RoundRunner): Drafter & {
  /** Takes a token of the prompt; the last one begins the first round. */
  takePrompt(token: number, position: number): Promise<void>;
} {
  const { numbers } = of;
  const { plain } = numbers;
  const take = taker(of);
  /** What the plain decoder went back to, by the accepted count. */
  let marks: (() => void)[] = [];
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
        const chosen = await take(position + index, index, index === 0 ? accepted : undefined);
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

/**
 * The model's own layer for the token after the next, on the simulated wafer. It takes each token with the hidden state
 * of the position before; the certain one, and the accepted ones before it once more, with the model's true states. A
 * drafted token comes with the layer's own state, so that what it leaves is not kept.
 * @param hiddens the model's states after each position so far
 */
export function mtpDrafter(of: RoundRunner, hiddens: readonly Float64Array[]): Drafter {
  const { numbers } = of;
  const { plain, memory } = numbers;
  const take = taker(of);
  /** Where its cache begins, and up to which position it has taken true states; what it was like then. */
  let base: number | undefined;
  let taken = 0;
  let afterTrue = plain.mark();
  const join = (token: number, hidden: Float64Array, number?: number) => {
    numbers.token = token;
    numbers.hidden = hidden;
    memory.bring!(hidden, number);
  };
  return {
    async draft({ position, tokens, count }) {
      const drafted: number[] = [];
      if (count === 0) return drafted;
      const first = position + 1 - tokens.length;
      // Of tokens before those that are known, as of a context at random, it has nothing.
      if (base === undefined) taken = base = Math.max(0, first - 1);
      afterTrue();
      let chosen = NaN;
      for (; taken < position; taken++) {
        join(tokens[taken + 1 - first], hiddens[taken], taken % of.most);
        chosen = await take(taken - base, 0, 0);
      }
      afterTrue = plain.mark();
      for (let index = 1; isToken(chosen, numbers); index++) {
        drafted.push(chosen);
        if (index === count) break;
        join(chosen, memory.hidden!());
        chosen = await take(position - 1 - base + index, index);
      }
      return drafted;
    },
    errors: () => numbers.inPrompt,
  };
}
