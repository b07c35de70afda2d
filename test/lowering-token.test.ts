import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { fast } from '../src/engine/fast/fast.js';
import { planToken } from '../src/lowering/token.js';
import { placementOf } from '../src/decode/place.js';
import { resized } from './helpers/small-model.js';

const config = loadConfig('configs/tiny.yaml', ['placement.rows=5', 'placement.layerColumns=4']);
const wide = { ...config, model: resized(config.model, { layers: 6 }) };
const { model, wafer } = wide;
const groups = { column: 2, row: 2, head: 1 };
const step = { context: 8, maxPositions: 9 };
const plan = planToken(
  { model, wafer, placement: placementOf(wide), groupsOf: () => groups },
  step,
);

describe('the stages of a token', () => {
  it('lead from the head through all regions to the head', () => {
    const names = plan.stages.map(({ name }) => name);
    const layers = Array.from({ length: 6 }, (_, i) => `layer ${i}`);
    expect(names).toEqual(['embedding', ...layers, 'head']);
    for (const [i, { from }] of plan.stages.entries()) expect(from).toBe(plan.stages.at(i - 1)!.to);
  });

  it('with equal keys take the same cycles, though their colours differ', () => {
    const byKey = new Map<string, number[]>();
    const colorsOf = new Map<string, Set<string>>();
    for (const stage of plan.stages) {
      const { program } = stage.write();
      const { cycles } = fast({ program, wafer });
      byKey.set(stage.key, [...(byKey.get(stage.key) ?? []), cycles]);
      const colors = new Set(program.roles.flatMap((r) => r.routes.map(({ color }) => color)));
      const seen = colorsOf.get(stage.key) ?? new Set();
      colorsOf.set(stage.key, seen.add([...colors].join()));
    }
    expect(Math.max(...[...byKey.values()].map((cycles) => cycles.length))).toBeGreaterThan(1);
    for (const cycles of byKey.values()) expect(new Set(cycles).size).toBe(1);
    expect(Math.max(...[...colorsOf.values()].map((set) => set.size))).toBeGreaterThan(1);
  });
});
