/** What `wafersim capacity` says, as a schema of exactly its type. */
import * as z from 'zod';
import { costResult } from '../../report/schema/cost.js';
import { identity } from '../../report/schema/identity.js';
import { servingMetrics } from '../../report/schema/metrics.js';
import { schemaOf } from '../../report/schema/parts.js';
import { hostResult } from '../../report/schema/run.js';
import { gpuResult } from '../../report/schema/serving.js';
import type { CapacityDocument } from './table.js';

const capacityResult = z.strictObject({
  slos: z.array(z.string()),
  requestsPerSecond: z
    .strictObject({ meets: z.number(), breaks: z.number().nullable() })
    .describe(
      'Requests per second: highest rate known to meet the limits, lowest known to break them.',
    ),
  tried: z.number(),
  metrics: servingMetrics
    .nullable()
    .describe(
      'Metrics at the rate that meets the limits, of all models together; null if none does.',
    ),
  deployments: z
    .array(
      z.strictObject({ name: z.string(), share: z.number(), metrics: servingMetrics.nullable() }),
    )
    .exactOptional()
    .describe(
      'Of several models each: its part of the rate, and its own metrics at the rate that meets the limits.',
    ),
  cost: costResult
    .exactOptional()
    .describe('Where prices are given: what output tokens cost at that rate.'),
  gpus: z
    .array(z.strictObject({ ...gpuResult.shape, meets: z.boolean() }))
    .exactOptional()
    .describe(
      'The GPUs that the configuration compares with (`serving.gpus`), sent the same requests, and whether the limits hold.',
    ),
  skippedRows: z.number().describe('Rows of the trace that could not be used and were left out.'),
  notes: z.array(z.string()),
});

export const capacityDocument = schemaOf<CapacityDocument>()(
  z.strictObject({
    ...capacityResult.shape,
    ...identity.shape,
    schema: z.literal('wafersim.capacity/1'),
    configHash: z.string(),
    scenario: z.string(),
    host: hostResult,
  }),
);
