/** What a plan says of a served model: field `plan` of a serving result. */
import * as z from 'zod';
import { costResult } from './cost.js';

export const planSite = z
  .strictObject({
    machines: z.number(),
    groups: z.number(),
    users: z.number(),
    tokensPerDay: z.number(),
    joulesPerToken: z
      .number()
      .describe("Of the machines at their stated power; and with the site's share (PUE) on top."),
    joulesPerTokenAtSite: z.number(),
    cost: costResult
      .exactOptional()
      .describe('Where prices are given: of all groups and their tokens.'),
  })
  .describe('Groups of the whole site, and what they serve.');
export type PlanSite = z.infer<typeof planSite>;

export const atFloor = z
  .strictObject({
    users: z.number(),
    boundBy: z.enum(['speed', 'memory', 'nothing fits']),
    tokensPerSecondPerUser: z.number().describe('Of each of them.'),
    site: planSite,
  })
  .describe('Users of one group at the floor.');
export type AtFloor = z.infer<typeof atFloor>;

export const planRow = z.strictObject({
  ...atFloor.shape,
  context: z.number(),
  plainTokensPerSecond: z
    .number()
    .describe(
      'One user alone: plain decoding (simulated), and with rounds at the assumed acceptance.',
    ),
  tokensPerSecondAlone: z.number(),
  verified: z
    .number()
    .describe('Tokens that a round of one user alone verifies and emits in the mean.'),
  emitted: z.number(),
  acceptanceForFloor: z
    .number()
    .nullable()
    .describe(
      'Least acceptance with which one user alone has the floor; 0: none is needed; null: 1 is not enough.',
    ),
  heldUsers: z.number().describe('Users whose caches fit, at whatever speed.'),
});
export type PlanRow = z.infer<typeof planRow>;

export const gpuPlanRow = z.strictObject({
  ...atFloor.shape,
  kind: z.literal('analytic'),
  gpu: z.string(),
  gpus: z.number(),
  tokensPerSecondAlone: z.number(),
  full: z
    .strictObject({ users: z.number(), tokensPerSecondPerUser: z.number(), site: planSite })
    .describe('As many users as memory holds, whatever their speed.'),
});
export type GpuPlanRow = z.infer<typeof gpuPlanRow>;

export const planResult = z
  .strictObject({
    floor: z.number().describe('Tokens per second that every user is to have.'),
    megawatts: z.number(),
    pue: z.number(),
    wafers: z
      .number()
      .describe('A group of wafers that serves the model, its draft included, and its watts.'),
    watts: z.number(),
    assumedAcceptance: z
      .array(z.number())
      .readonly()
      .exactOptional()
      .describe('Chances of drafted tokens: an assumption.'),
    rows: z.array(planRow).describe("By tokens in every user's cache."),
    gpuContext: z.number().describe("Tokens in every user's cache of the GPUs."),
    gpus: z.array(gpuPlanRow),
  })
  .describe('What a plan says of a served model: field `plan` of a serving result.');
export type PlanResult = z.infer<typeof planResult>;
