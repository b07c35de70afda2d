/** Colours of hand-offs: they are found on all shapes, are legal, and lanes stay wherever there are enough. */
import { describe, expect, it } from 'vitest';
import { colorHandOffs, colorOnce, type KeptColors } from '../src/lowering/hand-off-colors.js';
import type { Source } from '../src/lowering/core-writer.js';
import { FIRST_HAND_OFF_COLOR } from '../src/lowering/lines.js';
import { CapacityError } from '../src/placement/placement.js';
import {
  DENSE,
  WAYS,
  placed,
  planned,
  sidesBy,
  waferOf,
  wafersOf,
  wrongColors,
} from './helpers/colored.js';
import { cases, count } from './helpers/full.js';
import { resized } from './helpers/small-model.js';
import { wse3 } from './placement-helpers.js';

const sharesOf = ({ source }: { source?: Source }) => source?.kind === 'rows' && !!source.shares;

// `npm run fuzz:colors` looks at more sides of wafers.
describe('models of 2 to 8 layers with the default strategy', () => {
  it.each(DENSE.map((model, i) => [i, model] as const))(
    'find colours on every shape on which their memory fits: model %i',
    (_, dense) => {
      let fit = 0;
      for (const layers of cases([2, 5, 8], [3, 4, 6, 7]))
        for (const wafer of wafersOf(sidesBy(29))) {
          const model = resized(dense, { layers });
          const placement = placed(model, wafer);
          if (placement === undefined) continue;
          fit++;
          const plan = planned(model, wafer, placement);
          expect(plan.stages.length).toBe(layers + 2);
          expect(wrongColors(plan, wafer)).toEqual([]);
        }
      expect(fit).toBeGreaterThan(count(6, 15));
    },
  );

  const ways = DENSE.flatMap((model, i) => WAYS.slice(1).map((way) => ({ i, model, ...way })));
  it.each(ways)(
    'find colours also split, on several wafers and for several users: model $i, $sizes, $wafers wafers',
    ({ model: dense, wafers, sizes }) => {
      let fit = 0;
      for (const layers of cases([3, 8], [2, 4, 5, 6, 7]))
        for (const one of wafersOf(sidesBy(37))) {
          const model = resized(dense, { layers });
          const wafer = { ...one, wafers };
          const placement = placed(model, wafer, sizes);
          if (placement === undefined) continue;
          fit++;
          const plan = planned(model, wafer, placement);
          const regions = placement.layers === 'split' ? 2 : 1;
          expect(plan.stages.filter(({ layer }) => layer !== undefined).length).toBe(
            regions * layers,
          );
          expect(wrongColors(plan, wafer)).toEqual([]);
        }
      expect(fit).toBeGreaterThan(count(2, 8));
    },
  );

  it.each([
    // Down to a head of one column, or up to a table of one.
    [1, 5, 56, 24, 8, 11],
    [1, 7, 32, 24, 8, 8],
    [2, 4, 24, 24, 12, 11],
    [2, 6, 24, 30, 10, 11],
    [3, 3, 24, 36, 12, 22],
  ])(
    'share streams where lanes need too many: model %i, %i layers on %ix%i',
    (i, layers, w, h, ...size) => {
      const [rows, layerColumns] = size;
      const model = resized(DENSE[i], { layers });
      const wafer = waferOf(w, h);
      const placement = placed(model, wafer, { growth: 'minimal', rows, layerColumns })!;
      const plan = planned(model, wafer, placement);
      expect(plan.stages.filter(sharesOf).length).toBe(1);
      // With more colours there are lanes: the same placement, another program.
      const more = { ...wafer, fabric: { ...wafer.fabric, colors: 32 } };
      const lanes = planned(model, more, placement);
      expect(lanes.stages.filter(sharesOf).length).toBe(0);
      const differ = lanes.stages.filter(({ key }, stage) => key !== plan.stages[stage].key);
      expect(differ.map(({ name }) => name)).toEqual(
        plan.stages.filter(sharesOf).map(({ name }) => name),
      );
    },
  );

  it('are other programs, also where streams and two lanes need as many colours', () => {
    const model = resized(DENSE[1], { layers: 10 });
    const wafer = waferOf(32, 24);
    const sizes = { strategy: 'hilbert', growth: 'minimal', rows: 8, layerColumns: 5 } as const;
    const placement = placed(model, wafer, sizes)!;
    const stageOf = (colors: number) => {
      const of = { ...wafer, fabric: { ...wafer.fabric, colors } };
      return planned(model, of, placement).stages.find(({ name }) => name === 'layer 1')!;
    };
    const [few, many] = [stageOf(20), stageOf(24)];
    expect([sharesOf(few), sharesOf(many)]).toEqual([true, false]);
    expect([few.colors.length, many.colors.length]).toEqual([3, 3]);
    expect(few.key).not.toBe(many.key);
  });
});

/** Regions of one column and `height` rows, at these columns and shelves. */
function narrow(height: number, ...at: [x: number, shelf: number][]) {
  const regions = at.map(([x, shelf], i) => {
    return { name: `region ${i}`, wafer: 0, x, y: shelf * height, width: 1, height };
  });
  return regions.slice(1).map((place, i) => {
    const source = { kind: 'rows', region: regions[i], cell: 0, type: 'f32', length: 1 } as const;
    return { source, place };
  });
}

/** Streams along row 1 from `from` to a place of four columns, whose column `met` a token's path crosses. */
const crossing = (from: number, first: number, met: number) => {
  const at = (x: number, y: number, width: number) => {
    return { name: 'place', wafer: 0, x, y, width, height: 1 };
  };
  const sent = { cell: 0, type: 'f32', length: 1 } as const;
  const rows = { ...sent, kind: 'rows', region: at(from, 1, 2) } as const;
  const token = { ...sent, kind: 'token', core: { x: met, y: 2 } } as const;
  return colorHandOffs(wse3(), [
    { source: rows, place: at(first, 1, 4) },
    { source: token, place: at(met, 0, 1) },
  ]).map(({ colors }) => colors[0] - FIRST_HAND_OFF_COLOR);
};

it('take every router of a path, whichever way it runs', () => {
  // From the west and from the east: the sender, next to it, the first and the last that receive; and beyond both.
  for (const met of [1, 2, 6, 9]) expect(crossing(0, 6, met)).toEqual([0, 1]);
  for (const met of [10, 9, 5, 2]) expect(crossing(10, 2, met)).toEqual([0, 1]);
  for (const met of [0, 10]) expect(crossing(0, 6, met)).toEqual([0, 0]);
  for (const met of [1, 11]) expect(crossing(10, 2, met)).toEqual([0, 0]);
});

const colorsWith = (colors: number, handOffs: ReturnType<typeof narrow>) => {
  const wafer = wse3({ fabric: { ...wse3().fabric, colors } });
  const found = colorHandOffs(wafer, handOffs);
  // Of other paths nothing is kept; of the same ones all, for whatever is sent.
  const kept: KeptColors = { found: [] };
  colorOnce(wafer, handOffs.slice(1), kept);
  const longer = handOffs.map(({ source, place }) => ({ source: { ...source, length: 7 }, place }));
  for (const sent of [handOffs, longer])
    expect(colorOnce(wafer, sent, kept)).toEqual(
      found.map(({ source, ...rest }) => ({
        ...rest,
        source: { ...source, length: sent[0].source.length },
      })),
    );
  return found;
};

describe('a hand-off', () => {
  it('has lanes as long as there are colours for them, and three colours else', () => {
    const down = narrow(8, [0, 0], [0, 1]);
    // One to multicast and eight lanes: 15 to 23.
    const [nine] = colorsWith(24, down);
    expect([sharesOf(nine), nine.colors]).toEqual([false, [15, 16, 17, 18, 19, 20, 21, 22, 23]]);
    const [three] = colorsWith(23, down);
    expect([sharesOf(three), three.colors]).toEqual([true, [15, 16, 17]]);
    expect(() => colorsWith(17, down)).toThrow(CapacityError);
    expect(() => colorsWith(17, down)).toThrow('region 1 finds no free colour of 17');
  });

  it('shares streams where it is in the way of another one with fewer lanes', () => {
    // Six lanes down column 0 and back: the second finds two colours left, and is the later of equals.
    const thereAndBack = narrow(6, [0, 0], [0, 1], [0, 0]);
    expect(colorsWith(24, thereAndBack).map(sharesOf)).toEqual([false, true]);
    // Straight ones cross the lanes of the first on 15 and 23. The third has none to give up.
    const crossed = [
      ...narrow(7, [1, 0], [1, 1]),
      ...narrow(7, [0, 1], [2, 1]),
      ...narrow(7, [0, 1], [3, 1]),
      ...narrow(7, [0, 1], [4, 1]),
    ];
    expect(colorsWith(24, crossed).map(sharesOf)).toEqual([true, false, false, false]);
    expect(colorsWith(25, crossed).map(sharesOf)).toEqual([false, false, false, false]);
  });

  it('shares streams if it has more lanes than others that are in the way', () => {
    const at = (x: number, shelf: number, width: number) => ({
      ...{ name: '', wafer: 0, x, y: shelf * 5, width, height: 5 },
    });
    const down = (x: number, width: number) => {
      const source = { kind: 'rows', region: at(x, 0, width), cell: 0, type: 'f32', length: 1 };
      return { source, place: at(x, 1, width) } as ReturnType<typeof narrow>[number];
    };
    // Five lanes on 16 to 20, and three on 16 to 18 with a multicast on 15: three cross them, the fourth not.
    const crossing = [5, 6, 7, 8].flatMap((x) => narrow(5, [0, 1], [x, 1]));
    const all = [down(1, 1), down(2, 2), ...crossing];
    expect(colorsWith(24, all.slice(0, -1)).filter(sharesOf)).toEqual([]);
    expect(colorsWith(24, all).map(sharesOf)).toEqual([true, ...all.slice(1).map(() => false)]);
  });

  it('keeps its lanes where others that it does not meet have too few colours', () => {
    const wide = narrow(8, [0, 0], [0, 1]);
    const far = narrow(6, [30, 0], [30, 1], [30, 0]);
    expect(colorsWith(24, [...wide, ...far]).map(sharesOf)).toEqual([false, false, true]);
    const there = narrow(6, [0, 0], [0, 1], [0, 0]);
    const elsewhere = there.map(({ source, place }) => ({ source, place: { ...place, wafer: 1 } }));
    expect(colorsWith(24, [...wide, ...elsewhere]).map(sharesOf)).toEqual([false, false, true]);
  });
});
