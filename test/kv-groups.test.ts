/** KV heads held in several KV groups: they change times and memory, never logits. */
import { describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { placementOf } from '../src/decode/place.js';
import type { EngineName } from '../src/engine/engines.js';
import { MAPPINGS } from '../src/mapping/mappings.js';
import type { GqaSpec } from '../src/model/attention-spec.js';
import type { ModelSpec } from '../src/model/model.js';
import { bytesOf, leastBytes, regionBytes, replicasOf } from '../src/placement/budget.js';
import { wafersNeeded } from '../src/placement/capacity.js';
import { place } from '../src/placement/place.js';
import { storedWeights } from '../src/placement/stored-weights.js';
import { deploymentOf, usersHeld } from '../src/studies/steps/step-times.js';
import { layerWith, modelOf, ropeWith } from './helpers/dense-models.js';
import { OPTIONS } from './helpers/options.js';
import { gqaShape } from './helpers/shapes.js';
import { cases, FULL } from './helpers/full.js';
import { simulate } from '../src/studies/run/run.js';
import { simulateTimes } from './helpers/times.js';

const base = loadConfig('configs/tiny.yaml', ['hardware.width=200']);

/** Eight query heads on two KV heads, so 1, 2 or 4 groups of each. */
const eight = (attention: Partial<GqaSpec> = {}, changes: Partial<ModelSpec> = {}) =>
  modelOf([layerWith({ heads: 8, ...attention }), layerWith({ heads: 8 })], changes);

interface Asked {
  kvReplicas: number | 'auto';
  rows?: number;
  layerColumns?: number;
  layers?: 'whole' | 'split';
  batch?: number;
}

function configOf(model: ModelSpec, { batch = 1, ...sizes }: Asked): ResolvedConfig {
  const workload = { ...base.workload, context: 6, tokens: 2, batch };
  const placement = { ...base.placement, growth: 'minimal' as const, ...sizes };
  return { ...base, model, workload, placement };
}

/** A run with its logits, step after step. */
async function run(model: ModelSpec, asked: Asked, engine: EngineName = 'fast') {
  const logits: number[][] = [];
  const onLogits = (of: ArrayLike<number>) => void logits.push(Array.from(of));
  const document = await simulateTimes(configOf(model, asked), { ...OPTIONS, engine, onLogits });
  return { ...document, logits };
}

const MODELS: [string, ModelSpec][] = [
  ['plain layers', eight()],
  ['norms of heads', eight({ qkNorm: 'head' })],
  ['norms of all heads', eight({ qkNorm: 'whole' })],
  ['windows', eight({ span: { kind: 'window', size: 4 } })],
  ['chunks', eight({ span: { kind: 'chunk', size: 3 } })],
  ['biases', eight({ bias: true, outBias: true })],
  ['rotary pairs of neighbours', eight({ rope: ropeWith({ pairs: 'neighbours' }) })],
  ['numbers of 16 bits', eight({}, { dtype: 'f16', weightBits: 16 })],
  ['weights of 8 bits', eight({}, { weightBits: 8 })],
  ['one KV head', eight({ kvHeads: 1 })],
];

describe('KV replicas', () => {
  const models = MODELS.map(([name, model], i) => [name, model, i] as const);
  it.each(models)('leave the logits of %s as they are', async (_, model, i) => {
    const tolerance = model.dtype === 'f16' ? 3e-2 : 1e-4;
    // Columns that divide nothing; and so few that a column holds several groups, of one KV head too.
    for (const layerColumns of cases([[11, 3][i % 2]], [[3, 11][i % 2]])) {
      const sizes = { rows: 5, layerColumns };
      const once = await run(model, { ...sizes, kvReplicas: 1 });
      const largest = Math.max(...once.logits.flat().map(Math.abs));
      for (const kvReplicas of [2, 4]) {
        const found = await run(model, { ...sizes, kvReplicas });
        expect(found.check).toMatchObject({ passed: true, choice: true });
        expect(found.check!.logitsMaxRelativeError).toBeLessThan(tolerance);
        found.logits.flat().forEach((logit, i) => {
          expect(Math.abs(logit - once.logits.flat()[i])).toBeLessThan(tolerance * largest);
        });
        expect(found.decode.cyclesPerToken).not.toBe(once.decode.cyclesPerToken);
      }
    }
  });

  it.each([
    ['whole', 7, 1],
    ['split', 9, 1],
    ['whole', 5, 2],
  ] as const)(
    'are timed and computed alike by both engines: layers %s, %i columns, %i users',
    async (layers, layerColumns, batch) => {
      for (const kvReplicas of batch > 1 ? [2] : [2, 4]) {
        const asked = { kvReplicas, rows: 3, layerColumns, layers, batch };
        const [fast, slow] = [
          await run(eight({ qkNorm: 'head' }), asked),
          await run(eight({ qkNorm: 'head' }), asked, 'reference'),
        ];
        expect(fast.check).toMatchObject({ passed: true, choice: true });
        expect(fast.logits).toEqual(slow.logits);
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.fabric).toEqual(slow.fabric);
      }
    },
  );

  it('share the query heads of a KV head out among its groups', () => {
    const shapes = [1, 2, 4].map((count) =>
      gqaShape(eight(), eight().kinds[0], 40, 5, 16, 1, { kvReplicas: count }),
    );
    // Three pairs of each head: in 8 columns of a group one each, in 4 one each, in 2 two each.
    expect(shapes.map((s) => [s.groupWidth, s.pairs, s.queryHeads])).toEqual([
      [8, 1, 4],
      [4, 1, 2],
      [2, 2, 1],
    ]);
    expect(shapes.map((s) => [s.keyDims, s.queryDims, s.attentionColumns])).toEqual([
      [2, 8, 16],
      [2, 4, 16],
      [4, 4, 16],
    ]);
    // Eight groups on five columns: two each, and the last column has none.
    const few = gqaShape(eight(), eight().kinds[0], 40, 5, 5, 1, { kvReplicas: 4 });
    expect([few.headsPerColumn, few.attentionColumns, few.queryHeads, few.pairs]).toEqual([
      2, 4, 2, 3,
    ]);
  });

  it('are counted in the memory of cores, cache and all', () => {
    const { wafer } = base;
    const asked = (maxPositions: number, batch = 1) =>
      ({ mapping: 'gqa', maxPositions, batch }) as const;
    const bytes = (kvReplicas: number, positions: number, users = 1) => {
      const part = { kind: 'attention', layerKind: 0, kvReplicas } as const;
      return regionBytes(part, eight(), wafer, asked(positions, users), 1, 24);
    };
    // One row, f32. With 12 columns of a group 3 have a pair; with 3 one each, so 2 elements in every case;
    // scores are those of 4, 2 and 1 query heads.
    const perPosition = (kvReplicas: number) => bytes(kvReplicas, 101) - bytes(kvReplicas, 100);
    expect([1, 2, 4].map(perPosition)).toEqual([4 * (2 * 2 + 4), 4 * (2 * 2 + 2), 4 * (2 * 2 + 1)]);
    // Of 8 columns a group has 4, 2 and 1: with 1, 2 and 3 pairs.
    const narrow = (kvReplicas: number, positions: number, users: number) => {
      const part = { kind: 'attention', layerKind: 0, kvReplicas } as const;
      return regionBytes(part, eight(), wafer, asked(positions, users), 1, 8);
    };
    const of = (kvReplicas: number, users: number) =>
      narrow(kvReplicas, 101, users) - narrow(kvReplicas, 100, users);
    expect([1, 2, 4].map((count) => of(count, 1))).toEqual([
      4 * (2 * 2 + 4),
      4 * (2 * 4 + 2),
      4 * (2 * 6 + 1),
    ]);
    expect([1, 2, 4].map((count) => of(count, 3))).toEqual(
      [1, 2, 4].map((count) => 3 * of(count, 1)),
    );
  });

  it.each([1, 2])('are among the stored weights, %i of each KV head', (kvReplicas) => {
    const model = eight();
    const [rows, columns] = [3, 8];
    const part = { kind: 'attention', layerKind: 0, kvReplicas } as const;
    const buffers = MAPPINGS.gqa.buffers(part, { model, rows, columns, positions: 1, users: 1 });
    const matrices = buffers.filter(({ name }) => ['wQkv', 'wO'].includes(name));
    expect(matrices).toHaveLength(2);
    const region = {
      ...{ ...part, layer: 0, name: 'layer 0 attention', sramBytesPerCore: 0 },
      ...{ wafer: 0, x: 0, y: 0, width: columns, height: rows },
    };
    const placement = { strategy: 'row-major', layers: 'split', wafers: 1 } as const;
    const { stored } = storedWeights(model, { ...placement, regions: [region] });
    // With one group of a KV head or two all of the columns have some head.
    expect(stored).toBe(rows * columns * bytesOf(matrices));
  });
});

describe('placement.kvReplicas', () => {
  it('is auto, which takes those that are estimated to be fastest and fit', () => {
    expect(base.placement.kvReplicas).toBe('auto');
    const config = loadConfig('configs/wse3.yaml');
    const region = (kvReplicas: number | 'auto', sramBytes = config.wafer.core.sramBytes) => {
      const wafer = { ...config.wafer, core: { ...config.wafer.core, sramBytes } };
      const placement = { ...config.placement, kvReplicas, rows: 96, layerColumns: 239 };
      return placementOf({ ...config, wafer, placement }).regions[1];
    };
    const auto = region('auto');
    expect(auto).toMatchObject({ kvReplicas: 4 });
    expect(region(4)).toEqual(auto);
    expect(region(1)).not.toHaveProperty('kvReplicas');
    expect(auto.sramBytesPerCore).toBeGreaterThan(region(1).sramBytesPerCore);
    // Without room for four it takes two, and without room for two none.
    const [once, twice] = [region(1), region(2)].map((of) => of.sramBytesPerCore);
    expect(region('auto', auto.sramBytesPerCore - 1)).toMatchObject({ kvReplicas: 2 });
    expect(region('auto', twice - 1)).not.toHaveProperty('kvReplicas');
    expect(() => region('auto', once - 1)).toThrow(/needs/);
    if (FULL) expect(() => region(2, twice - 1)).toThrow(/needs/);
  });

  it('takes no wafer more, and fits the users that are asked for', () => {
    const { model, wafer } = loadConfig('configs/llama-70b.yaml');
    const request = {
      ...({ strategy: 'row-major', mapping: 'gqa', maxPositions: 4097, batch: 2 } as const),
      growth: 'minimal' as const,
    };
    const many = { ...wafer, wafers: 'auto' as const };
    const counts = ([1, 'auto'] as const).map((kvReplicas) =>
      wafersNeeded(model, many, { ...request, kvReplicas }),
    );
    expect(counts[1]).toBe(counts[0]);
    const [once, auto] = ([1, 'auto'] as const).map((kvReplicas) =>
      place(model, many, { ...request, kvReplicas }),
    );
    expect(auto.wafers).toBe(once.wafers);
    const cores = (of: typeof once) => of.regions.reduce((sum, r) => sum + r.width * r.height, 0);
    // But for what it may spend on squarer regions.
    expect(cores(auto)).toBeLessThanOrEqual(1.02 * cores(once));
    for (const region of auto.regions)
      expect(region.sramBytesPerCore).toBeLessThanOrEqual(wafer.core.sramBytes);
  });

  it('is 1 where requests are served, whose users need the room', () => {
    const served = loadConfig('configs/serving-tiny.yaml');
    const replicas = (config: ResolvedConfig) =>
      placementOf(config).regions.flatMap((of) => ('kvReplicas' in of ? [of.kvReplicas] : []));
    expect(replicas(served)).toEqual([]);
    const as = (kvReplicas: number | 'auto') =>
      deploymentOf({
        ...base,
        placement: { ...base.placement, rows: 6, layerColumns: 4, kvReplicas },
      });
    expect(replicas(as('auto').config)).toEqual([]);
    expect(as('auto').kvTokens).toBe(as(1).kvTokens);
    expect(usersHeld(as('auto'), 50)).toBe(usersHeld(as(1), 50));
    // Who asks for replicas gets them, and room for fewer.
    expect(as(2).kvTokens).toBeLessThan(as(1).kvTokens);
  });

  it('has to share the query heads of every KV head out evenly', async () => {
    expect(replicasOf(layerWith({ heads: 12, kvHeads: 2 }))).toEqual([1, 2, 3, 6]);
    const wrong = configOf(eight(), { kvReplicas: 3 });
    expect(() => placementOf(wrong)).toThrow(
      'placement.kvReplicas: expected auto or a divisor of 4, the query heads that share a KV head (8 heads on 2), found 3',
    );
    const kinds = modelOf([layerWith({ heads: 8 }), layerWith({ heads: 6 })]);
    expect(() => placementOf(configOf(kinds, { kvReplicas: 2 }))).toThrow('a divisor of 3');
    expect(() => loadConfig('configs/wse2-waferllm.yaml', ['placement.kvReplicas=2'])).toThrow(
      'expected auto with mapping: waferllm, found 2',
    );
    for (const value of ['0', 'many', '1.5'])
      expect(() => loadConfig('configs/tiny.yaml', [`placement.kvReplicas=${value}`])).toThrow(
        'placement.kvReplicas',
      );
    const { regions } = placementOf(configOf(kinds, { kvReplicas: 'auto', layerColumns: 30 }));
    const held = regions.flatMap((of) => ('kvReplicas' in of ? [of.kvReplicas] : []));
    expect(held.every((count) => count === 2 || count === 3 || count === 4)).toBe(true);
  });

  it('is tried by simulation on the fastest shapes that a search finds', async () => {
    const sets = ['placement.growth=search', 'placement.layers=whole', 'workload.data=false'];
    const size = ['hardware.width=12', 'hardware.height=10', 'workload.tokens=1'];
    const config = loadConfig('configs/tiny.yaml', [...sets, ...size]);
    const { decode, placement } = await simulate(config, OPTIONS);
    const { rows, layerColumns, groups, kvReplicas, replicasTried } = placement.search!;
    // Two numbers on each of two shapes.
    expect(replicasTried).toBe(4);
    const found = kvReplicas ?? ('auto' as const);
    const cyclesOf = async (count: number | 'auto', of?: typeof groups) => {
      const asked = { growth: 'fill' as const, rows, layerColumns, kvReplicas: count };
      const placed = { ...config.placement, ...asked, ...(of && { groups: of }) };
      const run = await simulateTimes({ ...config, placement: placed }, OPTIONS);
      return run.decode.cyclesPerToken;
    };
    expect(await cyclesOf(found, groups)).toBe(decode.cyclesPerToken);
    for (const count of [1, 2])
      expect(decode.cyclesPerToken).toBeLessThanOrEqual(await cyclesOf(count));
    const asked = { ...config.placement, kvReplicas: 1 };
    const once = await simulate({ ...config, placement: asked }, OPTIONS);
    expect(once.placement.search).not.toHaveProperty('replicasTried');
    expect(once.decode.cyclesPerToken).toBeGreaterThanOrEqual(decode.cyclesPerToken);
  });

  it('leaves an all-reduce within a KV group the groups that are asked for', () => {
    const groups = { column: 1, row: 1, head: 4 };
    const placement = { ...base.placement, rows: 6, layerColumns: 9, groups };
    const { regions } = placementOf({ ...base, placement });
    expect(regions[1]).not.toHaveProperty('kvReplicas');
    expect(regions[1].width).toBe(9);
  });

  it('never asks for more memory than the fewest columns have', () => {
    const part = { kind: 'layer', layerKind: 0 } as const;
    const asked = { mapping: 'gqa', maxPositions: 40, batch: 1 } as const;
    for (const columns of [1, 2, 5, 8, 11, 16]) {
      const least = (kvReplicas: number | 'auto') =>
        leastBytes(part, eight(), base.wafer, { ...asked, kvReplicas }, 5, columns);
      expect(least('auto')).toBeLessThanOrEqual(least(1));
    }
  });
});
