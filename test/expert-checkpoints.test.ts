/** Checkpoints with experts on the simulated wafer, against what another implementation made of them. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../src/decode/compute.js';
import { checkpointOn, heldAgainstReference, timesOf } from './helpers/checkpoint-runs.js';
import { CHECKPOINTS, referenceOf } from './helpers/checkpoints.js';
import { cases } from './helpers/full.js';
import { outcomesOf } from './helpers/wafer-tokens.js';

const NAMES = [
  ...['mixtral', 'qwen3_moe', 'glm4_moe', 'gpt_oss', 'gpt_oss-mxfp4', 'llama4'],
  ...['qwen3_next', 'qwen3_5_moe'],
].map((name) => `public-${name}`);

/** None divides the dimensions of the checkpoints, nor their numbers of experts. */
const WIDE = { rows: 7, layerColumns: 9 };
const HIGH = { rows: 11, layerColumns: 5 };

/** Every checkpoint on one shape, by turns in one region per layer and in two; on the other one the other way in the full tests. */
const ALL = NAMES.flatMap((name, i) => {
  const all = [
    { name, ...WIDE, layers: 'whole' as const },
    { name, ...WIDE, layers: 'split' as const },
    { name, ...HIGH, layers: 'whole' as const },
    { name, ...HIGH, layers: 'split' as const },
  ];
  return cases([all[i % 4]], [all[3 - (i % 4)]]);
});

describe.skipIf(!existsSync(CHECKPOINTS))(
  'the wafer (skipped where ../shared/checkpoints is absent)',
  () => {
    it.each(ALL)(
      'computes the logits of $name and chooses its experts, on $rows x $layerColumns cores, $layers',
      async ({ name, ...shape }) => {
        const { error, chosen, known } = await heldAgainstReference(
          name,
          checkpointOn(name, shape),
        );
        expect(error).toBeLessThan(1e-5);
        expect(Object.keys(known).length).toBeGreaterThan(0);
        expect(chosen).toEqual(known);
      },
      120_000,
    );

    it.each(
      cases(
        [
          { name: 'public-gpt_oss-mxfp4', ...HIGH, layers: 'whole' as const },
          { name: 'public-llama4', ...WIDE, layers: 'split' as const },
        ],
        // One of each.
        ALL.filter((_, i) => i % 2 === 0),
      ),
    )('takes $name the same time on both engines: $layers', async ({ name, ...shape }) => {
      const sets = ['workload.tokens=1', 'workload.data=false'];
      const { config } = checkpointOn(name, shape, sets);
      expect(await timesOf(config, 'reference')).toEqual(await timesOf(config, 'fast'));
    });

    it('computes in 16 bits what the checkpoint says, of the same experts, up to rounding', async () => {
      const name = 'public-gpt_oss';
      const { tokens, logits, experts } = referenceOf(name);
      const { config, weights } = checkpointOn(name, { ...WIDE, layers: 'split' });
      const model = { ...config.model, dtype: 'f16' as const, weightBits: 16 as const };
      const found = await outcomesOf({ ...config, model }, weights, tokens.slice(0, 3));
      for (const [t, of] of found.entries()) {
        // Two near scores may change places.
        const chosen = of.experts.map((all) => new Set(all));
        expect(chosen).toEqual(chosen.map((_, layer) => new Set(experts![layer][t])));
        const error = relativeError(of.logits, logits[t]);
        expect(error).toBeLessThan(3e-2);
        expect(error).toBeGreaterThan(1e-5);
      }
    });
  },
);
