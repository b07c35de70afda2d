/** Checkpoints of dense families on the simulated wafer, against logits that another implementation made. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import type { ModelSpec } from '../src/model/model.js';
import { firstTokens } from './helpers/checkpoint-runs.js';
import {
  CHECKPOINTS,
  checkpointNames,
  loadCheckpoint,
  referenceOf,
} from './helpers/checkpoints.js';
import { FULL } from './helpers/full.js';
import { logitsOf } from './helpers/wafer-tokens.js';

const DENSE = /^(public|extra)-(llama|mistral|qwen2|qwen3|phi3|olmo2|gemma2|gemma3|qwen3_5)(-|$)/;

/** Neither divides the dimensions of the checkpoints. */
const SHAPES = [
  { rows: 7, layerColumns: 9 },
  { rows: 11, layerColumns: 5 },
];

async function errorOf(name: string, dtype: 'f32' | 'f16', shape: (typeof SHAPES)[number]) {
  const { model, weights } = loadCheckpoint(name);
  const { tokens, logits } = referenceOf(name);
  const config = loadConfig('configs/tiny.yaml', [
    'hardware.width=400',
    'hardware.core.sram=1 MiB',
  ]);
  const of: ModelSpec = { ...model, dtype, weightBits: dtype === 'f32' ? 32 : 16 };
  const placement = { ...config.placement, ...shape, groups: 2 };
  const found = await logitsOf({ ...config, model: of, placement }, weights, firstTokens(tokens));
  return Math.max(...found.map((row, t) => relativeError(row, logits[t])));
}

describe.skipIf(!existsSync(CHECKPOINTS))(
  'the wafer (skipped where ../shared/checkpoints is absent)',
  () => {
    const names = checkpointNames().filter((name) => DENSE.test(name));

    it.each(names.map((name, i) => [name, SHAPES[i % 2]] as const))(
      'computes the logits of %s',
      async (name, shape) => {
        expect(await errorOf(name, 'f32', shape)).toBeLessThan(/gemma/.test(name) ? 2e-5 : 1e-4);
      },
      120_000,
    );

    // In 16 bits dense-families.test.ts has what is special about each family.
    it.skipIf(!FULL).each(names.map((name, i) => [name, SHAPES[(i + 1) % 2]] as const))(
      'computes the logits of %s in 16 bits',
      async (name, shape) => {
        expect(await errorOf(name, 'f16', shape)).toBeLessThan(3e-2);
      },
      60_000,
    );
  },
);
