/** Mixtures of experts: the wafer computes what the plain decoder does, whatever their routers do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { EngineName } from '../src/engine/engines.js';
import type { ModelSpec } from '../src/model/model.js';
import { simulate } from '../src/studies/run/run.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer, expertModels } from './helpers/expert-models.js';
import { count } from './helpers/full.js';

const host = { shards: 1, memo: true, now: () => 0, rss: () => 0 };

interface Shape {
  rows: number;
  columns: number;
  groups: number;
  context: number;
  tokens: number;
  layers?: 'whole' | 'split';
}

/** Runs a model on regions of that shape, its logits and experts held against the plain decoder's. */
async function run(model: ModelSpec, shape: Shape, engine: EngineName = 'fast', data = true) {
  const { rows, columns: layerColumns, groups, context, tokens, layers = 'whole' } = shape;
  const config = loadConfig('configs/tiny.yaml', [
    'hardware.width=200',
    'hardware.core.sram=1 MiB',
  ]);
  const workload = { ...config.workload, context, tokens, data };
  const sizes = { growth: 'minimal' as const, rows, layerColumns, groups, layers };
  const placement = { ...config.placement, ...sizes };
  return simulate({ ...config, model, workload, placement }, { ...host, engine });
}

const shapes = fc.record({
  ...{ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 9 }) },
  groups: fc.integer({ min: 1, max: 3 }),
  ...{ context: fc.integer({ min: 0, max: 5 }), tokens: fc.integer({ min: 1, max: 3 }) },
  layers: fc.constantFrom('whole', 'split'),
});

describe('models with any experts', () => {
  it('have the logits of the plain decoder on any rectangle, and the same times on both engines', async () => {
    await fc.assert(
      fc.asyncProperty(expertModels, shapes, async (model, shape) => {
        const [fast, slow] = [await run(model, shape), await run(model, shape, 'reference')];
        expect(fast.check).toMatchObject({ passed: true, choice: true });
        expect(fast.check!.expertsAgree!.of).toBeGreaterThan(0);
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.check).toEqual(slow.check);
      }),
      { seed: 17, numRuns: count(12, 60) },
    );
  }, 240_000);
});
