/**
 * How many drafted tokens of a round are accepted: those before the first wrong one. A chance says how often a
 * drafted token is right if all before it are. The certain token comes with each round, so a round gives one token
 * more than it accepts.
 */

/** Draws how many are accepted: numbers of a seeded generator, from 0 to 1, one after the other until one is wrong. */
export function acceptedOf(random: () => number, chances: readonly number[]): number {
  const wrong = chances.findIndex((chance) => random() >= chance);
  return wrong < 0 ? chances.length : wrong;
}

/** Tokens that a round gives in the mean: 1 + a1 + a1 a2 + ... */
export function tokensPerRound(chances: readonly number[]): number {
  let [sum, all] = [1, 1];
  for (const chance of chances) {
    all *= chance;
    sum += all;
  }
  return sum;
}

/**
 * The chance, one for all drafted tokens, with which a round of `verified` tokens gives `tokens` in the mean; 0
 * where it needs none, undefined where 1 is not enough.
 */
export function acceptanceFor(tokens: number, verified: number): number | undefined {
  if (tokens > verified) return undefined;
  if (tokens <= 1) return 0;
  const given = (chance: number) => tokensPerRound(Array<number>(verified - 1).fill(chance));
  let [low, high] = [0, 1];
  // Halved until no number of double precision lies between.
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (given(middle) >= tokens) high = middle;
    else low = middle;
  }
}

/**
 * The least chance of a drafted token, one for all, with which a user waits at most so many cycles for a token in the
 * mean; 0 where it needs no drafts, null where 1 is not enough.
 * @param rounds cycles of rounds by the tokens that they verify, from 1 on; of 1 a plain token
 */
export function leastAcceptance(rounds: readonly number[], cycles: number): number | null {
  const chances = rounds.flatMap((round, i) => acceptanceFor(round / cycles, i + 1) ?? []);
  return chances.length === 0 ? null : Math.min(...chances);
}
