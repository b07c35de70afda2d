/** What layers of dense families have beyond a plain Llama's: the wafer computes it as the plain decoder does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { EngineName } from '../src/engine/engines.js';
import type { ModelSpec } from '../src/model/model.js';
import { simulate } from '../src/studies/run/run.js';
import { denseModels } from './helpers/dense-models.js';

const host = { shards: 1, memo: true, now: () => 0, rss: () => 0 };

interface Shape {
  rows: number;
  columns: number;
  groups: number;
  context: number;
  tokens: number;
}

/** Runs a model on regions of that shape, its logits held against the plain decoder's. */
async function run(model: ModelSpec, shape: Shape, engine: EngineName = 'fast') {
  const { rows, columns: layerColumns, groups, context, tokens } = shape;
  const config = loadConfig('configs/tiny.yaml', ['hardware.width=200']);
  const workload = { ...config.workload, context, tokens };
  const placement = { ...config.placement, growth: 'minimal' as const, rows, layerColumns, groups };
  return simulate({ ...config, model, workload, placement }, { ...host, engine });
}

const shapes = fc.record({
  ...{ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 9 }) },
  groups: fc.integer({ min: 1, max: 3 }),
  ...{ context: fc.integer({ min: 0, max: 12 }), tokens: fc.integer({ min: 1, max: 4 }) },
});

describe('models of any layers', () => {
  it('have the logits of the plain decoder on any rectangle, and the same times on both engines', async () => {
    const errors: number[][] = [];
    await fc.assert(
      fc.asyncProperty(denseModels, shapes, async (model, shape) => {
        const [fast, slow] = [await run(model, shape), await run(model, shape, 'reference')];
        expect(fast.check).toMatchObject({ passed: true, choice: true });
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.check).toEqual(slow.check);
        errors.push([model.dtype === 'f32' ? 32 : 16, fast.check!.logitsMaxRelativeError]);
      }),
      { seed: 16, numRuns: Number(process.env['RUNS'] ?? 40) },
    );
    if (process.env['SHOW']) console.log(JSON.stringify(errors.toSorted((a, b) => a[1] - b[1])));
  });
});
