/** Memory and programs of layers of several kinds: what dense families need more of, and windows less. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { planToken } from '../src/lowering/token.js';
import { layerBuffers } from '../src/mapping/buffers.js';
import { layerShape } from '../src/mapping/shapes.js';
import type { GqaSpec, Span } from '../src/model/attention-spec.js';
import type { LayerSpec, ModelSpec } from '../src/model/model.js';
import { modelBytes } from '../src/placement/budget.js';
import { place } from '../src/placement/place.js';
import { deploymentOf, usersHeld } from '../src/studies/steps/step-times.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { asking, wse3 } from './placement-helpers.js';

const windowed = (size: number, kind: 'window' | 'chunk' = 'window') =>
  layerWith({ span: { kind, size } });

describe('the memory of a core', () => {
  /** Elements by buffer on 4 rows and 5 columns, with room for 40 positions of each of so many users. */
  const lengths = (layer: LayerSpec, users = 1, changes: Partial<ModelSpec> = {}) => {
    const model = modelOf([layer], changes);
    const shape = layerShape(model, layer, 40, 4, 5, users);
    const buffers = layerBuffers(model, layer, shape, 'layer');
    return Object.fromEntries(buffers.map(({ name, length }) => [name, length]));
  };
  const plain = lengths(layerWith());

  /** What a layer has that a plain Llama's has not, or has in another length. */
  const more = (layer: LayerSpec) =>
    Object.fromEntries(
      Object.entries(lengths(layer)).filter(([name, length]) => plain[name] !== length),
    );
  const less = (layer: LayerSpec) => {
    const own = lengths(layer);
    return Object.keys(plain).filter((name) => own[name] === undefined);
  };

  // Slices of 6 dims and 4 inner units; 2 columns for a key head of 2 pairs and its 2 query heads.
  it('has the biases of its slices', () => {
    expect(more(layerWith({ bias: true }))).toEqual({ qkvBias: 2 * 4 + 2 * 4 });
    expect(more(layerWith({ outBias: true }))).toEqual({ oBias: 6 });
    const mlp = { kind: 'dense', inner: 19, act: { fn: 'silu' }, bias: true } as const;
    expect(more(layerWith({}, { mlp }))).toEqual({ gateUpBias: 2 * 4, downBias: 6 });
  });

  it('has the norms that it multiplies by', () => {
    const out = { attentionOutNorm: 6, mlpOutNorm: 6 };
    expect(more(layerWith({}, { norms: 'sandwich' }))).toEqual({ ...out, square: 4 });
    expect(more(layerWith({}, { norms: 'post' }))).toEqual(out);
    expect(less(layerWith({}, { norms: 'post' }))).toEqual(['normed', 'attentionNorm', 'mlpNorm']);
    expect(more(layerWith({ qkNorm: 'head' }))).toEqual({ qNorm: 4, kNorm: 4, headScale: 3 });
    expect(more(layerWith({ qkNorm: 'whole' }))).toEqual({ qkNorm: 3 * 4, headScale: 2 });
  });

  it('has no angles where nothing turns', () => {
    const { rope: _, ...unturned } = layerWith().attention as GqaSpec;
    expect(less({ ...layerWith(), attention: unturned })).toEqual([
      ...['angle', 'angleStep', 'angleWork', 'turn', 'turned'],
    ]);
  });

  it.each([
    // Of 40 positions 10 lie on each of 4 rows; of a window or chunk of 9 three on the fullest one.
    [{ kind: 'full' }, 10],
    [{ kind: 'window', size: 9 }, 3],
    [{ kind: 'chunk', size: 9 }, 3],
    [{ kind: 'window', size: 8 }, 2],
    [{ kind: 'chunk', size: 8 }, 2],
    [{ kind: 'window', size: 1 }, 1],
    [{ kind: 'window', size: 41 }, 10],
  ] as [Span, number][])('has a cache for the positions of %j', (span, slots) => {
    expect(lengths(layerWith({ span }))).toMatchObject({
      ...{ keys: 4 * slots, values: 4 * slots, scores: 2 * slots },
    });
    expect(lengths(layerWith({ span }), 3)).toMatchObject({
      ...{ keys: 4 * 3 * slots, values: 4 * 3 * slots, scores: 2 * 3 * slots },
    });
  });
});

describe('the caches of a model', () => {
  const model = modelOf([windowed(9), layerWith(), windowed(9), windowed(30, 'chunk')]);

  it('are as long as their windows', () => {
    // Keys and values of 2 heads of 6 elements in f32.
    const position = 2 * 2 * 6 * 4;
    expect(modelBytes(model, 5).cache).toBe(position * 4 * 5);
    expect(modelBytes(model, 20).cache).toBe(position * (9 + 20 + 9 + 20));
    expect(modelBytes(model, 100, 3).cache).toBe(3 * position * (9 + 100 + 9 + 30));
  });

  it('need fewer cores where windows are short', () => {
    const wafer = wse3({ core: { ...wse3().core, sramBytes: 60_000 } });
    const placed = place(model, wafer, asking({ rows: 2, growth: 'minimal', maxPositions: 2000 }));
    const [, short, full, again, chunk] = placed.regions.map(({ width }) => width);
    expect(again).toBe(short);
    expect(short).toBeLessThan(full);
    expect(chunk).toBeLessThan(full);
  });

  it('are given out by positions in serving, and whole users are counted by their caches', () => {
    const sets = ['placement.rows=8', 'placement.layerColumns=8', 'workload.data=false'];
    const config = loadConfig('configs/tiny.yaml', sets);
    const deployed = (...layers: LayerSpec[]) =>
      deploymentOf({ ...config, model: modelOf(layers) });
    const [full, short, both] = [
      deployed(layerWith()),
      deployed(windowed(16)),
      deployed(layerWith(), windowed(16)),
    ];
    expect(short.kvTokens).toBe(full.kvTokens);
    expect(both.kvTokens).toBe(full.kvTokens);
    const slots = full.kvTokens / 8;
    expect(usersHeld(full, 64)).toBe(Math.floor(slots / 8));
    expect(usersHeld(short, 64)).toBe(Math.floor(slots / 2));
    expect(usersHeld(short, 9)).toBe(Math.floor(slots / 2));
    expect(usersHeld(short, 8)).toBe(slots);
    expect(usersHeld(both, 64)).toBe(Math.floor(slots / 8));
  });
});

describe('stages of a step', () => {
  const groups = { column: 1, row: 1, head: 1 };
  const keysOf = (model: ModelSpec, context: number) => {
    const wafer = wse3();
    const request = asking({ rows: 3, layerColumns: 4, growth: 'minimal', maxPositions: 60 });
    const placement = place(model, wafer, request);
    const step = { context, maxPositions: 60 };
    return planToken({ model, wafer, placement, groupsOf: () => groups }, step).stages;
  };

  it('come again where a window is full and its ring begins anew, and in each chunk', () => {
    const model = modelOf([windowed(8), layerWith(), windowed(8, 'chunk')]);
    const [at, later, next] = [keysOf(model, 18), keysOf(model, 26), keysOf(model, 27)];
    const same = (a: typeof at, b: typeof at) => a.map(({ key }, i) => key === b[i].key);
    // Embedding, window, all positions, chunk, head.
    expect(same(at, later)).toEqual([true, true, false, true, true]);
    expect(same(later, next)).toEqual([true, false, false, false, true]);
    // Before the window is full it holds fewer.
    expect(same(keysOf(model, 2), keysOf(model, 10))[1]).toBe(false);
    for (const i of [1, 3]) {
      const { name: _, ...program } = at[i].write().program;
      const { name: __, ...again } = later[i].write().program;
      expect(again).toEqual(program);
    }
  });

  it('of layers of one kind are alike, and of others not', () => {
    const model = modelOf([windowed(8), windowed(8), layerWith(), windowed(8)]);
    const stages = keysOf(model, 4);
    expect(stages[3].key).not.toBe(stages[2].key);
    expect(stages[1].write().program.roles).not.toEqual(stages[3].write().program.roles);
  });
});
