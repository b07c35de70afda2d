/** Caches: how they grow with the context, and that nothing is read of them that no token has left there. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { placementOf } from '../src/decode/place.js';
import { simulateSteps } from '../src/decode/simulate.js';
import type { Engine } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import { layerBuffers } from '../src/mapping/buffers.js';
import { layerShape } from '../src/mapping/shapes.js';
import type { LayerSpec, ModelSpec } from '../src/model/model.js';
import { bytesOf } from '../src/placement/budget.js';
import { deltaLayer } from './helpers/delta-models.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { cases } from './helpers/full.js';
import { latentLayer } from './helpers/latent-models.js';
import { OPTIONS } from './helpers/options.js';
import { overwrite } from './helpers/overwrite.js';
import { runnerOf } from './helpers/runner.js';

const spanning = (kind: 'window' | 'chunk', size: number) => layerWith({ span: { kind, size } });
const [WINDOW, CHUNK] = [spanning('window', 4), spanning('chunk', 4)];
const LATENT = latentLayer();

/** Bytes of the cache on a core of the first row, of so many positions. */
function bytesFor(model: ModelSpec, positions: number, latent?: 'latent' | 'expanded'): number {
  const [layer] = model.kinds;
  const shape = layerShape(model, layer, positions, 3, 8, 1, latent && { latent });
  const caches = layerBuffers(model, layer, shape, 'attention').filter(({ name }) =>
    ['keys', 'values', 'state', 'convState', 'past'].includes(name),
  );
  expect(caches.length).toBeGreaterThan(0);
  return bytesOf(caches);
}

describe('the cache of a layer', () => {
  const grows = (model: ModelSpec, latent?: 'latent' | 'expanded') =>
    [3, 6, 12, 24, 48].map((positions) => bytesFor(model, positions, latent));

  it('grows with every position that each of its rows has more', () => {
    for (const [layer, latent] of [
      [layerWith(), undefined],
      [LATENT, 'expanded'],
      [LATENT, 'latent'],
    ] as const) {
      const [one, ...more] = grows(modelOf([layer]), latent);
      expect(more).toEqual([2 * one, 4 * one, 8 * one, 16 * one]);
    }
  });

  it.each(['window', 'chunk'] as const)('of a %s is full once that is', (kind) => {
    const [one, ...more] = grows(modelOf([spanning(kind, 6)]));
    // Each of three rows has two of six positions.
    expect(more).toEqual([2, 2, 2, 2].map((slots) => slots * one));
  });

  it('of a delta net is as large as ever', () => {
    const [one, ...more] = grows(modelOf([deltaLayer()]));
    expect(more).toEqual([one, one, one, one]);
  });
});

/** Steps from an empty cache on, all of whose numbers are none. */
async function runFromNone(model: ModelSpec, sets: string[]) {
  const spoilt = new Set<string>();
  const engine: Engine = (input) => {
    const { name } = input.program;
    if (input.memory !== undefined && !spoilt.has(name)) {
      spoilt.add(name);
      for (const cache of ['keys', 'values']) overwrite(input, cache, () => NaN);
    }
    return reference(input);
  };
  const config = loadConfig('configs/tiny.yaml', [
    ...['hardware.width=200', 'workload.context=0', 'workload.tokens=6'],
    ...['placement.rows=3', 'placement.layerColumns=8', ...sets],
  ]);
  const own = { ...config, model };
  const runner = runnerOf(engine);
  const { check } = await simulateSteps(own, placementOf(own), {
    ...{ ...OPTIONS, engine: 'reference', runner },
  });
  return { check, spoilt };
}

describe('slots that no token has filled', () => {
  const some = [
    ['a window', WINDOW, []],
    ['latent vectors', LATENT, ['mapping.latent=latent']],
  ] as [string, LayerSpec, string[]][];
  const more = [
    ['all positions', layerWith(), []],
    ['a chunk', CHUNK, []],
    ['sinks', layerWith({ sinks: true, bias: true }), []],
    ['keys and values of latent attention', LATENT, ['mapping.latent=expanded']],
  ] as [string, LayerSpec, string[]][];
  it.each(cases(some, more))('are never read: %s', async (_, layer, sets) => {
    const { check, spoilt } = await runFromNone(modelOf([layer, layerWith()]), sets);
    expect(spoilt.size).toBeGreaterThanOrEqual(2);
    expect(check).toMatchObject({ passed: true, choice: true });
    expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
  });
});
