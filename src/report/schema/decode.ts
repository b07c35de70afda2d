/** What a decode step takes. */
import * as z from 'zod';
import { breakdown, cyclesByCause, waitResult, pathEntry } from './cycles.js';
import { speculationResult } from './speculation.js';

export const stepResult = z
  .strictObject({ cycles: z.number(), token: z.number().exactOptional() })
  .describe('One decode step: its cycles and the token it chose, if the run computes.');
export type StepResult = z.infer<typeof stepResult>;

export const spread = z
  .strictObject({ mean: z.number(), least: z.number(), most: z.number() })
  .describe('Least, mean and most of some numbers.');
export type Spread = z.infer<typeof spread>;

export const routingResult = z
  .strictObject({
    source: z
      .enum(['uniform', 'skewed', 'trace', 'reference'])
      .describe(
        "Whose choices: drawn (`uniform`, `skewed`), lines of a file (`trace`), or the plain decoder's (`reference`).",
      ),
    tokens: z.number().describe('Tokens whose choices these are.'),
    largestLoad: spread.describe(
      "A token's largest number of experts in a strip, mean of its layers; and the least and most of any layer.",
    ),
    cyclesPerToken: spread
      .exactOptional()
      .describe('Of the last step with the choices of each of these tokens; of one user alone.'),
    tokensPerSecondPerUser: spread
      .exactOptional()
      .describe(
        'The mean is that of as many tokens as there are, one after the other: per mean of the cycles.',
      ),
    balancedCycles: z
      .number()
      .exactOptional()
      .describe(
        'With as even a number of chosen experts in all strips as can be; and the mean above it.',
      ),
    imbalanceCycles: z.number().exactOptional(),
  })
  .describe(
    'Of experts in strips, whose times depend on which are chosen; all cycles are simulated.',
  );
export type RoutingResult = z.infer<typeof routingResult>;

export const sharedLinksResult = z
  .strictObject({
    cycles: z
      .number()
      .describe(
        'Cycles of `cyclesPerToken` that come of pairs simulated as one program; negative if they gain.',
      ),
    cyclesAtMost: z
      .number()
      .describe('Cycles per token that the others cost at most, in addition.'),
    pairs: z.array(
      z.strictObject({
        handOff: z.string(),
        other: z.string().describe('Maybe the same stage, at work for the token before.'),
        links: z.number(),
        handOffWavelets: z.number().describe('Wavelets over these links, each time.'),
        otherWavelets: z.number(),
        meetings: z
          .number()
          .describe("How often one token's hand-off or work has part in it, at most."),
        simulated: z
          .boolean()
          .describe(
            'Whether both are simulated as one program each time that they meet: else the wait is not in the cycles.',
          ),
        cyclesAtMost: z
          .number()
          .describe(
            '0 if simulated; else `meetings` times the cycles that wavelets could wait, by a formula.',
          ),
      }),
    ),
  })
  .describe(
    "Where a hand-off of one token passes links that another token's stage uses, while both are at it. The two are simulated as one program, so that wavelets wait for each other. If such programs would be too large, none is, and what the pairs cost is in no other number. Without pairs the times prove that no wavelet can wait.",
  );
export type SharedLinksResult = z.infer<typeof sharedLinksResult>;

export const turnResult = z
  .strictObject({
    cycles: z.number(),
    waited: z
      .number()
      .describe(
        'Of these it waited for its turn: for room among the tokens in flight, or for others before it.',
      ),
    described: z
      .literal(true)
      .exactOptional()
      .describe('That all else in `decode` is of; of turns as long as each other the first.'),
  })
  .describe("A user's token, from its choice to the next one.");
export type TurnResult = z.infer<typeof turnResult>;

export const decodeResult = z.strictObject({
  cyclesPerToken: z.number().describe('Cycles of the last step; an integer.'),
  tokensPerSecondPerUser: z.number(),
  tokensPerSecond: z.number().describe('All users together.'),
  tpotMs: z.number(),
  perLayerCycles: z
    .array(z.number())
    .describe('One for each layer, of both of its regions where it has two.'),
  breakdown: breakdown.describe('Adds up to `cyclesPerToken`.'),
  coreCycles: cyclesByCause.describe('Adds up to `coresUsed` times `cyclesPerToken`.'),
  waits: z
    .array(waitResult)
    .exactOptional()
    .describe(
      'Operators in program order; adds up to `waitInput` and `waitOutput` of `coreCycles` together.',
    ),
  criticalPath: z
    .array(pathEntry)
    .exactOptional()
    .describe(
      "From cycle 0 to `cyclesPerToken`, each entry from where the one before ends: what the token's last cycle was for, back to its choice. Left out where it cannot be had, for the reason in `noCriticalPath`.",
    ),
  noCriticalPath: z.string().exactOptional(),
  specialShare: z
    .number()
    .describe('Share of `coreCycles.compute` spent in special functions (exp, SiLU, ...), 0 to 1.'),
  inFlight: z
    .number()
    .exactOptional()
    .describe(
      'Tokens in flight at once (those of other users wait for their turn), and the slowest stage.',
    ),
  bottleneck: z.string().exactOptional(),
  simulatedTokens: z
    .number()
    .exactOptional()
    .describe(
      'Tokens simulated until all cores and tokens were as they had been before, and how many tokens before that was; 0 if it was not found, so that the round is the last one simulated.',
    ),
  repeatsAfter: z.number().exactOptional(),
  turns: z
    .array(turnResult)
    .exactOptional()
    .describe(
      "Where users' turns are not all as long: those that repeat, in the order of their choices, or the last of each user.",
    ),
  sharedLinks: sharedLinksResult
    .exactOptional()
    .describe('With several users: where wavelets of two of them may want one link at a time.'),
  routing: routingResult.exactOptional().describe('Where experts lie in strips.'),
  speculation: speculationResult
    .exactOptional()
    .describe(
      'With `workload.speculation`: the speed with drafted tokens; all else here is plain decoding.',
    ),
});
export type DecodeResult = z.infer<typeof decodeResult>;
