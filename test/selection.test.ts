/** Sparse attention on the simulated wafer: the positions that an indexer chooses, against the plain decoder's. */
import { describe, expect, it } from 'vitest';
import type { IndexerSpec } from '../src/model/attention-spec.js';
import { modelOf } from './helpers/dense-models.js';
import { latentLayer, latentWith } from './helpers/latent-models.js';
import { runOn, type Rectangle } from './helpers/rectangle.js';

const indexer: IndexerSpec = { heads: 4, dim: 7, topK: 5, own: true, pairs: 'halves' };
const chooses = (changes: Partial<IndexerSpec> = {}) =>
  latentLayer(latentWith({ indexer: { ...indexer, ...changes } }));
const SHAPES: Rectangle[] = [
  { rows: 3, columns: 7, groups: 1, context: 9, tokens: 3 },
  { rows: 11, columns: 5, groups: 1, context: 17, tokens: 2, layers: 'split' },
];
const model = modelOf([chooses(), chooses({ own: false }), chooses({ own: false }), chooses()]);
describe.each(['expanded', 'latent'])('the cache %s', (latent) => {
  it.each(SHAPES)('chooses as published', async (shape) => {
    const sets = ['hardware.core.sram=1 MiB', `mapping.latent=${latent}`];
    const { check, decode } = await runOn(model, shape, { sets });
    console.log(check, decode.breakdown.selection, decode.breakdown.indexer);
    expect(check).toMatchObject({ passed: true });
  });
});
