/** Regions whose experts lie in strips: what their cores keep, and how many strips are taken. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layerCode } from '../src/lowering/region.js';
import { slotsFor } from '../src/mapping/experts.js';
import { layerShape } from '../src/mapping/shapes.js';
import { regionBytes, variantsOf } from '../src/placement/budget.js';
import { wafersNeeded } from '../src/placement/capacity.js';
import { place } from '../src/placement/place.js';
import { storedWeights } from '../src/placement/stored-weights.js';
import { sramBytesOf } from '../src/program/program.js';
import { modelOf } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';
import { waferOf } from './helpers/colored.js';
import { asking, wse3 } from './placement-helpers.js';

const layer = expertLayer({ count: 12, topK: 5, inner: 30, bias: true });
const model = modelOf([layer, layer, layer]);
const asked = { ...asking({ maxPositions: 7 }), layers: 'whole' as const };

describe('the memory of a region with strips', () => {
  it.each(['layer', 'mlp'] as const)('is what the fullest of its cores keeps: %s', (kind) => {
    for (const [strips, rows, columns] of [
      [3, 3, 7],
      [2, 4, 2],
      [12, 2, 13],
    ]) {
      const wafer = wse3();
      const of = { kind, layerKind: 0, strips };
      const region = { ...of, width: columns, height: rows };
      const every = { column: 1, row: 1, head: 1 };
      // As many of the chosen in the first strip as it has.
      const most = Math.min(5, 12 / strips);
      const rest = 5 - most;
      const loads = Array.from({ length: strips }, (_, i) => (i === 0 ? most : i <= rest ? 1 : 0));
      const step = { context: 6, maxPositions: 7 };
      const code = layerCode(model, wafer, region, every, step, slotsFor(loads));
      let fullest = 0;
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const role = { ...code.write(row, column), operations: [], routes: [] };
          fullest = Math.max(fullest, sramBytesOf(role));
        }
      expect(regionBytes(of, model, wafer, asked, rows, columns)).toBe(fullest);
    }
  });

  it('has every expert, once, but for padding', () => {
    for (const strips of [1, 2, 3, 4]) {
      const shape = layerShape(model, layer, 7, 3, 14, 1, { strips });
      const { experts, inner } = shape;
      expect(experts!.held * strips).toBe(12);
      expect(inner * experts!.stripColumns).toBeGreaterThanOrEqual(30);
      expect((inner - 1) * experts!.stripColumns).toBeLessThan(30);
      expect(experts!.units).toBe(inner * Math.min(5, experts!.held));
    }
  });

  it('needs the slots of as many strips as it has', () => {
    const region = { kind: 'mlp', layerKind: 0, strips: 3, width: 6, height: 2 } as const;
    const step = { context: 6, maxPositions: 7 };
    const every = { column: 1, row: 1, head: 1 };
    const write = (loads?: number[]) =>
      layerCode(model, wse3(), region, every, step, loads && slotsFor(loads));
    expect(() => write()).toThrow('expected the slots of 3 strips');
    expect(() => write([3, 2])).toThrow('expected the slots of 3 strips');
    expect(() => write([3, 2, 0])).not.toThrow();
  });
});

describe('the number of strips', () => {
  const part = { kind: 'mlp', layerKind: 0 } as const;
  const stripsOf = (strips: number | 'auto' | undefined, columns?: number) =>
    variantsOf(part, model, { strips }, columns).map((of) => ('strips' in of ? of.strips : 1));

  it('is any divisor of the experts that the columns have room for, or what is asked for', () => {
    expect(stripsOf('auto')).toEqual([1, 2, 3, 4, 6, 12]);
    expect(stripsOf('auto', 5)).toEqual([1, 2, 3, 4]);
    expect(stripsOf(3)).toEqual([3]);
    expect(stripsOf(undefined)).toEqual([1]);
    const attention = { kind: 'attention', layerKind: 0 } as const;
    expect(variantsOf(attention, model, { strips: 'auto' })).toEqual([attention]);
  });

  it('takes no more wafers than sliced, nor than any one number, and fewer where padding counts', () => {
    const padded = modelOf(
      Array.from({ length: 6 }, () => expertLayer({ count: 64, topK: 2, inner: 25 })),
    );
    const small = waferOf(24, 24);
    const wafer = { ...small, core: { ...small.core, sramBytes: 22_000 } };
    const need = (strips: number | 'auto') =>
      wafersNeeded(padded, wafer, { ...asked, layers: 'auto', strips });
    const each = [1, 2, 4, 8, 16].map(need);
    expect(need('auto')).toBe(Math.min(...each));
    // 25 units on 24 columns are 2 on each.
    expect(each).toEqual([2, 1, 1, 2, 2]);
    const sliced = { ...asked, layers: 'auto', wafers: 1 } as const;
    expect(() => place(padded, wafer, sliced)).toThrow('with placement.experts=strips on 1 wafer');
    expect(place(padded, wafer, { ...sliced, strips: 'auto' }).wafers).toBe(1);
  });

  it('is written into regions, whose stored weights and memory follow', () => {
    const request = { ...asked, growth: 'minimal' as const, rows: 4, layerColumns: 8 };
    const wafer = wse3();
    const [sliced, striped] = [1, 4].map((strips) => place(model, wafer, { ...request, strips }));
    expect(striped.regions[1]).toMatchObject({ strips: 4, width: 8 });
    expect(sliced.regions[1]).not.toHaveProperty('strips');
    const [one, four] = [sliced, striped].map((of) => storedWeights(model, of));
    expect(one.published).toBe(four.published);
    // 30 units on 8 columns are padded to 32, on two of four strips to none.
    expect(four.padding).toBeLessThan(one.padding);
    for (const { sramBytesPerCore } of striped.regions)
      expect(sramBytesPerCore).toBeLessThanOrEqual(wafer.core.sramBytes);
  });
});

describe('the converter of logged choices', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wafersim-choices-'));
  const convert = (content: unknown, ...args: string[]) => {
    const path = join(folder, 'request.json');
    writeFileSync(path, JSON.stringify(content));
    const file = 'examples/traces/experts.mjs';
    const { status, stdout, stderr } = spawnSync('node', [file, path, ...args], {
      encoding: 'utf8',
    });
    return { status, stderr, lines: stdout.trim().split('\n') };
  };
  const line = (layer: number, experts: number[]) => JSON.stringify({ layer, experts });

  it('finds lists of tokens, or of layers, wherever they lie', () => {
    const request = {
      meta: [[1, 2]],
      data: {
        experts: [
          [
            [4, 1],
            [0, 2],
          ],
          [
            [3, 5],
            [6, 7],
          ],
        ],
      },
    };
    const byToken = [line(0, [4, 1]), line(1, [0, 2]), line(0, [3, 5]), line(1, [6, 7])];
    expect(convert(request).lines).toEqual(byToken);
    const other = { first: [[[9]]], ...request };
    expect(convert(other, '--key', 'experts', '--layers', '3-4').lines).toEqual([
      ...[line(3, [4, 1]), line(4, [0, 2]), line(3, [3, 5]), line(4, [6, 7])],
    ]);
    expect(convert(request, '--by-layer', '--layers', '1,3').lines).toEqual([
      ...[line(1, [4, 1]), line(3, [3, 5]), line(1, [0, 2]), line(3, [6, 7])],
    ]);
  });

  it('says what it does not find', () => {
    expect(convert({ a: [1] })).toMatchObject({ status: 2 });
    expect(convert([[[1]]], '--layers', '1-3').stderr).toContain('expected 3 layers');
    rmSync(folder, { recursive: true });
  });
});
