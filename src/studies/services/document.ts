/** What `validate --services` says: every published speed of a service next to what is simulated for it. */
import * as z from 'zod';
import { identity } from '../../report/schema/identity.js';
import { hostResult } from '../../report/schema/run.js';

export const plainPrediction = z.strictObject({
  model: z.string().describe('The bundled model, its wafers and tokens in its cache.'),
  wafers: z.number(),
  context: z.number(),
  cyclesPerToken: z.number(),
  spacingCycles: z
    .number()
    .describe('Cycles between two tokens of any users with the layers full.'),
  tokensPerSecond: z.number().describe('Of one user.'),
});
export type PlainPrediction = z.infer<typeof plainPrediction>;

export const speculativePrediction = z.strictObject({
  draft: z.string().describe('Who drafts: an assumption, as drafts of services are not published.'),
  tokens: z.number().describe('Tokens that a round verifies at most.'),
  wafers: z.number().describe("With the draft's; and their clock."),
  clockHz: z.number(),
  cyclesPerRound: z
    .array(z.number())
    .describe(
      'Cycles of a round of one user, by the tokens that it verifies (1, 2, ...): simulated.',
    ),
  assumed: z
    .array(z.strictObject({ acceptance: z.number(), tokensPerSecond: z.number() }))
    .describe(
      'Tokens per second of one user at assumed chances of a drafted token, in rounds of as many as are fastest.',
    ),
});
export type SpeculativePrediction = z.infer<typeof speculativePrediction>;

export const serviceRow = z.strictObject({
  id: z.string().describe('Model, date and speed, such as `gpt-oss-120b/2026-05/2700`.'),
  model: z.string(),
  date: z.string(),
  kind: z.literal('hosted service'),
  unit: z.literal('tokens/s'),
  measured: z.number().describe('Tokens per second of one user, as published, and by whom.'),
  source: z.string(),
  grade: z.string(),
  system: z.string().nullable().describe('Whose machine it is; null: wafers.'),
  speculation: z
    .boolean()
    .nullable()
    .describe('Whether it decodes speculatively; null if nothing is said.'),
  published: z.strictObject({
    wafers: z
      .number()
      .nullable()
      .describe('What is known of its settings; null where nothing is said.'),
    weightBits: z.number().nullable(),
    context: z.number().nullable(),
  }),
  predicted: z
    .number()
    .nullable()
    .describe(
      'Plain decoding, simulated; null where nothing is simulated, and `refused` says why.',
    ),
  simulated: plainPrediction.exactOptional(),
  speculative: speculativePrediction
    .exactOptional()
    .describe('Rounds of the same model, where the service may decode so.'),
  acceptanceForPublished: z
    .number()
    .nullable()
    .exactOptional()
    .describe(
      'The least chance of a drafted token with which those rounds are as fast as was published; 0: it takes no drafts; null: 1 is not enough.',
    ),
  speedUp: z
    .number()
    .nullable()
    .describe(
      'measured / predicted (computed): what speculation would have to make of it, if nothing else did.',
    ),
  judged: z
    .boolean()
    .describe(
      'Whether all its settings are known, so that the prediction is of what was measured.',
    ),
  error: z
    .number()
    .nullable()
    .describe(
      '(predicted - measured) / measured, and whether it lies in `band`; null where it is not judged.',
    ),
  band: z.tuple([z.number(), z.number()]),
  passed: z.boolean().nullable(),
  remarks: z
    .array(z.string())
    .describe('What is assumed of its settings, and how the simulation differs from them.'),
  refused: z.string().exactOptional(),
  note: z.string().exactOptional(),
});
export type ServiceRow = z.infer<typeof serviceRow>;

export const servicesSummary = z.strictObject({
  measurements: z.number(),
  predicted: z.number().describe('Rows that something is simulated for, and rows that are judged.'),
  judged: z.number(),
  failed: z.array(z.string()).describe('Ids of the rows outside their bands.'),
});
export type ServicesSummary = z.infer<typeof servicesSummary>;

export const servicesDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.validate/1'),
  rows: z.array(serviceRow),
  summary: z.record(z.string(), servicesSummary),
  passed: z.boolean().describe('No row that is judged has failed.'),
  host: hostResult,
});
/** A document; `wafersim schema services` prints its fields and what they are. */
export type ServicesDocument = z.infer<typeof servicesDocument>;
