/** What `wafersim fleet` says, as a schema of exactly its type. */
import * as z from 'zod';
import { costResult } from '../../report/schema/cost.js';
import { identity } from '../../report/schema/identity.js';
import { figure, schemaOf } from '../../report/schema/parts.js';
import { gpuPlanRow } from '../../report/schema/plan.js';
import { hostResult } from '../../report/schema/run.js';
import type { FleetRow } from './fleet.js';
import type { FleetDocument } from './table.js';

const fleetRow = schemaOf<FleetRow>()(
  z.strictObject({
    scenario: z.string(),
    model: z.string(),
    parameters: z.number(),
    context: z.number().describe('Tokens in the cache of every user.'),
    wafersPerReplica: z.number(),
    wafers: z.number(),
    replicas: z.number(),
    usersPerReplica: z
      .number()
      .describe('Users of a replica at the speed asked for, and what bounds them.'),
    boundBy: z.enum(['speed', 'memory', 'nothing fits']),
    users: z.number(),
    tokensPerSecondPerUser: figure.describe(
      'Tokens per second of each of these users, and of one user alone on a replica.',
    ),
    tokensPerSecondAlone: figure,
    tokensPerDay: figure.describe(
      'All users together; and the most that full pipelines make, at whatever speed per user.',
    ),
    tokensPerDayAtMost: figure,
    joulesPerToken: figure.describe(
      "Of the replica's wafers at their stated power; and with the site's share (PUE) on top.",
    ),
    joulesPerTokenAtSite: figure,
    cost: costResult
      .exactOptional()
      .describe('Where prices are given: of all replicas and their tokens.'),
    gpus: z
      .array(gpuPlanRow)
      .exactOptional()
      .describe(
        'Clusters of the GPUs that the configuration compares with (`serving.gpus`), at the same context and speed.',
      ),
    assumedAcceptance: z
      .array(z.number())
      .readonly()
      .exactOptional()
      .describe('Where tokens are drafted: the chances that the speeds above assume.'),
  }),
);

export const fleetDocument = schemaOf<FleetDocument>()(
  z.strictObject({
    ...identity.shape,
    megawatts: z.number(),
    pue: z.number().describe('Power of the whole site over that of its systems, at least 1.'),
    speed: z.number().describe('Tokens per second that every user is to have.'),
    schema: z.literal('wafersim.fleet/1'),
    configHash: z.string(),
    rows: z.array(fleetRow),
    host: hostResult,
  }),
);
