/** Layers whose attention and MLP have regions of their own: what they compute, take and need. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { EngineName } from '../src/engine/engines.js';
import type { ModelSpec } from '../src/model/model.js';
import type { LayerColumns } from '../src/mapping/mapping.js';
import type { RunDetail } from '../src/report/detail.js';
import { ranges } from '../src/report/format.js';
import { runTable } from '../src/report/table.js';
import { floorPlan } from '../src/studies/compare/floor-plan.js';
import { count } from './helpers/full.js';
import { denseModels, layerWith, modelOf } from './helpers/dense-models.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

interface Shape {
  rows: number;
  attention: number;
  mlp: number;
  groups: number;
  context: number;
  tokens: number;
}

interface Asked {
  layerColumns: LayerColumns;
  layers?: 'whole' | 'split';
  engine?: EngineName;
  wafers?: number;
  batch?: number;
}

/** Runs a model on regions of these widths, its logits held against the plain decoder's. */
async function run(model: ModelSpec, shape: Omit<Shape, 'attention' | 'mlp'>, asked: Asked) {
  const { rows, groups, context, tokens } = shape;
  const { layerColumns, layers = 'split', wafers = 1, batch = 1 } = asked;
  // On two wafers of one shelf each the second layer's attention is on the first, and its MLP on the second.
  const size = wafers === 1 ? [200, 40] : [22, rows];
  const sets = [`width=${size[0]}`, `height=${size[1]}`, `wafers=${wafers}`];
  const config = loadConfig(
    'configs/tiny.yaml',
    sets.map((set) => `hardware.${set}`),
  );
  const workload = { ...config.workload, context, tokens, batch };
  const sizes = {
    growth: 'minimal',
    rows,
    layers,
    layerColumns,
    groups,
  } as typeof config.placement;
  const placement = { ...config.placement, ...sizes };
  const logits: number[][] = [];
  let detail: RunDetail | undefined;
  const options = {
    ...{ ...OPTIONS, engine: asked.engine ?? OPTIONS.engine },
    onLogits: (of: ArrayLike<number>) => logits.push(Array.from(of)),
    onDetail: (of: RunDetail) => void (detail = of),
  };
  const found = await simulateTimes({ ...config, model, workload, placement }, options);
  return { ...found, logits, detail };
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  rows: fc.integer({ min: 1, max: 8 }),
  ...{ attention: fc.integer({ min: 1, max: 9 }), mlp: fc.integer({ min: 1, max: 9 }) },
  groups: fc.integer({ min: 1, max: 3 }),
  ...{ context: fc.integer({ min: 0, max: 12 }), tokens: fc.integer({ min: 1, max: 4 }) },
});

describe('models of any layers', () => {
  it('have the logits of the plain decoder in two regions a layer, and the same times on both engines', async () => {
    await fc.assert(
      fc.asyncProperty(denseModels, shapes, async (model, { attention, mlp, ...shape }) => {
        const layerColumns = { attention, mlp };
        const fast = await run(model, shape, { layerColumns });
        const slow = await run(model, shape, { layerColumns, engine: 'reference' });
        expect(fast.check).toMatchObject({ passed: true, choice: true });
        expect(fast.steps).toEqual(slow.steps);
        expect(fast.decode.breakdown).toEqual(slow.decode.breakdown);
        expect(fast.check).toEqual(slow.check);
        expect(fast.decode.perLayerCycles.length).toBe(model.layers.length);
        const all = Object.values(fast.decode.breakdown).reduce((sum, of) => sum + of.cycles, 0);
        expect(all).toBe(fast.decode.cyclesPerToken);
      }),
      { seed: 17, numRuns: count(4, 12) },
    );
  }, 240_000);
});

const gqa = { attention: 7, mlp: 5 };
const mlpWith = (norms: 'pre' | 'post' | 'sandwich') =>
  layerWith(
    { bias: true, outBias: true, qkNorm: 'whole', span: { kind: 'window', size: 5 } },
    { norms, mlp: { kind: 'dense', inner: 19, act: { fn: 'gelu-tanh' }, bias: true } },
  );

describe.each(['pre', 'post', 'sandwich'] as const)('norms %s', (norms) => {
  const all: [number, number, boolean][] = [
    [1, 1, false],
    [2, 3, true],
    [2, 3, false],
    [1, 3, true],
    [2, 1, true],
    [2, 1, false],
  ];
  // Each norm on one wafer and on two, each case with some norm.
  const some = { pre: [0, 1, 4], post: [1, 3, 5], sandwich: [2, 3, 4] }[norms];
  it.each(some.slice(0, count(1, 3)).map((i) => all[i]))(
    'are split as whole on %i wafers, for %i users, tied: %s',
    async (wafers, batch, tied) => {
      const model = modelOf([mlpWith(norms), layerWith(), mlpWith(norms)], { tied });
      const shape = { rows: 3, groups: 2, context: 9, tokens: 3 };
      const asked = { wafers, batch };
      const split = await run(model, shape, { ...asked, layerColumns: gqa });
      const slow = await run(model, shape, { ...asked, layerColumns: gqa, engine: 'reference' });
      const whole = await run(model, shape, { ...asked, layers: 'whole', layerColumns: 7 });
      expect([split.placement.layers, whole.placement.layers]).toEqual(['split', 'whole']);
      const on = split.placement.regions.map(({ wafer }) => wafer);
      expect(on.slice(0, 6)).toEqual(wafers === 1 ? [0, 0, 0, 0, 0, 0] : [0, 0, 0, 0, 1, 1]);
      for (const { check, decode } of [split, whole]) {
        expect(check).toMatchObject({ passed: true, choice: true });
        expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
        expect(decode.perLayerCycles.length).toBe(3);
      }
      expect(split.steps).toEqual(slow.steps);
      expect(split.logits.length).toBe(3);
      split.logits.forEach((logits, step) => {
        const largest = Math.max(...whole.logits[step].map(Math.abs));
        for (const [i, logit] of logits.entries())
          expect(Math.abs(logit - whole.logits[step][i])).toBeLessThan(1e-5 * largest);
      });
    },
  );
});

describe('what is said of split layers', () => {
  const model = modelOf([layerWith(), mlpWith('pre'), layerWith()]);
  const shape = { rows: 3, groups: 2, context: 9, tokens: 1 };

  it('is a number of cycles for each layer, that of both regions', async () => {
    const { decode, detail } = await run(model, shape, { layerColumns: gqa });
    const cyclesOf = detail!.stages.map(({ name, operators }) => {
      return [name, operators.reduce((sum, { start, end }) => sum + end - start, 0)] as const;
    });
    const of = new Map(cyclesOf);
    expect([...of.keys()].slice(1, 5)).toEqual([
      ...['layer 0 attention', 'layer 0 mlp', 'layer 1 attention', 'layer 1 mlp'],
    ]);
    expect(decode.perLayerCycles).toEqual(
      [0, 1, 2].map((i) => of.get(`layer ${i} attention`)! + of.get(`layer ${i} mlp`)!),
    );
  });

  it('is a row for each kind of region, however they take turns', async () => {
    const found = await run(model, shape, { layerColumns: gqa });
    const text = runTable(found, { color: false });
    expect(text).toMatch(/^ {2}layer 0, 2 attention +2 /m);
    expect(text).toMatch(/^ {2}layer 1 attention +1 /m);
    expect(text).toMatch(/^ {2}layer 0, 2 mlp +2 /m);
    expect(text).toContain('reused     layer 0 mlp as layer 2 mlp');
    expect(floorPlan(found.placement)).toMatch(/\|0 attn *\|0 mlp *\|1 attn/);
    expect(ranges(['a 1 b', 'a 1 c', 'a 2 b', 'a 3 b', 'd', 'a 5 b', 'a 2 c'])).toBe(
      'a 1 .. 3, 5 b, a 1, 2 c, d',
    );
  });
});

describe('regions wherever there is room', () => {
  // One after the other they take two wafers of three shelves of eight columns.
  const load = (...sets: string[]) =>
    loadConfig('configs/tiny.yaml', [
      ...['hardware.width=8', 'hardware.height=12', 'placement.layers=split', 'placement.rows=4'],
      ...['placement.layerColumns.attention=3', 'placement.layerColumns.mlp=6', ...sets],
    ]);

  it('compute the same on fewer wafers, in both engines, whatever the strategy', async () => {
    const auto = await simulateTimes(load('hardware.wafers=auto'), OPTIONS);
    expect(auto.placement.wafers).toBe(2);
    for (const strategy of ['row-major', 'greedy', 'anneal']) {
      const config = load('hardware.wafers=1', `placement.strategy=${strategy}`);
      const found = await simulateTimes(config, OPTIONS);
      expect(found.placement.wafers).toBe(1);
      expect(found.check).toMatchObject({ passed: true, choice: true });
      if (strategy !== 'greedy') continue;
      const reference = await simulateTimes(config, { ...OPTIONS, engine: 'reference' });
      expect(reference.steps).toEqual(found.steps);
    }
  });
});
