/**
 * Tokens that the simulated cores compute, asked for one by one: each conversation has a memory of all cores to
 * itself, and the programs of a step are the same for all. Their times are not asked for.
 */
import type { ResolvedConfig } from '../config.js';
import type { Step } from '../lowering/region.js';
import type { Placement } from '../placement/placement.js';
import { numbersOf, stepBeginner, type Lowered } from './begin.js';
import { weightsOf } from './compute.js';
import { createComputing } from './computing.js';
import { loweredOf } from './lowered.js';
import type { SimulateOptions } from './options.js';
import { createRunner, type Runner } from './runner.js';
import { createStageRunner, runOn } from './stages.js';

export interface Conversation {
  /** The next token; undefined if the cores choose none (their logits are no numbers). */
  next(): Promise<number | undefined>;
  /** Nothing more is computed; whoever waits for a token gets none. */
  close(): void;
}

export interface Conversations {
  /** @param prompt at least one token of the model; with the answer at most the positions that there is room for */
  begin(prompt: readonly number[]): Conversation;
  close(): Promise<void>;
}

/** What ends a conversation that nobody waits for. */
class Closed extends Error {}

/**
 * @param config with weights
 * @param positions that a conversation may come to
 */
export async function createConversations(
  config: ResolvedConfig,
  placement: Placement,
  positions: number,
  options: SimulateOptions,
): Promise<Conversations> {
  // Numbers are computed here; threads only run what is timed.
  const runner = createRunner({ ...options, shards: 1 });
  const lowered = await loweredOf(config, placement, positions, runner);
  const weights = weightsOf(config);
  return {
    begin: (prompt) =>
      conversation({ config, positions, runner, lowered, weights, options }, prompt),
    close: async () => runner.close(),
  };
}

interface Shared {
  config: ResolvedConfig;
  positions: number;
  runner: Runner;
  lowered: Lowered;
  weights: ReturnType<typeof weightsOf>;
  options: SimulateOptions;
}

function conversation(
  { config: given, positions, runner, lowered, weights, options }: Shared,
  prompt: readonly number[],
): Conversation {
  const { workload: asked, wafer } = given;
  const workload = { ...asked, context: 0, data: true };
  const config = { ...given, prompt, positions, workload, tokenizer: [] };
  let isClosed = false;
  const pause = async () => {
    if (isClosed) throw new Closed();
    await runner.pause();
  };
  const programs = { ...runner, pause };
  const stages = createStageRunner({ wafer, memo: true, run: runOn(programs, wafer) });
  const stepOf = (context: number): Step => ({ context, maxPositions: positions, users: 1 });
  const numbers = numbersOf(config, lowered, stepOf, weights);
  const { engine, shards, memo, now, rss } = options;
  const quiet = { engine, shards, memo, now, rss, runner: programs };
  const computing = createComputing(config, numbers, stages, quiet);
  const begin = stepBeginner(lowered, stepOf, stages, programs, () => computing);
  let position = prompt.length - 1;
  let last: Promise<unknown> | undefined;
  const compute = async () => {
    await (last ?? computing.takePrompt(begin));
    const token = await computing.step(await begin(position), position);
    position++;
    return token;
  };
  return {
    next() {
      const token = compute().catch((error: unknown) => {
        if (error instanceof Closed) return undefined;
        throw error;
      });
      last = token.catch(() => {});
      return token;
    },
    close() {
      isClosed = true;
    },
  };
}
