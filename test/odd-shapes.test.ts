/**
 * Files of every family, of sizes that divide nothing, on wafers of odd sizes: they are placed and compute, and one
 * strip of experts is what is sliced.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { hasExperts } from '../src/model/model.js';
import { FULL, cases } from './helpers/full.js';
import { ODD } from './helpers/odd-configs.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

const folder = mkdtempSync(join(tmpdir(), 'odd-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is asked of a placement; its sizes are its own. */
const asked = fc.record({
  ...{ width: fc.integer({ min: 21, max: 48 }), height: fc.integer({ min: 21, max: 48 }) },
  layers: fc.constantFrom('auto', 'whole', 'split'),
  latent: fc.constantFrom('expanded', 'latent'),
  experts: fc.constantFrom('sliced', 'sliced', 'strips'),
});

/** Of these each has kernels of its own; the others have no more than the full tests need. */
const FEW = ['qwen3_next', 'gemma4'];

describe.each(Object.entries(ODD).filter(([family]) => FULL || FEW.includes(family)))(
  'files of %s',
  (family, files) => {
    // Another shape for each of them.
    const seed = Object.keys(ODD).indexOf(family);
    it('have the logits of the plain decoder, and its experts, on any wafer that holds them', async () => {
      let n = 0;
      await fc.assert(
        fc.asyncProperty(files, asked, fc.nat(), async (json, of, drawn) => {
          const file = join(folder, `${family}-${n++}.json`);
          writeFileSync(file, JSON.stringify(json));
          const config = loadConfig('configs/small.yaml', [
            ...[`model.config=${file}`, `workload.seed=${drawn}`, 'workload.prompt=[3,1,4,1,5]'],
            ...[`hardware.width=${of.width}`, `hardware.height=${of.height}`],
            ...[`placement.layers=${of.layers}`, `mapping.latent=${of.latent}`],
          ]);
          const { model, placement } = config;
          const experts = model.kinds.some(hasExperts) ? of.experts : 'sliced';
          const all = { ...config, placement: { ...placement, experts } };
          const { check } = await simulateTimes(all, OPTIONS);
          expect(check).toMatchObject({ passed: true, choice: true });
          expect(check!.logitsMaxRelativeError).toBeLessThan(1e-4);
          if (check!.expertChoices) expect(check!.expertChoices.of).toBeGreaterThan(0);
        }),
        { numRuns: 1, seed, endOnFailure: true },
      );
    }, 240_000);
  },
);

/** Each with a router of its own kind. */
const MIXTURES = cases(
  ['gpt_oss'],
  [
    ...['mixtral', 'qwen3_moe', 'glm4_moe', 'llama4', 'qwen3_next', 'qwen3_5_moe'],
    ...['deepseek_v3', 'gemma4'],
  ],
);

describe('experts in one strip', () => {
  it.each(MIXTURES)('are what is sliced, to the cycle: %s', async (family) => {
    const [json] = fc.sample(
      ODD[family].filter(({ first_k_dense_replace: dense = 0 }) => dense === 0),
      { numRuns: 1, seed: 5 },
    );
    const file = join(folder, `one-${family}.json`);
    writeFileSync(file, JSON.stringify(json));
    const [sliced, one] = await Promise.all(
      ['sliced', 'strips'].map((experts) => {
        const placement = [`placement.experts=${experts}`, 'placement.strips=1'];
        const workload = ['workload.data=false', 'workload.context=5', 'workload.tokens=2'];
        const sets = [`model.config=${file}`, 'hardware.width=43', 'hardware.height=31'];
        const all = experts === 'sliced' ? placement.slice(0, 1) : placement;
        return simulateTimes(
          loadConfig('configs/small.yaml', [...sets, ...workload, ...all]),
          OPTIONS,
        );
      }),
    );
    expect(sliced.decode.breakdown['experts down'].cycles).toBeGreaterThan(0);
    for (const part of ['decode', 'steps', 'fabric', 'placement'] as const)
      expect(one[part]).toEqual(sliced[part]);
  });
});
