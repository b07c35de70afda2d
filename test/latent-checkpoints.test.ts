/** Checkpoints with latent attention on the simulated wafer, against what another implementation made of them. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkpointOn, heldAgainstReference, timesOf } from './helpers/checkpoint-runs.js';
import { CHECKPOINTS } from './helpers/checkpoints.js';
import { cases } from './helpers/full.js';

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

function asked({ name, latent, ...shape }: (typeof CASES)[number], sets: string[] = []) {
  const groups = { column: 2, row: 2, head: 1 };
  return checkpointOn(name, { ...shape, groups }, [`mapping.latent=${latent}`, ...sets]);
}

describe.skipIf(!existsSync(CHECKPOINTS))(
  'the wafer (skipped where ../shared/checkpoints is absent)',
  () => {
    it.each(CASES)(
      'computes the logits of $name and chooses its experts, its cache $latent, on $rows x $layerColumns cores',
      async (of) => {
        const { error, chosen, known } = await heldAgainstReference(of.name, asked(of));
        expect(error).toBeLessThan(1e-5);
        expect(Object.keys(known).length).toBeGreaterThan(0);
        expect(chosen).toEqual(known);
      },
      120_000,
    );

    it.each(cases([CASES[3]], [CASES[0]]))(
      'takes $name the same time on both engines: $latent',
      async (of) => {
        const { config } = asked(of, ['workload.tokens=1', 'workload.data=false']);
        expect(await timesOf(config, 'reference')).toEqual(await timesOf(config, 'fast'));
      },
      60_000,
    );
  },
);
