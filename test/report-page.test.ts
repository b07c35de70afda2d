/** What a report's page computes: scales of colours, the colours, and what a token's time is spent on. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floorPlans } from '../src/report/html-floor.js';
import { stretchesOfPath } from '../src/report/html-step.js';
import { timeline } from '../src/report/html-timeline.js';
import type { PathKind } from '../src/report/document.js';
import { DIFFERENCES, RAMPS, rampOf } from '../src/report/page/colors.js';
import { differenceScale, scaleOf, SCALES } from '../src/report/page/scale.js';
import { zoomAt, zoomTo, clampView } from '../src/report/page/map-view.js';
import { shareOverTime, stretchesOf, STRETCHES } from '../src/report/spent.js';

describe('a scale of colours', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1, maxLength: 50 });

  it.each(SCALES)('of kind %s goes from 0 to 1, and never back', (name) => {
    fc.assert(
      fc.property(numbers, (values) => {
        const scale = scaleOf(name, Float64Array.from(values));
        const ascending = [...new Set(values)].sort((a, b) => a - b).map(scale.shareOf);
        for (const [i, share] of ascending.entries()) {
          expect(share).toBeGreaterThanOrEqual(ascending[i - 1] ?? 0);
          expect(share).toBeLessThanOrEqual(1);
        }
        if (ascending.length > 1) expect([ascending[0], ascending.at(-1)]).toEqual([0, 1]);
        expect([scale.least, scale.most]).toEqual([Math.min(...values), Math.max(...values)]);
      }),
      { numRuns: 100 },
    );
  });

  it('that is linear has the mean of its ends in the middle', () => {
    expect(scaleOf('linear', Float64Array.of(10, 20, 110)).shareOf(60)).toBe(0.5);
  });

  it('of logarithms has equal steps for equal ratios, and nothing at the low end', () => {
    const { shareOf, middle } = scaleOf('log', Float64Array.of(0, 1, 10, 100));
    expect([0, 1, 10, 100].map(shareOf)).toEqual([0, 0, 0.5, 1]);
    expect(middle).toBe(10);
  });

  it('of percentiles has as many cores below the middle as above, whatever their numbers', () => {
    const { shareOf, middle } = scaleOf('percentile', Float64Array.of(1, 2, 3, 1_000, 1e6));
    expect([1, 2, 3, 1_000, 1e6].map(shareOf)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(middle).toBe(3);
  });

  it('of percentiles has equal numbers in the middle of their ranks', () => {
    const { shareOf } = scaleOf('percentile', Float64Array.of(1, 1, 1, 2, 3));
    expect([1, 2, 3].map(shareOf)).toEqual([0, 2 / 3, 1]);
  });

  it('of differences has 0 in the middle', () => {
    expect(differenceScale(new Float64Array(3)).shareOf(0)).toBe(0.5);
    const scale = differenceScale(Float64Array.of(-10, 3, 40));
    expect([-40, -10, 0, 40].map(scale.shareOf)).toEqual([0, 0.375, 0.5, 1]);
  });
});

/** Machado, Oliveira and Fernandes (2009), full severity: rows of red, green and blue, linear. */
const BLINDNESS = {
  none: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [
    0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998,
  ],
  deuteranopia: [
    0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881,
  ],
  tritanopia: [
    1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039,
  ],
};

/** CIE lightness (0 to 100) of a colour as it is seen with such eyes. */
function lightness(color: Uint8ClampedArray, eyes: number[]): number {
  const linear = [...color].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const seen = [0, 3, 6].map((row) =>
    linear.reduce((sum, value, i) => sum + eyes[row + i] * value, 0),
  );
  const luminance = 0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2];
  return luminance <= 0.008856 ? 903.3 * luminance : 116 * Math.cbrt(luminance) - 16;
}

describe.each(Object.entries(BLINDNESS))('the colours of maps, for eyes with %s,', (_, eyes) => {
  const lightnessOf = (stops: string[]) => {
    const ramp = rampOf(stops);
    return Array.from({ length: 256 }, (__, i) => lightness(ramp.subarray(i * 3, i * 3 + 3), eyes));
  };
  /** Neighbours are rounded to whole channels; eight steps apart that is nothing. */
  const goesOneWay = (values: number[]) => {
    const sign = Math.sign(values.at(-1)! - values[0]);
    return values.every((value, i) => i < 8 || (value - values[i - 8]) * sign > 0);
  };

  it.each(['light', 'dark'] as const)('go one way in lightness on a %s page', (theme) => {
    const values = lightnessOf(RAMPS[theme]);
    expect(goesOneWay(values)).toBe(true);
    expect(Math.abs(values[0] - values[255])).toBeGreaterThan(60);
  });

  it.each(['light', 'dark'] as const)('go both ways from no difference on a %s page', (theme) => {
    const values = lightnessOf(DIFFERENCES[theme]);
    expect(goesOneWay(values.slice(0, 128))).toBe(true);
    expect(goesOneWay(values.slice(128))).toBe(true);
    for (const end of [values[0], values[255]])
      expect(Math.abs(end - values[128])).toBeGreaterThan(35);
  });
});

describe('the part of a wafer that is shown', () => {
  const [wafer, canvas] = [
    { width: 100, height: 50 },
    { width: 400, height: 400 },
  ];

  it('keeps the point about which it is zoomed', () => {
    const view = { scale: 4, x: 0, y: 100, fit: false };
    zoomAt(view, 2, [200, 200], wafer, canvas);
    expect(view).toEqual({ scale: 8, x: -200, y: 0, fit: false });
  });

  it('has a region large in its middle, and never less than the whole wafer', () => {
    const view = { scale: 4, x: 0, y: 100, fit: true };
    zoomTo(view, { x: 40, y: 20, width: 20, height: 10 }, wafer, canvas);
    expect([view.scale, view.x, view.y]).toEqual([18, 200 - 50 * 18, 200 - 25 * 18]);
    view.scale = 0.1;
    clampView(view, wafer, canvas);
    expect([view.scale, view.x, view.y]).toEqual([4, 0, 100]);
  });
});

const stage = (start: number, end: number, compute: number, name = 'a') => ({
  ...{ name: `stage ${start}`, region: `region ${start}`, wafer: 0, start, end },
  operators: [{ name, start, end, compute }],
});

describe('what a token’s time is spent on', () => {
  it('is that of its critical path, neighbours of one kind as one', () => {
    const entry = (kind: PathKind, cycles: number) => ({
      ...{ operator: 'a', kind, wafer: 0, x: 0, y: 0, from: 0, to: 0, cycles },
    });
    const path = stretchesOfPath([
      entry('compute', 3),
      entry('compute', 2),
      entry('flight', 4),
      entry('credit', 1),
    ]);
    expect(path).toEqual([0, 5, STRETCHES.indexOf('flight'), 4, STRETCHES.indexOf('credit'), 1]);
    const [compute, communication, waiting] = shareOverTime(
      stretchesOf({ cycles: 10, stages: [], path }),
      0,
      10,
      2,
    );
    expect([...compute]).toEqual([1, 0]);
    expect([...communication]).toEqual([0, 0.8]);
    expect([...waiting]).toEqual([0, 0.2]);
  });

  it('is without a path what is known of the operators, and waiting between them', () => {
    const stages = [stage(0, 10, 4), stage(15, 20, 5)];
    const shares = shareOverTime(stretchesOf({ cycles: 20, stages }), 0, 20, 4);
    expect(shares.map((share) => [...share])).toEqual([
      [0.4, 0.4, 0, 1],
      [0.6, 0.6, 0, 0],
      [0, 0, 1, 0],
    ]);
  });

  it('adds up to the whole of every part of the time, whatever part is looked at', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 50 })), { minLength: 1 }),
        fc.integer({ min: 1, max: 40 }),
        (path, parts) => {
          const cycles = path.reduce((sum, [, length]) => sum + length, 0);
          const step = { cycles, stages: [], path: path.flat() };
          const shares = shareOverTime(stretchesOf(step), cycles / 7, cycles, parts);
          for (let i = 0; i < parts; i++)
            expect(shares.reduce((sum, kind) => sum + kind[i], 0)).toBeCloseTo(1, 9);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a timeline', () => {
  const step = { cycles: 100, stages: [stage(0, 40, 10), stage(40, 100, 10, 'b')] };
  const bars = (svg: string) =>
    [...svg.matchAll(/data-stage="(\d)" data-operator="0" x="([\d.]+)"[^>]*width="([\d.]+)"/g)].map(
      ([, ...numbers]) => numbers.map(Number),
    );

  it('has all stages in its width, after the names', () => {
    expect(bars(timeline(step, { from: 0, to: 100, width: 1138 }))).toEqual([
      [0, 130, 400],
      [1, 530, 600],
    ]);
  });

  it('has of a part of the time what lies in it', () => {
    const svg = timeline(step, { from: 60, to: 80, width: 1138 });
    expect(bars(svg)).toEqual([[1, 130, 1000]]);
    expect(svg).toContain('Timeline of a token, cycle 60 to 80');
  });

  it('makes all operators pale but the one that is chosen', () => {
    const svg = timeline(step, { from: 0, to: 100, width: 1138, operator: 'b' });
    const opacities = [...svg.matchAll(/fill-opacity="([\d.]+)"/g)].map(([, value]) => value);
    expect(opacities).toEqual(['0.15', '0.95']);
  });

  it('has the stays of other tokens where they are', () => {
    const others = [{ start: -50, end: 50, stages: [stage(-50, -10, 0), stage(-10, 50, 0)] }];
    const svg = timeline({ ...step, others }, { from: 0, to: 100, width: 1138 });
    // Its first stage is over before the step begins.
    expect(/class="other" d="(M[^"]*)"/.exec(svg)?.[1]).toMatch(/^M130 \d+h499\.5v2\.5H130z$/);
  });
});

describe('the token’s path on a floor plan', () => {
  it('goes from the middle of a region to the next one, on each wafer by itself', () => {
    const region = (name: string, wafer: number, x: number) => ({
      ...{ name, wafer, x, y: 0, width: 10, height: 10 },
    });
    const regions = [region('a', 0, 0), region('b', 0, 10), region('c', 1, 0)];
    const wafers = [0, 1].map((wafer) => ({ wafer, width: 52, height: 20 }));
    const visits = ['a', 'b', 'c', 'a'].map((name) => ({
      ...{ region: name, wafer: name === 'c' ? 1 : 0 },
    }));
    const svg = floorPlans(wafers, regions, visits);
    const lines = [...svg.matchAll(/<polyline class="token" points="([^"]*)"/g)].map(
      ([, of]) => of,
    );
    // 52 cores are 520 pixels; the token comes back to the first region.
    expect(lines).toEqual(['50,50 150,50', '50,50', '50,50']);
    expect(svg.match(/<path class="token"/g)).toHaveLength(1);
  });
});
