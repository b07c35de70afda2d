/** The document of a sweep, `wafersim.sweep/1`. */
import * as z from 'zod';
import { identity } from '../../report/schema/identity.js';
import { schemaOf } from '../../report/schema/parts.js';
import type { AxisValue } from './point.js';
import { METRIC_NAMES, type MetricName, type PointResult } from './results.js';

const metricName = z.enum(METRIC_NAMES as [MetricName, ...MetricName[]]);

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const axisValue = schemaOf<AxisValue>()(z.union([scalar, z.array(scalar)]));

const pointResult = schemaOf<PointResult>()(
  z.strictObject({
    index: z.number(),
    key: z.string(),
    axes: z.record(z.string(), axisValue),
    status: z.enum([
      'ok',
      'check failed',
      'does not fit',
      'machine failed',
      'limit reached',
      'failed',
      'missing',
      'damaged',
    ]),
    exitCode: z
      .number()
      .nullable()
      .describe('As of a command that simulates this point alone; null if it has not run.'),
    message: z.string().nullable().describe('Why it has no run.'),
    metrics: z
      .partialRecord(metricName, z.number().nullable())
      .describe(
        'By the names that benchmarks and plans have for them; none where there is no run.',
      ),
    operators: z
      .record(z.string(), z.number())
      .exactOptional()
      .describe('Cycles of a token by operator, in program order; absent where there is no run.'),
  }),
);

export const sweepCounts = z.strictObject({
  points: z.number(),
  ok: z
    .number()
    .describe(
      'Points that have their run; those that do not fit, or on which the machine failed or a limit was reached.',
    ),
  refused: z.number(),
  failed: z.number().describe('Points that failed otherwise, and those that have not run.'),
  missing: z.number(),
});
export type SweepCounts = z.infer<typeof sweepCounts>;

export const sweepPareto = z.strictObject({
  x: metricName,
  y: metricName,
  front: z
    .array(z.number())
    .describe(
      'Points that no other point beats in one metric without being worse in the other, by `x`.',
    ),
});
export type SweepPareto = z.infer<typeof sweepPareto>;

export const sweepDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.sweep/1'),
  base: z
    .string()
    .describe(
      'The configuration that all points vary, as it was written, and settings of all points.',
    ),
  set: z.array(z.string()),
  axes: z.array(z.string()).describe('Paths that vary, in the order of the columns.'),
  counts: sweepCounts,
  pareto: sweepPareto,
  points: z.array(pointResult),
});
/** A document; `wafersim schema sweep-document` prints its fields and what they are. */
export type SweepDocument = z.infer<typeof sweepDocument>;
