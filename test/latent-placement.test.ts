/** What caches of latent attention take, which form they get, and how a configuration asks for one. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { placementOf, requestOf } from '../src/decode/place.js';
import { checkRun } from '../src/decode/refusals.js';
import { layerBuffers } from '../src/mapping/buffers.js';
import { layerShape } from '../src/mapping/shapes.js';
import type { LatentForm } from '../src/mapping/mapping.js';
import { importHfConfig } from '../src/model/hf-config.js';
import { estimator } from '../src/placement/estimate.js';
import { bytesOf } from '../src/placement/budget.js';
import { settled, wafersNeeded } from '../src/placement/capacity.js';
import { storedWeights } from '../src/placement/stored-weights.js';
import { readFileSync } from 'node:fs';
import { SMALL, temporaryFolder, TINY } from './config-files.js';
import { latentModel, latentWith, withoutRank } from './helpers/latent-models.js';

const v3 = importHfConfig(JSON.parse(readFileSync('models/deepseek-v3.json', 'utf8')), {
  name: 'deepseek-v3',
  weightBits: 8,
});

/** Bytes of the caches of one layer that one more position on every row takes, for each position. */
function bytesPerPosition(columns: number, latent: LatentForm, kvReplicas: number): number {
  const rows = 290;
  const of = (positions: number) => {
    const held = { latent, kvReplicas };
    const shape = layerShape(v3, v3.kinds[0], positions * rows, rows, columns, 1, held);
    const caches = layerBuffers(v3, v3.kinds[0], shape, 'attention').filter(({ name }) =>
      ['keys', 'values'].includes(name),
    );
    return shape.attentionColumns * bytesOf(caches);
  };
  return of(2) - of(1);
}

describe('a cache of latent attention', () => {
  it.each([
    [32, 1],
    [256, 8],
    [512, 16],
  ])('has 1,152 bytes a position for each copy: %i columns, %i copies', (columns, copies) => {
    expect(bytesPerPosition(columns, 'latent', copies)).toBe(1152 * copies);
  });

  it('has keys of 192 and values of 128 numbers of 128 heads, expanded', () => {
    for (const columns of [64, 128, 256])
      expect(bytesPerPosition(columns, 'expanded', 1)).toBe(128 * (192 + 128) * 2);
  });
});

describe('the matrices of latent attention', () => {
  it.each([
    ['expanded', 1],
    ['latent', 2],
    ['latent', 4],
  ] as const)('are among the stored weights: %s, %i copies', (latent, kvReplicas) => {
    for (const attention of [latentWith({ heads: 4 }), withoutRank(latentWith({ heads: 4 }))]) {
      const model = latentModel(attention);
      const [rows, columns] = [3, 11];
      const part = { kind: 'attention', layer: 0, layerKind: 0, latent, kvReplicas } as const;
      const shape = layerShape(model, model.kinds[0], 9, rows, columns, 1, part);
      expect(shape.attentionColumns).toBeLessThan(columns);
      const bytes = (heads: boolean) =>
        bytesOf(
          layerBuffers(model, model.kinds[0], shape, 'attention', { heads }).filter(({ name }) =>
            /^w[A-Z]/.test(name),
          ),
        );
      const without = columns - shape.attentionColumns;
      const region = { ...part, name: 'layer 0 attention', sramBytesPerCore: 0 };
      const place = { wafer: 0, x: 0, y: 0, width: columns, height: rows };
      const placement = { strategy: 'row-major', layers: 'split', wafers: 1 } as const;
      const { stored } = storedWeights(model, { ...placement, regions: [{ ...region, ...place }] });
      expect(stored).toBe(rows * (shape.attentionColumns * bytes(true) + without * bytes(false)));
    }
  });
});

describe('mapping.latent', () => {
  const model = { ...latentModel(latentWith({ heads: 6 })), maxContext: 100_000 };
  const config = (latent: string, context: number, sets: string[] = []) => {
    const sized = ['hardware.width=60', 'hardware.height=40', 'hardware.wafers=auto'];
    const all = [...sized, `mapping.latent=${latent}`, 'hardware.core.sram=24 KiB', ...sets];
    const found = loadConfig('configs/tiny.yaml', all);
    const placement = { ...found.placement, growth: 'minimal' as const, rows: 40 };
    return { ...found, model, placement, workload: { ...found.workload, context, tokens: 1 } };
  };
  const wafers = (latent: string, context: number) =>
    wafersNeeded(model, config(latent, context).wafer, requestOf(config(latent, context)));

  it('auto is expanded where that takes as many wafers, and latent where it takes fewer', () => {
    const chosen = (context: number) => placementOf(config('auto', context)).latent;
    const [short, long] = [10, 12_000];
    expect(wafers('expanded', short)).toBe(wafers('latent', short));
    expect(chosen(short)).toBe('expanded');
    expect(wafers('expanded', long)).toBeGreaterThan(wafers('latent', long));
    expect(chosen(long)).toBe('latent');
    for (const context of [short, long]) {
      const { wafer } = config('auto', context);
      const request = requestOf(config('auto', context));
      expect(settled(model, wafer, request).latent).toBe(chosen(context));
    }
  });

  it('is what regions have, as asked for', () => {
    for (const latent of ['expanded', 'latent'] as const) {
      const { regions, latent: found } = placementOf(config(latent, 10));
      const held = regions.flatMap((region) => ('latent' in region ? [region.latent] : []));
      expect(found).toBe(latent);
      expect(new Set(held)).toEqual(new Set([latent]));
    }
  });

  it('is a key next to the name of the mapping', () => {
    const folder = temporaryFolder();
    try {
      const base = `hardware: ${SMALL}\nmodel: ${TINY}\n`;
      folder.write('word.yaml', `${base}\nmapping: gqa\n`);
      folder.write('both.yaml', `${base}\nmapping: { name: gqa, latent: latent }\n`);
      const load = (name: string, sets: string[] = []) =>
        loadConfig(`${folder.path}/${name}`, sets);
      expect(load('word.yaml')).toMatchObject({ mapping: 'gqa' });
      expect(load('word.yaml').resolved['mapping']).toBe('gqa');
      expect(load('word.yaml', ['mapping.latent=latent'])).toMatchObject({ latent: 'latent' });
      const { mapping, latent, resolved } = load('both.yaml');
      expect([mapping, latent]).toEqual(['gqa', 'latent']);
      expect(resolved['mapping']).toEqual({ name: 'gqa', latent: 'latent' });
      expect(load('both.yaml', ['mapping=waferllm'])).toMatchObject({ mapping: 'waferllm' });
      expect(() => load('word.yaml', ['mapping.latent=wide'])).toThrow(
        'mapping.latent: expected expanded or latent or auto, found "wide"',
      );
    } finally {
      folder.remove();
    }
  });

  it('latent takes copies that share the heads out evenly', () => {
    const asked = config('latent', 10, ['placement.kvReplicas=4']);
    expect(() => checkRun(asked)).toThrow(
      'placement.kvReplicas: expected auto or a divisor of 6, the query heads that share a KV head (6 heads on 1), found 4',
    );
    const shared = config('latent', 10, ['placement.kvReplicas=3']);
    const { regions } = placementOf(shared);
    expect(regions.flatMap((of) => ('latent' in of ? [of.kvReplicas] : []))).toEqual([3, 3]);
  });
});

it('the estimate of a token has the latent form slower on few columns', () => {
  const { wafer } = loadConfig('configs/wse3.yaml');
  const cycles = (latent: LatentForm) => {
    const kept = { mapping: 'gqa', maxPositions: 4097, batch: 1, kvReplicas: 1 } as const;
    const { parts } = estimator(v3, wafer, { ...kept, layers: 'split', latent });
    return parts(`attention 0 ${latent}`, 386, 128);
  };
  expect(cycles('latent')).toBeGreaterThan(2 * cycles('expanded'));
});
