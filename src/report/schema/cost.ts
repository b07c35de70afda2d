/** What tokens cost, as the room serving/ computes it. */
import * as z from 'zod';
import type { CostParts, CostResult } from '../../serving/cost.js';
import { figure, schemaOf } from './parts.js';

const costParts = schemaOf<CostParts>()(
  z.strictObject({
    systems: figure.exactOptional().describe('Their price over their lifetime.'),
    energy: figure.exactOptional(),
    owned: figure.exactOptional().describe('Systems and energy, where both are known.'),
    rented: figure.exactOptional(),
  }),
);

export const costResult = schemaOf<CostResult>()(
  z.strictObject({
    kind: z.literal('computed'),
    systems: z.number(),
    tokensPerSecond: figure,
    assumed: z
      .strictObject({
        systemPrice: z.number().exactOptional(),
        energyPrice: z.number().exactOptional(),
        hourPrice: z.number().exactOptional(),
        lifetimeYears: z.number().exactOptional(),
        utilization: z.number(),
        pue: z.number(),
      })
      .describe(
        'What was assumed: 1 of `utilization` and `pue` where the configuration does not say.',
      ),
    usdToBuy: z.number().exactOptional().describe('Price of all systems, to buy them.'),
    usdPerHour: costParts,
    usdPerMillionOutputTokens: costParts.describe(
      'Every hour is paid for, and tokens are made in those with the load.',
    ),
    missing: z
      .array(z.string())
      .describe('Settings that would complete the cost of owned systems.'),
  }),
);
