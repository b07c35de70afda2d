/** What `wafersim run` says of decode steps. */
import * as z from 'zod';
import { costResult } from './cost.js';
import { identity } from './identity.js';
import { decodeResult, stepResult } from './decode.js';
import { placementResult } from './placement.js';
import { checkResult } from './check.js';
import { acceptanceResult } from './speculation.js';

export const fabricResult = z.strictObject({
  waveletHops: z.number(),
  peakLinkUtilization: z.number().describe('Wavelets over cycles of the busiest link, 0 to 1.'),
  routeHazards: z.number().exactOptional(),
});
export type FabricResult = z.infer<typeof fabricResult>;

export const linesResult = z
  .strictObject({
    lines: z.number(),
    distinct: z.number(),
    merged: z.number(),
    whole: z.number(),
    why: z.record(z.string(), z.number()),
  })
  .describe(
    'Lines of the stages that were simulated, as they would be if nothing had been known when the run began: how many there are, and how many differ; pairs of phases that were simulated as one, since lines of theirs met; stages that were simulated whole, and how many of them why.',
  );
export type LinesResult = z.infer<typeof linesResult>;

export const reuseResult = z
  .strictObject({
    simulated: z.array(z.strictObject({ region: z.string() })),
    reused: z.array(z.strictObject({ region: z.string(), as: z.string() })),
    lines: linesResult
      .exactOptional()
      .describe('Of a run by lines: the stages that were simulated, in all steps.'),
  })
  .describe("Which regions an engine ran and which took over another's result.");
export type ReuseResult = z.infer<typeof reuseResult>;

export const hostResult = z
  .strictObject({
    engine: z.string(),
    shards: z.number(),
    wallSeconds: z.number(),
    peakRssBytes: z.number(),
    engineCpuSeconds: z
      .number()
      .exactOptional()
      .describe(
        'Seconds of processor time of this process while the engine ran a program, of all its threads: also of runs that were simulated at the same time.',
      ),
    lines: z
      .strictObject({ simulated: z.number(), known: z.number() })
      .exactOptional()
      .describe(
        'Lines that were simulated, and lines whose result was known, from this run or from one before.',
      ),
    steps: z
      .strictObject({ simulated: z.number(), read: z.number() })
      .exactOptional()
      .describe(
        'Of a grid of steps: those that were simulated, and those that an earlier command had kept.',
      ),
  })
  .describe('The only part that depends on the machine the simulator runs on.');
export type HostResult = z.infer<typeof hostResult>;

export const sensitivity = z
  .strictObject({
    parameter: z.string().describe('Such as `hardware.fabric.hopCycles`.'),
    range: z.tuple([z.number(), z.number()]).describe('Where the truth may lie, in base units.'),
    tokensPerSecondPerUser: z
      .tuple([z.number(), z.number()])
      .describe('Lowest and highest at the ends of the range and at the value in use.'),
    speculativeTokensPerSecondPerUser: z
      .tuple([z.number(), z.number()])
      .exactOptional()
      .describe('The same with drafted tokens, where the run has them, of as many accepted ones.'),
    atEnds: z
      .tuple([z.number().nullable(), z.number().nullable()])
      .describe(
        'At the low and at the high end of `range`; null if the machine refuses, for the reason in `refused`.',
      ),
    refused: z.string().exactOptional(),
  })
  .describe('What one uncertain number of the hardware does.');
export type Sensitivity = z.infer<typeof sensitivity>;

export const sensitivityBand = z
  .strictObject({
    oneAtATime: z.tuple([z.number(), z.number()]),
    speculativeOneAtATime: z
      .tuple([z.number(), z.number()])
      .exactOptional()
      .describe('The same with drafted tokens, where the run has them.'),
    allAtOnce: z
      .tuple([z.number().nullable(), z.number().nullable()])
      .describe('All where each alone is slowest, and fastest; null if the machine refuses.'),
  })
  .describe('Lowest and highest tokens per second of one user over all uncertain numbers.');
export type SensitivityBand = z.infer<typeof sensitivityBand>;

export const runDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.run/1'),
  configHash: z
    .string()
    .describe('Over what the configuration says, however it is spelt and wherever its files lie.'),
  config: z.unknown().describe('The resolved configuration with every default.'),
  decode: decodeResult,
  steps: z.array(stepResult),
  text: z
    .string()
    .exactOptional()
    .describe('What the chosen tokens say, where the model has a tokenizer.'),
  placement: placementResult,
  fabric: fabricResult,
  reuse: reuseResult,
  skippedTensors: z
    .partialRecord(z.string(), z.number())
    .exactOptional()
    .describe('Tensors of the checkpoint that are no part of the model, by kind.'),
  check: checkResult.exactOptional(),
  acceptance: acceptanceResult
    .exactOptional()
    .describe(
      'With --acceptance: rounds of every number of tokens, and what acceptance makes of them.',
    ),
  sensitivity: z
    .array(sensitivity)
    .exactOptional()
    .describe(
      'With --sensitivity: the uncertain numbers of the hardware, and how far they move the result.',
    ),
  sensitivityBand: sensitivityBand.exactOptional(),
  cost: costResult
    .exactOptional()
    .describe(
      'Where prices are given: what tokens cost at `decode.tokensPerSecond`, or at the speed with drafted tokens.',
    ),
  host: hostResult,
});
/** A document; `wafersim schema run` prints its fields and what they are. */
export type RunDocument = z.infer<typeof runDocument>;
