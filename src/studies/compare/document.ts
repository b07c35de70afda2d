/** Several runs of one workload side by side: `wafersim compare`. Later fields are added, never renamed. */
import * as z from 'zod';
import { speculationResult } from '../../report/schema/speculation.js';
import { routingResult } from '../../report/schema/decode.js';
import { identity } from '../../report/schema/identity.js';
import { placementResult } from '../../report/schema/placement.js';
import { anyRun } from '../../report/schema/serving.js';
import { COMPARED } from '../../report/metrics.js';

export const servedRow = z
  .strictObject({
    scenario: z.string().describe('Its name; empty if the configuration has none.'),
    arrived: z.number(),
    completed: z.number(),
    outputSpeedP50: z
      .number()
      .nullable()
      .describe('Tokens per second of one user, and of all together.'),
    outputThroughput: z.number(),
    requestGoodput: z.number(),
    ttftMs: z.strictObject({ p50: z.number().nullable(), p99: z.number().nullable() }),
    tpotMs: z.strictObject({ p50: z.number().nullable(), p99: z.number().nullable() }),
    e2elMs: z.strictObject({ p50: z.number().nullable(), p99: z.number().nullable() }),
    joulesPerOutputToken: z.number().nullable(),
  })
  .describe('A scenario in a few numbers; null where no request has one.');
export type ServedRow = z.infer<typeof servedRow>;

const compared = Object.fromEntries(COMPARED.map((name) => [name, z.number()])) as Record<
  (typeof COMPARED)[number],
  z.ZodNumber
>;

export const compareRow = z
  .strictObject({
    ...compared,
    name: z.string().describe('The strategy, or the path of the run or its configuration.'),
    version: z
      .string()
      .nullable()
      .describe('Of wafersim that simulated it; null for a run from before documents said so.'),
    differenceCycles: z.number().describe('Against the first run; below zero is faster.'),
    defects: placementResult.shape.defects
      .unwrap()
      .exactOptional()
      .describe('With dead cores: how many, and the hops of the longest link past some.'),
    routing: routingResult
      .exactOptional()
      .describe(
        'Where its experts lie in strips: with which choices, and what each of them takes.',
      ),
    speculation: speculationResult
      .exactOptional()
      .describe('With drafted tokens; the numbers above are those of plain decoding.'),
    estimate: placementResult.shape.estimate
      .unwrap()
      .exactOptional()
      .describe(
        'What the strategy weighed, and the least that any layout was proved to cost by it.',
      ),
    served: z
      .array(servedRow)
      .exactOptional()
      .describe(
        "What it served, by scenario; absent if it served nothing. The numbers above are a step's own.",
      ),
    sameFloorPlanAs: z
      .string()
      .exactOptional()
      .describe('Name of the first run with the same regions at the same places.'),
  })
  .describe('A run in a few numbers: its metrics, and what they say of it next to the others.');
export type CompareRow = z.infer<typeof compareRow>;

export const compareDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.compare/1'),
  runs: z.array(anyRun),
  rows: z.array(compareRow).describe('One per run, in their order.'),
  settings: z
    .array(z.strictObject({ path: z.string(), values: z.array(z.unknown()) }))
    .describe(
      'What the configurations say differently of the hardware, the placement and the rest.',
    ),
});
/** A document; `wafersim schema compare` prints its fields and what they are. */
export type CompareDocument = z.infer<typeof compareDocument>;
