/**
 * Rounds of speculative decoding as a server sees them: several tokens of a user in flight at once, of which those up
 * to the first wrong guess are emitted together. How long a round takes is simulated; how often a guess is right is
 * an assumption, drawn from a seed.
 */
import { acceptedOf, tokensPerRound } from '../numeric/acceptance.js';
import { seededRandom } from '../numeric/random.js';
import { checkGrid, interpolate, type Contexts, type StepGrid } from './step-time.js';

/** Always as many tokens, or as many as give the users most tokens per second at the load. */
export type RoundPolicy = 'fixed' | 'by-load';

export interface Rounds {
  /** Tokens that a round verifies at most: one certain, the others drafted. */
  tokens: number;
  /** Of each drafted token the chance that it is right, given that those before it are. */
  chances: readonly number[];
  policy: RoundPolicy;
  seed: string;
  roundTime: RoundTime;
}

/**
 * Nanoseconds, an integer, of a round of `users` users who verify `tokens` tokens each, while so many tokens of a
 * prompt pass among them.
 */
export type RoundTime = (
  users: number,
  tokens: number,
  prompt: number,
  contexts: Contexts,
) => number;

/** Simulated rounds. */
export interface RoundGrid extends StepGrid {
  /** Nanoseconds of a round of one user alone, by tokens that it verifies (1, 2, ...), by context. */
  roundNs: number[][];
  /** Nanoseconds between two tokens of any users in the layers of the draft, by context; 0 without a model that drafts. */
  draftIntervalNs: number[];
}

/**
 * Interpolates linearly between contexts. A round lasts as long as that of the longest context by itself, or as
 * long as all tokens take to pass the busiest region of the model or of its draft, which takes the same tokens.
 * @throws RangeError unless contexts ascend and each has all its times
 */
export function roundTimeOf(grid: RoundGrid): RoundTime {
  const { contexts, intervalNs, roundNs, draftIntervalNs } = grid;
  checkGrid(grid);
  const lists = [...roundNs, draftIntervalNs];
  if (lists.some((list) => list.length !== contexts.length))
    throw new RangeError(`expected a time of every round for each of ${contexts.length} contexts`);
  const points = Float64Array.from(contexts);
  const alone = roundNs.map((list) => Float64Array.from(list));
  const interval = Float64Array.from(intervalNs);
  const draft = Float64Array.from(draftIntervalNs);
  return (users, tokens, prompt, { mean, max }) => {
    const slowest = Math.max(interpolate(points, interval, mean), interpolate(points, draft, mean));
    const round = interpolate(points, alone[tokens - 1], max);
    return Math.round(Math.max(round, (users * tokens + prompt) * slowest));
  };
}

/** How long a round takes, how many tokens it verifies, and how many it emits in the mean. */
export interface Round {
  ns: number;
  tokens: number;
  emitted: number;
}

/** The round that the policy takes at a load. */
export function chosenRound(
  { tokens: most, chances, policy, roundTime }: Rounds,
  users: number,
  prompt: number,
  contexts: Contexts,
): Round {
  const of = (tokens: number): Round => ({
    ns: roundTime(users, tokens, prompt, contexts),
    tokens,
    emitted: tokensPerRound(chances.slice(0, tokens - 1)),
  });
  // Where nobody decodes a prompt alone passes.
  if (users === 0) return of(1);
  if (policy === 'fixed') return of(most);
  let best = of(1);
  for (let tokens = 2; tokens <= most; tokens++) {
    const round = of(tokens);
    if (round.emitted / round.ns > best.emitted / best.ns) best = round;
  }
  return best;
}

/** What rounds came to, of those that have ended. */
export interface RoundCounts {
  rounds: number;
  /** Tokens that were drafted, and of them those that were accepted, before the last round of an answer is cut. */
  drafted: number;
  accepted: number;
  /** Tokens that were emitted by rounds. */
  emitted: number;
}

export function noRounds(): RoundCounts {
  return { rounds: 0, drafted: 0, accepted: 0, emitted: 0 };
}

/** The numbers from which a request's accepted tokens are drawn: its own, however requests lie in time. */
export function drawsOf({ seed }: Rounds, number: number): () => number {
  return seededRandom(`accepted ${seed} ${number}`);
}

/** Drafted tokens of a round that are accepted. */
export function drawAccepted(
  random: () => number,
  { chances }: Rounds,
  { tokens }: Pick<Round, 'tokens'>,
): number {
  return acceptedOf(random, chances.slice(0, tokens - 1));
}
