/** What a simulation rests on: its rules, every number of the hardware, and what it leaves out. */
import * as z from 'zod';
import { identity } from '../../report/schema/identity.js';

export const assumption = z.strictObject({
  about: z.enum(['fabric', 'core', 'mapping', 'serving', 'cost']),
  text: z.string(),
  grade: z.enum(['A', 'B', 'C', 'D', 'assumed']).describe('`assumed`: no source has published it.'),
  source: z.string(),
});
export type Assumption = z.infer<typeof assumption>;

export const hardwareNumber = z.strictObject({
  path: z.string().describe('Path in the hardware file; `--set hardware.<path>=...` changes it.'),
  value: z.union([z.number(), z.string()]).describe('In base units: cycles, bytes, Hz, W.'),
  range: z.tuple([z.number(), z.number()]).exactOptional(),
  grade: z.enum(['A', 'B', 'C', 'D']).exactOptional(),
  assumed: z.literal(true).exactOptional(),
  source: z.string(),
});
export type HardwareNumber = z.infer<typeof hardwareNumber>;

export const omission = z.strictObject({
  what: z.string(),
  effect: z.string().describe('What it does to the results.'),
});
export type Omission = z.infer<typeof omission>;

export const explainDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.explain/1'),
  wafer: z.string().describe("The wafer's and the model's name."),
  model: z.string(),
  assumptions: z.array(assumption),
  numbers: z.array(hardwareNumber),
  notModelled: z.array(omission),
});
export type ExplainDocument = z.infer<typeof explainDocument>;
