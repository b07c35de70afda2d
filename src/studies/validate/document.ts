/** What a validation says: every measurement next to its prediction, and how far they are apart. */
import * as z from 'zod';
import { identity } from '../../report/schema/identity.js';

export const basis = z
  .enum(['fitted', 'out of sample'])
  .describe(
    'Whether a number of the cost table was chosen on this very case. What agrees there is a calibration; only out of sample does the simulator predict.',
  );
export type Basis = z.infer<typeof basis>;

export const validateRow = z.strictObject({
  id: z.string(),
  kernel: z.string(),
  system: z.string(),
  kind: z
    .string()
    .describe('hardware, vendor simulator or hosted service: never averaged together.'),
  cohort: z
    .string()
    .describe(
      'The machine, and where it was measured, such as `WSE-3 simulator`: never averaged together.',
    ),
  unit: z
    .enum(['cycles', 'tokens/s'])
    .describe('Of `measured` and `predicted`; tokens/s are those of one user.'),
  measured: z.number(),
  predicted: z
    .number()
    .nullable()
    .describe(
      'What is simulated; null if the simulator refuses what was measured, and `refused` says why.',
    ),
  basis: basis,
  fitted: z
    .array(z.string())
    .exactOptional()
    .describe('Numbers of the hardware file that were chosen on this row, with others perhaps.'),
  speculation: z
    .boolean()
    .nullable()
    .exactOptional()
    .describe('Of a service: whether it decodes speculatively; null if nothing is said.'),
  error: z
    .number()
    .nullable()
    .describe('(predicted - measured) / measured; null where the two are not of the same thing.'),
  band: z.tuple([z.number(), z.number()]).describe('Where `error` may lie.'),
  listed: z.boolean().describe('Whether the project ships this measurement.'),
  passed: z
    .boolean()
    .nullable()
    .describe(
      'Null for a service that is not simulated, or not as it was measured: nothing to judge.',
    ),
  source: z.string(),
  note: z.string().exactOptional(),
  refused: z.string().exactOptional(),
  remark: z
    .string()
    .exactOptional()
    .describe('What was simulated differs from what was measured, and in what.'),
});
export type ValidateRow = z.infer<typeof validateRow>;

export const errorSummary = z
  .strictObject({
    predicted: z.number().describe('Rows that are simulated as they were measured.'),
    meanAbsoluteError: z
      .number()
      .nullable()
      .describe("Of the signed errors' absolute values; null where nothing is simulated."),
    worst: z.strictObject({ id: z.string(), error: z.number() }).nullable(),
  })
  .describe('How far rows of one basis are off.');
export type ErrorSummary = z.infer<typeof errorSummary>;

export const validateSummary = z
  .strictObject({
    ...errorSummary.shape,
    measurements: z.number(),
    basis: z.union([basis, z.literal('both')]),
    calibration: errorSummary
      .exactOptional()
      .describe('Figures over fitted rows, and over the others; absent without any such row.'),
    outOfSample: errorSummary.exactOptional(),
    failed: z.array(z.string()).describe('Ids of the rows outside their bands.'),
  })
  .describe(
    'Its own figures are those of the only basis that its rows have, and null where they have both.',
  );
export type ValidateSummary = z.infer<typeof validateSummary>;

export const sweep = z
  .strictObject({
    cohort: z.string(),
    kernel: z.string(),
    source: z.string(),
    ids: z.array(z.string()),
    rankCorrelation: z
      .number()
      .nullable()
      .describe("Spearman's, of measured and predicted; null where all are equal."),
    inversions: z
      .number()
      .describe(
        'Pairs predicted the other way round than measured, of so many that were measured unequal.',
      ),
    pairs: z.number(),
  })
  .describe('What one source published of one kernel on one machine, as predictions rank it.');
export type Sweep = z.infer<typeof sweep>;

export const serviceScale = z
  .strictObject({
    fittedOn: z.string().describe('The only service that the constant is fitted on.'),
    constant: z.number(),
    rows: z
      .array(
        z.strictObject({ id: z.string(), predicted: z.number(), error: z.number(), basis: basis }),
      )
      .describe('Services that are judged.'),
    outOfSample: errorSummary,
  })
  .describe('Predictions of services times one constant.');
export type ServiceScale = z.infer<typeof serviceScale>;

export const limitRow = z.strictObject({
  kernel: z.string(),
  fitted: z
    .boolean()
    .describe(
      'Whether the cost table was fitted to some of the measurements that ship with the project.',
    ),
  listed: z
    .tuple([z.number(), z.number()])
    .describe('Bands of measurements that ship with the project, and of others.'),
  unlisted: z.tuple([z.number(), z.number()]),
  reason: z.string(),
});
export type LimitRow = z.infer<typeof limitRow>;

export const prefillNote = z
  .strictObject({
    id: z.string(),
    system: z.string(),
    promptTokens: z.number(),
    published: z.number().describe('Prompt tokens per second of one request.'),
    simulated: z.number(),
    source: z.string(),
    algorithm: z.string().describe('How the published one works.'),
  })
  .describe(
    'A published prefill next to a prompt that streams through the simulated layers; not judged.',
  );
export type PrefillNote = z.infer<typeof prefillNote>;

export const validateDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.validate/1'),
  rows: z.array(validateRow),
  summary: z
    .record(z.string(), validateSummary)
    .describe('By kind; where a kind has rows of several cohorts there are no figures of errors.'),
  cohorts: z
    .record(z.string(), validateSummary)
    .exactOptional()
    .describe('By cohort; this and the next two are absent in documents of earlier versions.'),
  sweeps: z.array(sweep).exactOptional(),
  serviceScale: serviceScale
    .exactOptional()
    .describe('Absent too without the service that its constant is fitted on.'),
  limits: z.array(limitRow),
  passed: z.boolean().describe('No row has failed.'),
  notes: z
    .array(prefillNote)
    .exactOptional()
    .describe(
      'Published figures that the simulator has no prediction of, next to what comes closest.',
    ),
});
/** A document; `wafersim schema validate` prints its fields and what they are. */
export type ValidateDocument = z.infer<typeof validateDocument>;
