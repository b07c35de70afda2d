/** Where layers with experts lie: their hand-offs find colours beside the gathers', and their memory is counted. */
import { describe, expect, it } from 'vitest';
import { layerCode } from '../src/lowering/region.js';
import { visitStage } from '../src/lowering/stage.js';
import { hasAttention } from '../src/mapping/mapping.js';
import { layerBuffers } from '../src/mapping/buffers.js';
import { layerShape } from '../src/mapping/shapes.js';
import { hasExperts, type ModelSpec } from '../src/model/model.js';
import { codeBytesOf, regionBytes } from '../src/placement/budget.js';
import { sramBytesOf } from '../src/program/program.js';
import { placed, planned, sidesBy, waferOf, wafersOf, wrongColors } from './helpers/colored.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';
import { cases, count, FULL } from './helpers/full.js';
import { asking, wse3 } from './placement-helpers.js';

const sigmoid = { score: 'sigmoid', bias: 'choice', groups: { count: 4, keep: 2 } } as const;
/** Layers with a few experts and with many, and dense ones between them. */
const KINDS = [
  expertLayer({ count: 40, topK: 4, inner: 30 }),
  layerWith(),
  expertLayer({ count: 8, inner: 17, shared: { inner: 9, gate: true }, router: sigmoid }),
];
const modelWith = (layers: number) =>
  modelOf(Array.from({ length: layers }, (_, i) => KINDS[i % KINDS.length]));

/** Routers of a router's rows that a hand-off passes on a colour of the gather. */
function inTheWay(model: ModelSpec, { stages, places }: ReturnType<typeof planned>): string[] {
  const gathers = places.filter(
    ({ region }) =>
      region !== undefined &&
      'layerKind' in region &&
      hasAttention(region.kind) &&
      hasExperts(model.kinds[region.layerKind]),
  );
  expect(gathers.length).toBeGreaterThan(0);
  const wrong: string[] = [];
  for (const { source, colors, to, name } of stages) {
    const { wafer } = places[to];
    visitStage(source!, places[to], (x, y, channel) => {
      if (colors[channel] > 16) return;
      const there = gathers.find((of) => {
        const inside = x >= of.x && x < of.x + of.width && y >= of.y && y < of.y + of.height;
        return of.wafer === wafer && inside;
      });
      if (there)
        wrong.push(`the hand-off to ${name} has colour ${colors[channel]} in ${there.name}`);
    });
  }
  return wrong;
}

describe('hand-offs of models of 2 to 8 layers with experts', () => {
  it.each(['whole', 'split'] as const)('find colours on every shape: %s layers', (form) => {
    let fit = 0;
    for (const layers of cases([2, 5, 8], [3, 4, 6, 7]))
      for (const wafer of wafersOf(sidesBy(FULL ? 20 : 40))) {
        const model = modelWith(layers);
        const placement = placed(model, wafer, { layers: form });
        if (placement === undefined) continue;
        fit++;
        const plan = planned(model, wafer, placement);
        expect(wrongColors(plan, wafer)).toEqual([]);
        expect(inTheWay(model, plan)).toEqual([]);
      }
    expect(fit).toBeGreaterThan(count(8, 20));
  });

  it('have the colours of gathers where no router is', () => {
    const model = modelOf([layerWith(), layerWith()]);
    const wafer = waferOf(24, 24);
    const { stages } = planned(model, wafer, placed(model, wafer)!);
    expect(Math.min(...stages.flatMap(({ colors }) => colors))).toBe(15);
  });
});

describe('the memory of a layer with experts', () => {
  const asked = { ...asking({ maxPositions: 7 }), layers: 'whole' as const };

  it.each(['layer', 'attention', 'mlp'] as const)(
    'is what the fullest of its cores keeps, code included: %s',
    (kind) => {
      for (const [layerKind, rows, columns] of [
        [0, 3, 6],
        [0, 9, 2],
        [2, 4, 8],
        [2, 1, 2],
      ]) {
        const model = modelWith(3);
        const wafer = wse3();
        const region = { kind, layerKind, width: columns, height: rows };
        const every = { column: 1, row: 1, head: 1 };
        const code = layerCode(model, wafer, region, every, { context: 6, maxPositions: 7 });
        let most = 0;
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++) {
            const role = { ...code.write(row, column), operations: [], routes: [] };
            most = Math.max(most, sramBytesOf(role));
          }
        expect(regionBytes({ kind, layerKind }, model, wafer, asked, rows, columns)).toBe(most);
      }
    },
  );

  it('has the code of the router where it chooses, and that of the experts where they are', () => {
    const { codeBytes } = wse3().core;
    const more = (kind: 'layer' | 'attention' | 'mlp') =>
      codeBytesOf(kind, codeBytes, true) - codeBytesOf(kind, codeBytes, false);
    expect([more('layer'), more('attention'), more('mlp')]).toEqual([900, 600, 300]);
  });

  it('has the router on as many columns as it takes, and the choice at the root alone', () => {
    const layer = KINDS[0];
    const model = modelOf([layer]);
    const names = (router?: 'column' | 'root') => {
      const shape = layerShape(model, layer, 7, 3, 12);
      const buffers = layerBuffers(model, layer, shape, 'layer', { heads: true, router });
      return new Map(buffers.map(({ name, length }) => [name, length]));
    };
    const [none, column, root] = [names(), names('column'), names('root')];
    const more = (a: typeof none, b: typeof none) => [...a.keys()].filter((name) => !b.has(name));
    expect(more(column, none)).toEqual(['wRouter', 'expertScores']);
    expect(more(root, column)).toEqual([
      ...['candidates', 'rank', 'slots', 'expertWeights', 'routerPeak', 'routerTotal'],
    ]);
    // 40 experts, four on each of ten columns; 3 rows find the places of 14 at most.
    expect(column.get('expertScores')).toBe(4);
    expect(root.get('expertScores')).toBe(40);
    expect(root.get('candidates')).toBe(2 * 14);
    expect([...none.keys()].slice(0, 3)).toEqual(['x', 'normed', 'choice']);
    expect(none.get('choice')).toBe(8);
    // Three units of 30 on each of 12 columns, of every expert.
    expect(none.get('wExpertGateUp')).toBe(40 * 8 * 6);
  });
});
