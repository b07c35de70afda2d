/** A run as large as a WSE-3: 750 x 1160 cores in 32 layers, with numbers that repeat as a layer's do. */
import { emptyMap } from '../../src/decode/wafer-maps.js';
import type { RunDetail, StageSpan } from '../../src/report/detail.js';
import type { RegionResult, RunDocument } from '../../src/report/document.js';
import { reportRun } from '../helpers/report-run.js';

const [WIDTH, HEIGHT] = [750, 1160];
const [COLUMNS, ROWS] = [4, 8];
const LAYER = { width: 187, height: 145 };

export function bigRun(): { run: RunDocument; detail: RunDetail } {
  const { run, detail } = reportRun('layer');
  const regions = Array.from({ length: COLUMNS * ROWS }, (_, i): RegionResult => {
    const [x, y] = [(i % COLUMNS) * LAYER.width, Math.floor(i / COLUMNS) * LAYER.height];
    return { name: `layer ${i}`, wafer: 0, x, y, ...LAYER, sramBytesPerCore: 40_000 };
  });
  const stages = regions.map(({ name }, i): StageSpan => {
    const [start, end] = [i * 30, i * 30 + 40];
    const operators = [{ name: 'down', start: start + 5, end, compute: 20 }];
    return { name, region: name, wafer: 0, start, end, operators };
  });
  const perCore = (of: (x: number, y: number) => number) =>
    Float64Array.from({ length: WIDTH * HEIGHT }, (_, core) =>
      of((core % WIDTH) % LAYER.width, Math.floor(core / WIDTH) % LAYER.height),
    );
  const map = {
    ...emptyMap(0, WIDTH, HEIGHT),
    busy: perCore((x, y) => 7_000 + (x % 13) * 31 + (y % 17) * 90),
    waiting: perCore((x, y) => 9_000 - 3 * x - 5 * y),
    sram: perCore((x, y) => 38_000 + (x % 3) * 500 + (y % 29) * 12),
    link: perCore((x, y) => (x % 10) * 20 + (y % 9)),
    links: Float64Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) => {
      const [x, y] = [
        ((i >> 2) % WIDTH) % LAYER.width,
        Math.floor((i >> 2) / WIDTH) % LAYER.height,
      ];
      return i % 2 === 0 ? y * 9 : (x % 10) * 20 + (y % 9);
    }),
  };
  const placement = { ...run.placement, regions };
  return { run: { ...run, placement }, detail: { ...detail, stages, maps: [map] } };
}
