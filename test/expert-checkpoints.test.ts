/** Checkpoints with experts on the simulated wafer, against what another implementation made of them. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import type { ModelSpec } from '../src/model/model.js';
import { CHECKPOINTS, loadCheckpoint, referenceOf } from './helpers/checkpoints.js';
import { outcomesOf } from './helpers/wafer-tokens.js';

const NAMES = ['mixtral', 'qwen3_moe', 'glm4_moe', 'gpt_oss', 'llama4'].map(
  (name) => `public-${name}`,
);

/** None divides the dimensions of the checkpoints, nor their numbers of experts. */
const SHAPES = [
  { rows: 7, layerColumns: 9, layers: 'whole' },
  { rows: 11, layerColumns: 5, layers: 'whole' },
  { rows: 7, layerColumns: 9, layers: 'split' },
] as const;

async function outcomes(name: string, dtype: 'f32' | 'f16', shape: (typeof SHAPES)[number]) {
  const { model, weights } = loadCheckpoint(name);
  const config = loadConfig('configs/tiny.yaml', [
    'hardware.width=400',
    'hardware.core.sram=1 MiB',
  ]);
  const of: ModelSpec = { ...model, dtype, weightBits: dtype === 'f32' ? 32 : 16 };
  const placement = { ...config.placement, ...shape, groups: 2 };
  return outcomesOf({ ...config, model: of, placement }, weights, referenceOf(name).tokens);
}

describe.skipIf(!existsSync(CHECKPOINTS))(
  'the wafer (skipped where ../shared/checkpoints is absent)',
  () => {
    const all = NAMES.flatMap((name) => SHAPES.map((shape) => [name, shape] as const));

    it.each(all)(
      'computes the logits of %s and chooses its experts, on %j',
      async (name, shape) => {
        const { logits, experts } = referenceOf(name);
        const found = await outcomes(name, 'f32', shape);
        const error = Math.max(...found.map((of, t) => relativeError(of.logits, logits[t])));
        expect(error).toBeLessThan(1e-5);
        for (const [layer, chosen] of Object.entries(experts!))
          expect(found.map((of) => of.experts[Number(layer)])).toEqual(chosen);
      },
      120_000,
    );
  },
);
