import { expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { relativeError } from '../src/decode/compute.js';
import { loadCheckpoint, referenceOf } from './helpers/checkpoints.js';
import { outcomesOf } from './helpers/wafer-tokens.js';

it.each([[7, 9, 'whole', 1], [11, 5, 'split', 2], [11, 5, 'split', 'auto'], [29, 37, 'whole',4], [3,2,'whole', 4], [13,1,'whole',1]] as const)('ds %s %s', async (rows, layerColumns, layers, reps) => {
  const name = 'public-deepseek_v3';
  const { model, weights } = loadCheckpoint(name);
  const config = loadConfig('configs/tiny.yaml', ['hardware.width=900','hardware.height=200', 'mapping.latent=latent', 'hardware.core.sram=1 MiB']);
  const placement = { ...config.placement, rows, layerColumns, layers, groups: {column: 2, row: 2, head: 1}, kvReplicas: reps };
  const { tokens, logits, experts } = referenceOf(name);
  const found = await outcomesOf({ ...config, model, placement }, weights, tokens);
  const errors = found.map((of, t) => relativeError(of.logits, logits[t]));
  console.log(errors.slice(0,4), Math.max(...errors));
  for (const [layer, chosen] of Object.entries(experts!))
    expect(found.map((of) => of.experts[Number(layer)])).toEqual(chosen);
  expect(Math.max(...errors)).toBeLessThan(1e-5);
}, 120000);
