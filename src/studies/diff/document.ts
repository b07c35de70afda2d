/** What a comparison of engines says: the programs both ran and the first difference, if any. */
import * as z from 'zod';
import { identity } from '../../report/schema/identity.js';

export const difference = z
  .strictObject({
    what: z
      .string()
      .describe('The counter: `end`, `compute`, `linkWavelets`, `error`, `end of operation`, ...'),
    cycle: z
      .number()
      .describe('The cycle in which they differ or, if not `exact`, by which they have.'),
    exact: z.boolean(),
    core: z
      .strictObject({ x: z.number(), y: z.number() })
      .exactOptional()
      .describe(
        'The core, and which of its operations, or which label or link, where there is one.',
      ),
    where: z.string().exactOptional(),
    values: z
      .tuple([z.union([z.number(), z.string()]), z.union([z.number(), z.string()])])
      .describe('What the first and the second engine say.'),
  })
  .describe('One counter that two engines do not agree on.');
export type Difference = z.infer<typeof difference>;

export const foundDifference = z.strictObject({
  program: z.string(),
  engines: z.tuple([z.string(), z.string()]),
  first: difference,
  count: z
    .number()
    .describe(
      'How many counters differ at the end of the run, and some of them, the earliest ones first.',
    ),
  others: z.array(difference),
});
export type FoundDifference = z.infer<typeof foundDifference>;

export const diffDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.diff/1'),
  engines: z.array(z.string()),
  programs: z
    .array(
      z.strictObject({
        name: z.string(),
        cores: z.number(),
        cycles: z.number(),
        error: z.string().exactOptional(),
      }),
    )
    .describe('Programs that all engines ran, in order; `error` if all failed alike.'),
  difference: foundDifference.nullable(),
  config: z.unknown(),
});
/** A document; `wafersim schema diff` prints its fields and what they are. */
export type DiffDocument = z.infer<typeof diffDocument>;
