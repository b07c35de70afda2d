/**
 * Regression benchmarks: what `wafersim bench` measured, and how it differs from a baseline. A
 * baseline is such a document too. Later fields are added, never renamed.
 */
import * as z from 'zod';
import { identity } from '../../report/schema/identity.js';

export const benchMetric = z.strictObject({
  value: z.number(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
  kind: z
    .enum(['sim', 'host'])
    .describe('Simulated numbers follow from the configuration alone; those of the host do not.'),
});
export type BenchMetric = z.infer<typeof benchMetric>;

export const benchCase = z.strictObject({
  id: z.string(),
  configHash: z.string(),
  metrics: z.record(z.string(), benchMetric),
  breakdown: z
    .record(z.string(), z.number())
    .exactOptional()
    .describe('Cycles by operator, in program order: they say where a change comes from.'),
  failed: z
    .string()
    .exactOptional()
    .describe('Why the simulated machine failed; such a case has no metrics.'),
  host: z
    .strictObject({
      wallSeconds: z.number(),
      cpuSeconds: z.number().exactOptional(),
      referenceSeconds: z.number(),
    })
    .exactOptional()
    .describe(
      'Seconds that the case took, its processor time in all threads, and that of the reference loop.',
    ),
});
export type BenchCase = z.infer<typeof benchCase>;

export const benchHost = z
  .strictObject({
    name: z.string(),
    cpu: z.string(),
    cores: z.number(),
    platform: z.string(),
    node: z.string(),
  })
  .describe(
    'The machine that the simulator ran on; numbers of the host are compared on equal ones only.',
  );
export type BenchHost = z.infer<typeof benchHost>;

export const benchVerdict = z
  .enum(['regression', 'gone', 'worse', 'better', 'new'])
  .describe(
    '`regression`: worse by more than the tolerance. `gone`: in the baseline, and no longer measured; `new`: not in it. Regressions and what is gone fail, and any change of a simulated number if asked.',
  );
export type BenchVerdict = z.infer<typeof benchVerdict>;

export const benchDifference = z.strictObject({
  id: z.string(),
  metric: z.string().exactOptional().describe('Absent where a whole case is new or gone.'),
  unit: z.string().exactOptional(),
  kind: benchMetric.shape.kind.exactOptional(),
  before: z.number().exactOptional(),
  after: z.number().exactOptional(),
  change: z
    .number()
    .nullable()
    .exactOptional()
    .describe('after / before - 1; null where that is no number.'),
  verdict: benchVerdict,
  operators: z
    .array(z.strictObject({ operator: z.string(), before: z.number(), after: z.number() }))
    .exactOptional()
    .describe('Operators whose cycles changed most, of a metric that adds them up.'),
});
export type BenchDifference = z.infer<typeof benchDifference>;

export const benchComparison = z.strictObject({
  baseline: z.string(),
  versions: z
    .strictObject({ baseline: z.string().nullable(), current: z.string().nullable() })
    .describe(
      'Of wafersim that measured the baseline (null: it does not say), and that measured now.',
    ),
  compared: z.number().describe('Metrics that both have.'),
  host: z.string().describe('Whether numbers of the host were compared, and if not, why.'),
  differences: z.array(benchDifference).describe('Worst first.'),
  otherConfigurations: z
    .array(z.string())
    .describe('Cases whose configuration, hardware included, is another one than in the baseline.'),
  exact: z
    .boolean()
    .exactOptional()
    .describe('With --exact: a simulated number that is better, or new, fails as well.'),
  passed: z.boolean(),
});
export type BenchComparison = z.infer<typeof benchComparison>;

const partialIdentity = {
  version: identity.shape.version.exactOptional(),
  key: identity.shape.key.exactOptional(),
  files: identity.shape.files.exactOptional(),
};

export const benchDocument = z
  .strictObject({
    ...partialIdentity,
    schema: z.literal('wafersim.bench/1'),
    cases: z.array(benchCase),
    host: benchHost
      .exactOptional()
      .describe('Absent in a baseline that holds simulated numbers only.'),
    comparison: benchComparison.exactOptional(),
  })
  .describe('A baseline from before documents had an identity has none.');
/** A document; `wafersim schema bench` prints its fields and what they are. */
export type BenchDocument = z.infer<typeof benchDocument>;

/** The differences for which a comparison fails. */
export function failing({
  differences,
  exact,
}: Pick<BenchComparison, 'differences' | 'exact'>): BenchDifference[] {
  return differences.filter(({ verdict, kind }) => {
    if (verdict === 'regression' || verdict === 'gone') return true;
    return exact === true && kind !== 'host';
  });
}
