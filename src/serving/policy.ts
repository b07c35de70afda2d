/**
 * Scheduling: which waiting request starts next, and how many prompt tokens may pass the pipeline
 * between two tokens of the users that decode. All batch continuously: a user joins as soon as its
 * prompt is read, and leaves with its last token.
 */
import { chosenRound, type Round, type Rounds } from './rounds.js';
import type { StepTime } from './step-time.js';

export type PolicyName = 'fcfs' | 'latency-first' | 'batch-first';

/** The pipeline as a policy sees it. */
export interface Load {
  /** Users that decode, the sum of their contexts and the longest one. */
  users: number;
  /** Users that have started and do not decode yet, the one whose prompt is read included. */
  joining: number;
  contextSum: number;
  contextMax: number;
  stepTime: StepTime;
  /** Where tokens are drafted: the rounds of users that decode. */
  rounds?: Rounds | undefined;
}

export interface Policy {
  name: PolicyName;
  /** Whether a request that fits may start before an earlier one that does not. */
  overtakes: boolean;
  /** Whether a user whose context is `context` tokens long may join. */
  admits(load: Load, context: number): boolean;
  /** Prompt tokens, at least 1, of a prompt read up to `context`, between two tokens of a user. */
  promptTokens(load: Load, context: number): number;
}

export interface PolicyOptions {
  /** Users that may decode at once. */
  maxUsers: number;
  /** Prompt tokens between two tokens of a user (`fcfs`, and `batch-first` eight times as many). */
  promptTokens: number;
  /** Tokens per second and user that `latency-first` keeps, where it can. */
  floor: number;
}

/** With no user decoding, or none to protect, this many prompt tokens pass at a time. */
const UNHINDERED = 4096;

export const POLICIES: Record<PolicyName, (options: PolicyOptions) => Policy> = {
  /** First come, first served; prompts and decoding users share the pipeline in a fixed ratio. */
  fcfs: ({ maxUsers, promptTokens }) => ({
    name: 'fcfs',
    overtakes: false,
    admits: ({ users, joining }) => users + joining < maxUsers,
    promptTokens: () => promptTokens,
  }),
  /** A prompt gets what the decoding users leave; a user that would slow them below the floor has to wait. */
  'latency-first': ({ maxUsers, floor }) => {
    const limitNs = 1e9 / floor;
    return {
      name: 'latency-first',
      overtakes: false,
      admits: (load, context) => {
        const { users, joining } = load;
        if (users + joining === 0) return true;
        return users + joining < maxUsers && paceWith(load, joining + 1, 0, context) <= limitNs;
      },
      promptTokens: (load, context) => {
        // Users that have no first token yet will decode before this piece has entered.
        const coming = load.joining - 1;
        if (load.users + coming === 0) return UNHINDERED;
        const fine = (tokens: number) => paceWith(load, coming, tokens, context) <= limitNs;
        let most = 1;
        while (most < UNHINDERED && fine(2 * most)) most *= 2;
        for (let step = most >> 1; step > 0; step >>= 1) if (fine(most + step)) most += step;
        return most;
      },
    };
  },
  /** Prompts first, so that as many users as memory holds decode together. */
  'batch-first': ({ maxUsers, promptTokens }) => ({
    name: 'batch-first',
    overtakes: true,
    admits: ({ users, joining }) => users + joining < maxUsers,
    promptTokens: () => 8 * promptTokens,
  }),
};

/** Nanoseconds of a step with `more` tokens of this context in addition to the decoding users'. */
export function stepWith(load: Load, more: number, context: number): number {
  const batch = load.users + more;
  const mean = (load.contextSum + more * context) / batch;
  const max = Math.max(load.contextMax, context);
  return load.stepTime(batch, { mean, max, total: load.contextSum + context });
}

/**
 * The round of the decoding users, with so many more of them and tokens of a prompt, all of this context. Without
 * drafts it is a step: one token of each.
 */
export function roundWith(load: Load, users: number, prompt: number, context: number): Round {
  const { rounds } = load;
  const more = users + prompt;
  if (rounds === undefined) return { ns: stepWith(load, more, context), tokens: 1, emitted: 1 };
  const mean = (load.contextSum + more * context) / (load.users + more);
  const max = Math.max(load.contextMax, context);
  const contexts = { mean, max, total: load.contextSum + context };
  return chosenRound(rounds, load.users + users, prompt, contexts);
}

/** Nanoseconds between two tokens of a user in the mean, likewise. */
function paceWith(load: Load, users: number, prompt: number, context: number): number {
  const { ns, emitted } = roundWith(load, users, prompt, context);
  return ns / emitted;
}

/** The users that decode: how many, the sum of their contexts and the longest one, kept up to date. */
export interface DecodeLoad extends Load {
  /** Users by context. */
  byContext: Int32Array;
}

/** No user decodes yet; contexts are at most `maxContext`. */
export function createLoad(
  { stepTime, rounds }: Pick<Load, 'stepTime' | 'rounds'>,
  maxContext: number,
): DecodeLoad {
  return {
    users: 0,
    joining: 0,
    contextSum: 0,
    contextMax: 0,
    stepTime,
    rounds,
    byContext: new Int32Array(maxContext + 2),
  };
}

export function join(load: DecodeLoad, context: number): void {
  load.users++;
  load.contextSum += context;
  load.byContext[context]++;
  if (context > load.contextMax) load.contextMax = context;
}

/** A user's context grows by the tokens just made. */
export function grow(load: DecodeLoad, context: number, tokens: number): void {
  load.contextSum += tokens;
  load.byContext[context]--;
  load.byContext[context + tokens]++;
  // Those of other users that were longer still are.
  if (context + tokens > load.contextMax) load.contextMax = context + tokens;
}

export function leave(load: DecodeLoad, context: number): void {
  load.users--;
  load.contextSum -= context;
  load.byContext[context]--;
  while (load.contextMax > 0 && load.byContext[load.contextMax] === 0) load.contextMax--;
}
