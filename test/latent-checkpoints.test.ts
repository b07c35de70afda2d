/** Checkpoints with latent attention on the simulated wafer, against what another implementation made of them. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import { simulate } from '../src/studies/run/run.js';
import { CHECKPOINTS, loadCheckpoint, referenceOf } from './helpers/checkpoints.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { outcomesOf } from './helpers/wafer-tokens.js';

/** None divides the dimensions of the checkpoints. */
const WIDE = { rows: 7, layerColumns: 9, layers: 'whole' as const };
const HIGH = { rows: 11, layerColumns: 5, layers: 'split' as const };
const NAMES = ['public-deepseek_v3', 'public-deepseek_v3-fp8'];
const CASES = NAMES.flatMap((name, i) =>
  (['expanded', 'latent'] as const).flatMap((latent, j) => {
    const [first, other] = (i + j) % 2 === 0 ? [WIDE, HIGH] : [HIGH, WIDE];
    return cases([{ name, latent, ...first }], [{ name, latent, ...other }]);
  }),
);

function configOf({ name, latent, ...shape }: (typeof CASES)[number], sets: string[] = []) {
  const { model, weights } = loadCheckpoint(name);
  const config = loadConfig('configs/tiny.yaml', [
    ...['hardware.width=400', 'hardware.core.sram=1 MiB', `mapping.latent=${latent}`, ...sets],
  ]);
  const groups = { column: 2, row: 2, head: 1 };
  const placement = { ...config.placement, ...shape, groups };
  return { config: { ...config, model, placement }, weights };
}

describe.skipIf(!existsSync(CHECKPOINTS))(
  'the wafer (skipped where ../shared/checkpoints is absent)',
  () => {
    it.each(CASES)(
      'computes the logits of $name and chooses its experts, its cache $latent, on $rows x $layerColumns cores',
      async (asked) => {
        const { tokens, logits, experts } = referenceOf(asked.name);
        const { config, weights } = configOf(asked);
        const found = await outcomesOf(config, weights, tokens);
        const error = Math.max(...found.map((of, t) => relativeError(of.logits, logits[t])));
        expect(error).toBeLessThan(1e-5);
        for (const [layer, chosen] of Object.entries(experts!))
          expect(found.map((of) => of.experts[Number(layer)])).toEqual(chosen);
      },
      120_000,
    );

    it.each(cases([CASES[3]], [CASES[0]]))(
      'takes $name the same time on both engines: $latent',
      async (asked) => {
        const { config } = configOf(asked, ['workload.tokens=1', 'workload.data=false']);
        const [fast, slow] = [
          await simulate(config, OPTIONS),
          await simulate(config, { ...OPTIONS, engine: 'reference' }),
        ];
        expect(slow.steps).toEqual(fast.steps);
        expect(slow.decode.breakdown).toEqual(fast.decode.breakdown);
        expect(slow.fabric).toEqual(fast.fabric);
      },
      60_000,
    );
  },
);
