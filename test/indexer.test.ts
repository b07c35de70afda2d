/** Indexers of sparse attention on the simulated wafer: their scores, their time, and what they refuse. */
import { describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { loweredOf } from '../src/decode/lowered.js';
import { placementOf } from '../src/decode/place.js';
import { checkRun } from '../src/decode/refusals.js';
import { createRunner } from '../src/decode/runner.js';
import {
  beginStep,
  createStageRunner,
  runOn as runsOn,
  timedStages,
} from '../src/decode/stages.js';
import { computeToken } from '../src/decode/step.js';
import { layerBuffers } from '../src/mapping/buffers.js';
import { layerShape } from '../src/mapping/shapes.js';
import type { LatentSpec } from '../src/model/attention-spec.js';
import type { LatentWeights, Weights } from '../src/model/model-weights.js';
import type { ModelSpec } from '../src/model/model.js';
import { embedded } from '../src/model/plain/decoder.js';
import { rmsNorm } from '../src/model/plain/norm.js';
import { multiply } from '../src/model/plain/vectors.js';
import { rotaryPairs, rotateHead } from '../src/model/rope.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { layOut } from '../src/program/builder.js';
import { explain } from '../src/studies/explain/explain.js';
import { modelOf } from './helpers/dense-models.js';
import { latentLayer, latentWith } from './helpers/latent-models.js';
import { runOn } from './helpers/rectangle.js';

const indexer = { heads: 4, dim: 7, topK: 8, own: true, pairs: 'halves' } as const;
const own = latentWith({ indexer });
/** The second layer takes the choice of the first. */
const model = modelOf([
  latentLayer(own),
  latentLayer({ ...own, indexer: { ...indexer, own: false } }),
]);
const SHAPE = { rows: 3, columns: 7, groups: 1, context: 2, tokens: 2 };
const run = (of: ModelSpec, latent: string, asked: Parameters<typeof runOn>[2] = {}) =>
  runOn(of, SHAPE, { ...asked, sets: ['hardware.core.sram=1 MiB', `mapping.latent=${latent}`] });

describe.each(['expanded', 'latent'])('an indexer, the cache %s', (latent) => {
  it('changes no logits, and takes time in the layers that have one', async () => {
    const { decode, check } = await run(model, latent);
    expect(check).toMatchObject({ passed: true });
    expect(decode.breakdown['indexer'].cycles).toBeGreaterThan(0);
    const { indexer: _, ...without } = own;
    const dense = modelOf([latentLayer(without), latentLayer(without)]);
    const plain = await run(
      { ...dense, kinds: [{ ...dense.kinds[0], attention: without }] },
      latent,
    );
    expect(plain.decode.breakdown['indexer']?.cycles ?? 0).toBe(0);
    const slow = await run(model, latent, { engine: 'reference' });
    expect(slow.decode.breakdown).toEqual(decode.breakdown);
  });

  it('scores positions as published', async () => {
    const sets = ['hardware.width=200', 'hardware.core.sram=1 MiB', `mapping.latent=${latent}`];
    const config = loadConfig('configs/tiny.yaml', sets);
    const sizes = { rows: 3, layerColumns: 7, groups: 1, kvReplicas: 3, layers: 'whole' as const };
    const placement = { ...config.placement, ...sizes };
    const weights = randomWeights(model, seededRandom('indexer'));
    const tokens = [3, 1, 4, 1, 5];
    const found = await totalsOf({ ...config, model, placement }, weights, tokens);
    const expected = scoresOf(own, weights, tokens);
    const largest = Math.max(...expected.map(Math.abs));
    for (const [p, score] of expected.entries())
      expect(Math.abs(found[p] - score) / largest, `${p}`).toBeLessThan(1e-5);
  });
});

/** The scores of all positions by the first layer's indexer, at the last token. */
function scoresOf(spec: LatentSpec, weights: Weights, tokens: number[]): number[] {
  const { attention, attentionNorm } = weights.layers[0];
  const { qDown, qNorm, indexer: index } = attention as LatentWeights;
  const { heads, dim, pairs: lie } = spec.indexer!;
  const pairs = rotaryPairs(spec.rope.dim, { ...spec.rope, pairs: lie }, tokens.length);
  const inputs = tokens.map((t) => rmsNorm(embedded(model, weights, t), attentionNorm!, model));
  const keys = inputs.map((input, p) => {
    const key = multiply(index!.k, input);
    const mean = key.reduce((sum, x) => sum + x, 0) / dim;
    const variance = key.reduce((sum, x) => sum + (x - mean) ** 2, 0) / dim;
    const normed = key.map(
      (x, i) => ((x - mean) / Math.sqrt(variance + 1e-6)) * index!.kNorm[i] + index!.kNormBias[i],
    );
    rotateHead(normed, 0, p, pairs);
    return normed;
  });
  const last = inputs.at(-1)!;
  const rule = { ...model, normEpsilon: 1e-6 };
  const query = multiply(index!.q, rmsNorm(multiply(qDown!, last), qNorm!, rule));
  for (let h = 0; h < heads; h++) rotateHead(query, h * dim, tokens.length - 1, pairs);
  const weightsOf = multiply(index!.headWeights, last);
  return keys.map((key) => {
    let sum = 0;
    for (let h = 0; h < heads; h++) {
      const dot = key.reduce((total, k, i) => total + k * query[h * dim + i], 0);
      sum += Math.max(dot, 0) * weightsOf[h];
    }
    return sum / Math.sqrt(heads * dim);
  });
}

/** The same from the memory of the first layer's cores, whose rows have the positions in turn. */
async function totalsOf(config: ResolvedConfig, weights: Weights, tokens: number[]) {
  const { wafer } = config;
  const maxPositions = tokens.length;
  const programs = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
  const workload = { ...config.workload, context: 0, tokens: maxPositions };
  const placement = placementOf({ ...config, workload });
  const lowered = await loweredOf(config, placement, maxPositions, programs);
  const caches = config.model.layers.map(() => ({ keys: [], values: [] }));
  const room = { maxPositions, users: 1 };
  const memory = lowered.images({ context: 0, ...room }, weights, caches);
  const run = runsOn(programs, wafer);
  const runner = createStageRunner({ wafer, memo: true, shared: undefined, run });
  for (const [context, token] of tokens.entries()) {
    const plan = lowered.plan({ context, ...room });
    beginStep(runner, plan);
    const stages = await timedStages(runner, plan, programs);
    const numbers = { memory, token } as Parameters<typeof computeToken>[3];
    await computeToken(runner, plan, stages, numbers, context, programs);
  }
  const at = placement.regions.findIndex(({ kind }) => kind === 'layer');
  const region = placement.regions[at];
  if (region.kind !== 'layer') throw new TypeError('no layer');
  const { width, height } = region;
  const [layer] = config.model.kinds;
  const shape = layerShape(config.model, layer, maxPositions, height, width, 1, region);
  const { at: cells } = layOut(layerBuffers(config.model, layer, shape, 'layer'));
  return tokens.map((_, p) => {
    const core = memory.images[at][(p % height) * width];
    return core[cells.indexTotals + Math.floor(p / height)];
  });
}

describe('more positions than an indexer chooses all of', () => {
  const config = loadConfig('configs/tiny.yaml');
  const asking = (context: number, of: ModelSpec = model) => ({
    ...config,
    model: of,
    workload: { ...config.workload, context, tokens: 1 },
  });

  it('are chosen from, or all attended to as an upper bound if asked for', () => {
    for (const context of [7, 8, 63]) expect(() => checkRun(asking(context))).not.toThrow();
    expect(() => checkRun(asking(64))).toThrow('at most 63, as small has 64 positions, found 64');
    expect(() => checkRun(asking(8), 'serving')).not.toThrow();
    const dense = { ...own, indexer: { ...indexer, dense: true as const } };
    const upper = modelOf([latentLayer(dense)]);
    const rules = JSON.stringify(explain(asking(8, upper)));
    expect(rules).toContain(
      'All positions are attended to, where the published model attends to 8',
    );
    expect(JSON.stringify(explain(asking(8)))).toContain(
      'attends to the 8 with the largest scores, of equal ones the earliest',
    );
  });

  it('are none of a model without an indexer', () => {
    expect(() => loadConfig('configs/tiny.yaml', ['model.indexer=dense'])).toThrow(
      'model.indexer: expected none, as the model has no indexer, found "dense"',
    );
  });
});
