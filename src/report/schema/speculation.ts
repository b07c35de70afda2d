/** Rounds of drafted tokens. */
import * as z from 'zod';

export const roundRows = z
  .strictObject({
    draft: z.number(),
    verify: z.number(),
    spacing: z.number(),
    comparison: z.number(),
    transport: z.number(),
    rollback: z.number(),
    others: z
      .number()
      .exactOptional()
      .describe(
        'With several users: how much longer a round takes because of the others, the longest of those that repeat.',
      ),
  })
  .describe(
    'What the cycles of a round are spent on, followed along its last token; simulated. `verify` is a plain token and `comparison` compares choices with drafts. `rollback` is the time that the first token takes to select the accepted memory, as far as it holds up the round, and `spacing` the time that the last token loses behind the others.',
  );
export type RoundRows = z.infer<typeof roundRows>;

export const roundResult = z
  .strictObject({
    ...roundRows.shape,
    drafted: z.number(),
    accepted: z.number(),
    cycles: z.number().describe("The rows' sum."),
  })
  .describe('A round: tokens that were drafted and accepted, its cycles, and what these are.');
export type RoundResult = z.infer<typeof roundResult>;

export const speculationResult = z
  .strictObject({
    draft: z
      .string()
      .describe('Who drafts: a model by its name, an MTP layer, or a look-up by the host.'),
    tokens: z.number().describe('Tokens that a round verifies, the certain one included.'),
    drafted: z.number().describe('Of all rounds, before the last one is cut to `workload.tokens`.'),
    accepted: z.number(),
    assumedAcceptance: z
      .union([z.number(), z.array(z.number()).readonly()])
      .exactOptional()
      .describe(
        'The chance of each drafted token, or of all, from which accepted ones were drawn; none where they were computed.',
      ),
    cyclesPerRound: z.number().describe('Mean of the rounds, as all here.'),
    tokensPerRound: z.number(),
    draftCycles: z.number(),
    verifyCycles: z
      .number()
      .describe(
        'From the last drafted token to the last choice compared: all that is neither draft nor transport.',
      ),
    breakdown: roundRows.describe('Adds up to `cyclesPerRound`.'),
    tokensPerSecondPerUser: z.number(),
    users: z
      .number()
      .exactOptional()
      .describe('With several users: how many, each with rounds like these.'),
    expected: z
      .strictObject({
        tokensPerRound: z.number(),
        cyclesPerRound: z.number(),
        tokensPerSecondPerUser: z.number(),
      })
      .exactOptional()
      .describe(
        'Of an assumed acceptance: what rounds give in the mean of all draws, and the speed with that.',
      ),
    rounds: z.array(roundResult),
  })
  .describe(
    'Decoding with drafted tokens. Cycles are simulated; how many tokens are accepted is assumed, or computed.',
  );
export type SpeculationResult = z.infer<typeof speculationResult>;

export const acceptanceResult = z
  .strictObject({
    chances: z
      .array(z.number())
      .describe('Chances of every drafted token, given that those before it are right.'),
    target: z
      .number()
      .exactOptional()
      .describe('Tokens per second of one user that are asked for, if any.'),
    cyclesPerAccepted: z
      .number()
      .exactOptional()
      .describe(
        "By how much each accepted token makes the next round longer: the model's own layer takes it once more.",
      ),
    rounds: z.array(
      z.strictObject({
        tokens: z.number().describe('Tokens verified.'),
        cyclesPerRound: z.number().describe('Where the round before accepted nothing.'),
        tokensPerSecondPerUser: z.array(z.number()).describe('By chance.'),
        needed: z
          .number()
          .nullable()
          .exactOptional()
          .describe('With a target: the chance that gives it; null where 1 is not enough.'),
      }),
    ),
  })
  .describe(
    "Rounds of the run's first token with more and more drafted ones: cycles are simulated, the chances are assumed, and a speed is what follows from both.",
  );
export type AcceptanceResult = z.infer<typeof acceptanceResult>;
