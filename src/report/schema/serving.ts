/** What a serving simulation says: the field `serving` of a run's document, and each of `scenarios`. */
import * as z from 'zod';
import { costResult } from './cost.js';
import {
  distribution,
  roundCounts,
  roundPolicy,
  rooflineCheck,
  servingMetrics,
  policyName,
  transport,
  transportEffect,
  series,
} from './metrics.js';
import { figure } from './parts.js';
import { planResult } from './plan.js';
import { runDocument } from './run.js';

export const servedSpeculation = z
  .strictObject({
    ...roundCounts.shape,
    draft: z.string().describe("Who drafts: a model's name, `mtp` or `ngram`."),
    tokens: z
      .number()
      .describe('Tokens that a round verifies at most, and whether in every round.'),
    policy: roundPolicy,
    assumedAcceptance: z
      .array(z.number())
      .readonly()
      .describe(
        'Chances of the drafted tokens: an assumption, from which accepted ones are drawn.',
      ),
    tokensVerifiedPerRound: z
      .number()
      .describe('Of all rounds: tokens that one verified, and that it emitted.'),
    tokensPerRound: z.number(),
  })
  .describe('Rounds of speculative decoding in what was served.');
export type ServedSpeculation = z.infer<typeof servedSpeculation>;

export const stepTimesResult = z
  .strictObject({
    contexts: z.array(z.number()),
    aloneCycles: z.array(z.number()),
    fullCycles: z.array(z.number()),
    fullUsers: z.number(),
    aloneTokensPerSecond: z
      .array(z.number())
      .describe(
        'Tokens per second of one user alone; and of all users together with the layers full, which is also how fast a prompt streams in.',
      ),
    fullTokensPerSecond: z.array(z.number()),
    roundCycles: z
      .array(z.array(z.number()))
      .exactOptional()
      .describe(
        'Where tokens are drafted: cycles of a round of one user, by the tokens that it verifies (1, 2, ...), by context.',
      ),
    draftSpacingCycles: z
      .array(z.number())
      .exactOptional()
      .describe('Cycles between two tokens of any users in the regions of the draft, by context.'),
    middleError: z.number().describe('Largest relative interpolation error where it was checked.'),
  })
  .describe('Simulated steps: one user alone, and `fullUsers` users who fill the layers.');
export type StepTimesResult = z.infer<typeof stepTimesResult>;

export const energyResult = z.strictObject({
  watts: z.number(),
  joulesPerOutputToken: figure.describe(
    'Of all wafers over the whole time, idle or not, per output token.',
  ),
});
export type EnergyResult = z.infer<typeof energyResult>;

export const gpuResult = z
  .strictObject({
    kind: z.literal('analytic'),
    gpu: z.string(),
    gpus: z.number(),
    outputSpeed: servingMetrics.shape.outputSpeed,
    outputThroughput: figure,
    ttftMs: distribution,
    tpotMs: distribution,
    completed: z.number(),
    energy: energyResult,
    cost: costResult.exactOptional(),
    checks: z
      .array(rooflineCheck)
      .describe('The roofline next to published rates, where there are any.'),
  })
  .describe(
    'The same requests on GPUs by roofline. Analytic: nothing of it is simulated but the queue.',
  );
export type GpuResult = z.infer<typeof gpuResult>;

export const replayResult = z.strictObject({
  requests: z.number().describe('Requests whose end was recorded, and their tokens.'),
  tokens: z.number(),
  differing: z.number(),
  first: z
    .strictObject({
      request: z.number(),
      token: z.number(),
      recordedNs: z.number().nullable(),
      servedNs: z.number().nullable(),
    })
    .exactOptional()
    .describe('The first of them; null for a token that did not come.'),
});
export type ReplayResult = z.infer<typeof replayResult>;

export const servingResult = z.strictObject({
  ...servingMetrics.shape,
  scenario: z.string().describe('Name of the scenario; empty if the configuration has none.'),
  workload: z.string().describe('Where the requests come from.'),
  policy: policyName,
  model: z.string(),
  parameters: z.number(),
  wafers: z.number(),
  kvTokens: z
    .number()
    .describe('Positions of the KV cache for all users together, and the longest context of one.'),
  kvBlock: z
    .number()
    .exactOptional()
    .describe('Positions that a request takes together: one on each row of a region.'),
  states: z
    .number()
    .exactOptional()
    .describe(
      'Users whose states (gated delta nets) or whole windows the layers hold, those of idle sessions included.',
    ),
  maxContext: z.number(),
  reach: z
    .strictObject({ oneWafer: z.number(), wafersFor128k: z.number().nullable() })
    .describe(
      'Longest context of one user on a single wafer (0: none); wafers that 128k takes (null: none do).',
    ),
  evictions: z.number().describe('Sessions whose kept cache had to make room for others.'),
  stepTimes: stepTimesResult,
  speculation: servedSpeculation
    .exactOptional()
    .describe('Where tokens are drafted: what rounds came to.'),
  plan: planResult
    .exactOptional()
    .describe('Where a plan is asked for: users at the floor, and what a site serves.'),
  transport: transport,
  transportSources: z.record(z.string(), z.string()),
  transportEffect: transportEffect.exactOptional(),
  energy: energyResult,
  cost: costResult
    .exactOptional()
    .describe('Where prices are given: what tokens cost at `outputThroughput`.'),
  gpus: z.array(gpuResult),
  series: series,
  distributions: z
    .record(z.enum(['ttftMs', 'tpotMs', 'e2elMs']), z.array(z.number()))
    .describe('Of completed requests: every fifth percentile from 0 to 100.'),
  replay: replayResult
    .exactOptional()
    .describe(
      'Where the requests are a record: its tokens, and how many came at another time than was recorded.',
    ),
  skippedRows: z.number().describe('Rows of the trace that could not be used and were left out.'),
  notes: z.array(z.string()),
  assumptions: z.array(z.string()),
});
export type ServingResult = z.infer<typeof servingResult>;

export const deployedModel = z.strictObject({
  name: z.string(),
  model: z.string(),
  parameters: z.number(),
  firstWafer: z
    .number()
    .describe(
      'Wafers of the system that it lies on, from the first one on; a draft may share those of its model.',
    ),
  wafers: z.number(),
  draftsFor: z
    .string()
    .exactOptional()
    .describe('The deployment that it drafts for: it serves nothing by itself.'),
  requests: z.number().exactOptional().describe('Requests that were sent to it.'),
  kvTokens: z
    .number()
    .exactOptional()
    .describe('Positions of the KV cache for all its users, and the longest context of one.'),
  maxContext: z.number().exactOptional(),
});
export type DeployedModel = z.infer<typeof deployedModel>;

export const deploymentsResult = z
  .strictObject({
    systemWafers: z
      .number()
      .nullable()
      .describe('Wafers that the system has (null: as many as are used), and those that are used.'),
    wafers: z.number(),
    placed: z.array(deployedModel),
    total: z.strictObject({
      ...servingMetrics.shape,
      energy: energyResult,
      cost: costResult.exactOptional(),
    }),
  })
  .describe('Several models on one system, and all their requests together.');
export type DeploymentsResult = z.infer<typeof deploymentsResult>;

export const servingDocument = z
  .strictObject({
    ...runDocument.shape,
    serving: servingResult.describe('The first scenario.'),
    scenarios: z
      .array(servingResult)
      .exactOptional()
      .describe(
        'All of them, if the configuration names any; of deployments those that serve requests.',
      ),
    deployments: deploymentsResult.exactOptional().describe('Several models on one system.'),
  })
  .describe('A run that served requests.');
/** A document; `wafersim schema run` prints its fields and what they are. */
export type ServingDocument = z.infer<typeof servingDocument>;

/** A run of either kind. */
export const anyRun = z.strictObject({
  ...runDocument.shape,
  serving: servingDocument.shape.serving.exactOptional(),
  scenarios: servingDocument.shape.scenarios,
  deployments: servingDocument.shape.deployments,
});
export type AnyRun = z.infer<typeof anyRun>;
