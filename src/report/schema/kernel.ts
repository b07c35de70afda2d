/** What `wafersim kernel` says. */
import * as z from 'zod';
import { identity } from './identity.js';
import { breakdown, cyclesByCause, waitResult, pathEntry } from './cycles.js';
import { fabricResult, hostResult } from './run.js';

export const kernelCandidate = z
  .strictObject({
    options: z.record(z.string(), z.unknown()),
    cycles: z.number().exactOptional(),
    atLeast: z.number().exactOptional(),
    refused: z.string().exactOptional(),
  })
  .describe(
    'An algorithm that could be chosen: its cycles; or how many it takes at least, which is no fewer than the fastest; or why it cannot run.',
  );
export type KernelCandidate = z.infer<typeof kernelCandidate>;

export const latencyResult = z
  .strictObject({ mean: z.number(), p50: z.number(), p99: z.number() })
  .describe('Cycles from one instant of a wavelet to another; simulated.');
export type LatencyResult = z.infer<typeof latencyResult>;

export const trafficResult = z.strictObject({
  senders: z.number().describe('Cores that send.'),
  offeredLoad: z
    .number()
    .describe(
      'Wavelets generated, and wavelets taken (of several targets each counts as its share), per sending core and cycle of the window.',
    ),
  acceptedLoad: z.number(),
  saturated: z
    .boolean()
    .describe(
      'More than 1 % of the senders are saturated: in the window those that wait at them to enter the network grew by over 4 wavelets, and by over 5 % of what they generated.',
    ),
  saturatedSenders: z.number(),
  window: z
    .strictObject({ from: z.number(), to: z.number(), deliveries: z.number() })
    .describe(
      'Cycles of generation that are measured, from the first to one past the last; what arrived of them.',
    ),
  latency: z
    .strictObject({
      fromInjection: latencyResult.nullable(),
      fromGeneration: latencyResult.nullable(),
    })
    .describe(
      'From entering the ramp, and from being generated, until the receiving core takes it.',
    ),
});
export type TrafficResult = z.infer<typeof trafficResult>;

/** All of the hardware, of which documents promise the name. */
const hardware: z.ZodType<{ name: string }> = z.looseObject({ name: z.string() });

export const kernelDocument = z.strictObject({
  ...identity.shape,
  schema: z.literal('wafersim.kernel/1'),
  kernel: z.string().describe("The kernel's name and its options as resolved."),
  cycles: z
    .number()
    .describe('Start of the program to the end of its slowest core, or of the root for a reduce.'),
  breakdown: breakdown,
  coreCycles: cyclesByCause
    .exactOptional()
    .describe('Adds up to the cores of the rectangle times `cycles`.'),
  waits: z
    .array(waitResult)
    .exactOptional()
    .describe('Adds up to `waitInput` and `waitOutput` of `coreCycles` together.'),
  criticalPath: z
    .array(pathEntry)
    .exactOptional()
    .describe('From cycle 0 to `cycles`, as of a run.'),
  noCriticalPath: z.string().exactOptional(),
  config: z.strictObject({
    kernel: z.string(),
    options: z.unknown(),
    hardware,
  }),
  fabric: fabricResult,
  candidates: z
    .array(kernelCandidate)
    .exactOptional()
    .describe(
      'With `--algorithm auto`: what was tried, of which the document is that of the fastest.',
    ),
  traffic: trafficResult.exactOptional().describe('Of synthetic traffic.'),
  loads: z
    .array(z.strictObject({ ...trafficResult.shape, load: z.number(), cycles: z.number() }))
    .exactOptional()
    .describe('With several loads: each of them; the other results are those of the last one.'),
  host: hostResult,
});
/** A document; `wafersim schema kernel` prints its fields and what they are. */
export type KernelDocument = z.infer<typeof kernelDocument>;
