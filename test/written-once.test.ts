/** What cores of a region have in common is written once, and roles of a stage are numbered without a look at idle cores. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindsIn } from '../src/lowering/lines.js';
import { layerCode, tableCode, type RegionCode } from '../src/lowering/region.js';
import { visitStage, writeStage } from '../src/lowering/stage.js';
import type { ModelSpec } from '../src/model/model.js';
import { models, wse3 } from './placement-helpers.js';
import { deltaModels } from './helpers/delta-models.js';
import { denseModels } from './helpers/dense-models.js';
import { expertModels } from './helpers/expert-models.js';
import { count } from './helpers/full.js';
import { latentModels } from './helpers/latent-models.js';

const shapes = fc.record({
  width: fc.integer({ min: 1, max: 7 }).map((half) => 2 * half),
  height: fc.integer({ min: 1, max: 9 }),
  group: fc.integer({ min: 1, max: 3 }),
  positions: fc.integer({ min: 3, max: 20 }),
});
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

/** Code of the first kind of layer, or of a table. */
function codeOf(model: ModelSpec, of: Shape, use: 'layer' | 'embedding' | 'head'): RegionCode {
  const { width, height, group, positions } = of;
  const groups = { column: group, row: group, head: 1 };
  if (use !== 'layer') return tableCode(model, wse3(), { width, height, kind: use }, groups, use);
  const region = { kind: use, layerKind: 0, width, height };
  return layerCode(model, wse3(), region, groups, {
    context: positions - 2,
    maxPositions: positions,
  });
}

function eachCore({ width, height }: Shape, check: (row: number, column: number) => void): void {
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) check(row, column);
}

describe('the code of a core', () => {
  const check = (all: fc.Arbitrary<ModelSpec>, uses: ('layer' | 'embedding' | 'head')[]) =>
    fc.assert(
      fc.property(all, shapes, fc.nat(), (model, shape, at) => {
        for (const use of uses) {
          const code = codeOf(model, shape, use);
          let core = 0;
          eachCore(shape, (row, column) => {
            const written = code.write(row, column);
            // To write each of them anew would take long.
            if (core++ % 3 !== at % 3) return;
            const anew = codeOf(model, shape, use).write(row, column);
            expect(JSON.stringify(written)).toBe(JSON.stringify(anew));
          });
        }
      }),
      { seed: 3, numRuns: count(6, 60) },
    );

  it.each([
    ['any dense model', denseModels],
    ['a model with experts', expertModels],
    ['a model with latent attention', latentModels],
    ['a model with a delta net', deltaModels],
  ])('of a layer of %s is what it is alone', (_, all) => check(all, ['layer']));

  it('of an embedding and of a head is what it is alone', () =>
    check(models, ['embedding', 'head']));
});

describe('kinds of rows and columns', () => {
  it('differ where either of two classes does', () => {
    const of = (...numbers: number[]) => Int32Array.from(numbers);
    const a = { rows: of(0, 0, 1, 1), columns: of(0, 1) };
    const b = { rows: of(0, 1, 1, 0), columns: of(0, 0) };
    const kinds = kindsIn(a, b);
    expect([...kinds.rows]).toEqual([0, 1, 2, 3]);
    expect([...kinds.columns]).toEqual([0, 1]);
    expect([kinds.rowKinds, kinds.columnKinds]).toEqual([4, 2]);
  });
});

describe('cores of equal kinds', () => {
  it.each(['layer', 'embedding', 'head'] as const)('of a %s are of one class', (use) => {
    fc.assert(
      fc.property(use === 'layer' ? expertModels : models, shapes, (model, { height, ...rest }) => {
        // Of a few rows hardly two are alike.
        const shape = { ...rest, height: 4 * height };
        const code = codeOf(model, shape, use);
        const { kinds } = code;
        const classOf = new Map<number, string>();
        eachCore(shape, (row, column) => {
          if (row === kinds.apartRow || column === kinds.apartColumn) return;
          const kind = kinds.rows[row] * kinds.columnKinds + kinds.columns[column];
          const of = `${code.codeClass(row, column)} ${code.routeClass(row, column)}`;
          expect(classOf.get(kind) ?? of).toBe(of);
          classOf.set(kind, of);
        });
      }),
      { seed: 4, numRuns: count(12, 100) },
    );
  });
});

describe('the roles of a stage', () => {
  it('are those of its cores by code, place on the region and path', () => {
    fc.assert(
      fc.property(
        fc.oneof(models, expertModels),
        shapes,
        fc.integer({ min: -20, max: 20 }),
        fc.integer({ min: 0, max: 2 }),
        (model, shape, dx, down) => {
          const { width, height } = shape;
          const before = { x: 30 + dx, y: 20, width: 5, height };
          const region = { x: 30, y: 20 + down * height, width, height };
          const code = codeOf(model, shape, 'layer');
          const sent = { cell: 0, type: 'f16', length: 4 } as const;
          const source = { kind: 'rows', region: before, shares: true, ...sent } as const;
          if (down === 0 && dx > -5 && dx < width) return;
          const { program, origin, senders } = writeStage(
            'stage',
            source,
            region,
            code,
            [20, 21, 22],
          );
          const [x0, y0] = [
            region.x - (origin % program.width),
            region.y - Math.floor(origin / program.width),
          ];
          const colors: Set<number>[] = [];
          visitStage(source, region, (x, y, channel) => {
            (colors[(y - y0) * program.width + x - x0] ??= new Set()).add(20 + channel);
          });
          program.roleOf.forEach((number, core) => {
            const role = program.roles[number];
            const [row, column] = [
              y0 + Math.floor(core / program.width) - region.y,
              x0 + (core % program.width) - region.x,
            ];
            const isInside = row >= 0 && row < height && column >= 0 && column < width;
            const own = isInside ? code.routesAt(row, column) : [];
            expect(role.routes.slice(0, own.length)).toEqual(own);
            const path = role.routes.slice(own.length).map(({ color }) => color);
            expect(new Set(path)).toEqual(colors[core] ?? new Set());
            const { prepare, main, name } = isInside
              ? code.write(row, column)
              : { prepare: [], main: [], name: senders.includes(core) ? 'sender' : 'passage' };
            expect(role.name).toBe(name);
            expect(role.operations.slice(role.operations.length - main.length)).toEqual(main);
            if (!isInside) expect(role.operations.length > 0).toBe(senders.includes(core));
            else expect(role.operations.length).toBeGreaterThan(prepare.length + main.length);
          });
          const used = new Set(program.roleOf);
          expect(used.size).toBe(program.roles.length);
          // Numbered as they first appear.
          expect([...used]).toEqual(program.roles.map((_, number) => number));
        },
      ),
      { seed: 5, numRuns: count(12, 100) },
    );
  });
});
