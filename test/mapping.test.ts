/** A mapping's values, held against the programs that are written for it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EAST, NORTH, SOUTH, WEST } from '../src/hardware/mesh.js';
import { MULTICAST, TREE_FORMS, type TreeForm } from '../src/kernels/line.js';
import { LINE_COLORS } from '../src/lowering/lines.js';
import { layerCode, tableCode, type RegionCode } from '../src/lowering/region.js';
import { lowerWaferllmLayer } from '../src/lowering/waferllm.js';
import { waferllmOptions } from '../src/mapping/waferllm-shape.js';
import type { Line, PartKind, Reduction } from '../src/mapping/mapping.js';
import { isOfLayer } from '../src/mapping/mapping.js';
import { MAPPINGS } from '../src/mapping/mappings.js';
import { gqaOf, type ModelSpec } from '../src/model/model.js';
import { isFabric, type Operation, type Route } from '../src/program/program.js';
import { models, tiny, wse3 } from './placement-helpers.js';
import { denseModels } from './helpers/dense-models.js';
import { expertModels } from './helpers/expert-models.js';
import { resized, sizesOf } from './helpers/small-model.js';

/** A vector that a core sends on a line: up to its root, or from there to all. */
type Sent = Omit<Reduction, 'cores'> & { toAll: boolean };

const LINES: Line[] = ['column', 'row', 'head'];

/**
 * What a core of the default mapping sends; its lines have colours of their own. What it sends right after
 * it came to all is the echo of a result.
 */
function sentBy(operations: Operation[]): Sent[] {
  return operations.flatMap((op, i): Sent[] => {
    if (op.kind !== 'vector' || !isFabric(op.dst)) return [];
    const { color } = op.dst;
    const before = operations[i - 1];
    if (before?.kind === 'vector' && isFabric(before.a) && before.a.color % 5 === MULTICAST)
      return [];
    const line = LINES.find((of) => LINE_COLORS[of].includes(color));
    // What a router gathers is added up before.
    if (line === undefined) return [];
    return [{ line, words: op.length, type: op.type, toAll: color === LINE_COLORS[line][4] }];
  });
}

/** The same of the published kernel, whose lines share their colours and turn them. */
function sentTurning(operations: Operation[], routes: Route[]): Sent[] {
  const now = new Map(routes.map((route) => [route.color, route.outputs]));
  return operations.flatMap((op): Sent[] => {
    if (op.kind === 'route') now.set(op.color, op.outputs);
    if (op.kind !== 'vector' || !isFabric(op.dst)) return [];
    const { color } = op.dst;
    const along = ((now.get(color) ?? 0) & ((1 << EAST) | (1 << WEST))) > 0;
    return [
      { line: along ? 'row' : 'column', words: op.length, type: op.type, toAll: color === 4 },
    ];
  });
}

/**
 * A line's reductions: what the core sends on it that is no root there and has the most to send, since
 * every core but the root sends each vector up once.
 */
function reducedOn(line: Line, cores: Sent[][]): Omit<Reduction, 'cores'>[] {
  const lists = cores.map((sent) => sent.filter((of) => of.line === line && !of.toAll));
  const size = (list: Sent[]) => list.reduce((sum, { words }) => sum + words + 1e6, 0);
  const longest = lists.reduce((a, b) => (size(b) > size(a) ? b : a));
  return longest.map(({ toAll: _, ...rest }) => rest);
}

/** Cores of a line from the first one on, while each passes the multicast on to the next. */
function coresOn(line: Line, code: RegionCode): number {
  const length = line === 'column' ? code.height : code.width;
  const [back, ahead] = line === 'column' ? [1 << NORTH, 1 << SOUTH] : [1 << WEST, 1 << EAST];
  const outputs = (at: number) => {
    const routes = line === 'column' ? code.routesAt(at, 0) : code.routesAt(0, at);
    return routes.find(({ color }) => color === LINE_COLORS[line][4])?.outputs ?? 0;
  };
  let cores = 1;
  while (cores < length && (outputs(cores - 1) & ahead || outputs(cores) & back)) cores++;
  return cores;
}

function expectLines(found: Sent[][], all: Reduction[]) {
  for (const line of LINES) {
    // On a line of one core nothing is sent.
    const expected = all.filter((of) => of.line === line && of.cores > 1);
    expect(reducedOn(line, found), line).toEqual(expected.map(({ cores: _, ...rest }) => rest));
  }
}

function everyCore(code: RegionCode): Sent[][] {
  return Array.from({ length: code.height * code.width }, (_, core) => {
    const { prepare, main } = code.write(Math.floor(core / code.width), core % code.width);
    return sentBy([...prepare, ...main]);
  });
}

interface Shape {
  rows: number;
  columns: number;
  positions: number;
  groups: number;
  form: TreeForm;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  columns: fc.integer({ min: 1, max: 9 }),
  positions: fc.integer({ min: 1, max: 40 }),
  groups: fc.integer({ min: 1, max: 4 }),
  form: fc.constantFrom(...TREE_FORMS),
});

const LAYER = { kind: 'layer', layerKind: 0 } as const;

describe('the reductions of the default mapping', () => {
  const check = (model: ModelSpec, part: PartKind, of: Shape) => {
    const { rows, columns, positions } = of;
    const every = <T>(what: T) => ({ column: what, row: what, head: what });
    const groups = { ...every(of.groups), forms: every(of.form) };
    const size = { width: columns, height: rows };
    const { span } = gqaOf(model.kinds[0]);
    const attended = span.kind === 'chunk' ? Math.min(span.size, positions) : positions;
    const step = { context: attended - 1, maxPositions: positions };
    const codes = isOfLayer(part)
      ? [layerCode(model, wse3(), { ...part, ...size }, groups, step)]
      : (['embedding', 'head'] as const)
          .filter((use) => part.kind.includes(use))
          .map((use) => tableCode(model, wse3(), { ...size, kind: part.kind }, groups, use));
    const cut = { model, rows, columns, positions };
    const all = MAPPINGS.gqa.reductions(part, cut);
    const found = codes.map(everyCore);
    expectLines(
      found[0].map((_, core) => found.flatMap((of) => of[core])),
      all,
    );
    for (const { line, cores } of all)
      expect(Math.max(...codes.map((code) => coresOn(line, code))), line).toBe(cores);
  };

  it.each(['layer', 'embedding', 'head', 'embedding+head'] as const)(
    'of a %s are those that its cores send, for any model on any rectangle',
    (kind) => {
      const kinds = new Set<string>();
      fc.assert(
        fc.property(models, shapes, (model, shape) => {
          kinds.add(`${model.dtype} ${model.weightBits === 8} ${sizesOf(model).qkNorm}`);
          check(model, kind === 'layer' ? LAYER : { kind }, shape);
        }),
        { seed: 14, numRuns: 100 },
      );
      // Both types, with and without 8-bit weights, with and without norms of heads.
      expect(kinds.size).toBe(8);
    },
  );

  it('of a layer are those that its cores send, whatever dense families have', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(denseModels, shapes, (model, shape) => {
        const { norms, attention } = model.kinds[0];
        seen.add(`${norms} ${attention.kind === 'gqa' && attention.qkNorm}`);
        check(model, LAYER, shape);
      }),
      { seed: 14, numRuns: 60 },
    );
    // Norms before, after and on both sides of blocks; of no heads, of each before or after RoPE, and of all.
    expect(seen.size).toBe(12);
  });

  it('of a layer with experts and of its two regions are those that its cores send', () => {
    const seen = new Set<string>();
    // Columns without heads would have a part of them only, and so would the router's among these.
    const even = shapes.map((shape) => ({ ...shape, columns: 2 * Math.ceil(shape.columns / 2) }));
    fc.assert(
      fc.property(expertModels, even, (model, shape) => {
        const { mlp } = model.kinds[0];
        if (mlp.kind === 'experts') seen.add(`${mlp.router.groups !== undefined}`);
        for (const kind of ['layer', 'attention', 'mlp'] as const)
          check(model, { kind, layerKind: 0 }, shape);
      }),
      { seed: 14, numRuns: 60 },
    );
    expect(seen.size).toBe(2);
  });

  it('are ten in a layer, and one more of 32 bits where heads are normalised', () => {
    const cut = { model: tiny, rows: 8, columns: 4, positions: 40 };
    const { reductions } = MAPPINGS.gqa;
    expect(reductions(LAYER, cut)).toHaveLength(10);
    const normed = reductions(LAYER, { ...cut, model: resized(tiny, { qkNorm: true }) });
    expect(normed).toHaveLength(11);
    // Two query heads and a key head of every column, over the two columns of their group.
    expect(normed[2]).toEqual({ line: 'head', cores: 2, words: 3, type: 'f32' });
  });
});

describe('the reductions of the published mapping', () => {
  it.each([true, false])('are the ten that its cores send, if exact is %s', (exact) => {
    fc.assert(
      fc.property(models, shapes, (any, { rows: P, positions, groups }) => {
        const model = resized(any, { qkNorm: false });
        const context = positions - 1;
        const o = { context, maxPositions: positions, P, groups: Math.min(groups, P), exact };
        const { roles } = lowerWaferllmLayer(waferllmOptions(model, o), wse3());
        const cut = { model, rows: P, columns: P, positions, exact };
        const all = MAPPINGS.waferllm.reductions(LAYER, cut);
        expect(all).toHaveLength(10);
        expect(all.every(({ cores }) => cores === P)).toBe(true);
        expectLines(
          roles.map(({ operations, routes }) => sentTurning(operations, routes)),
          all.filter(({ words }) => words > 0),
        );
      }),
      { seed: 15, numRuns: 60 },
    );
  });
});
