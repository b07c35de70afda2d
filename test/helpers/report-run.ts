/** A small run for the tests of its page and its trace, whose every name can be chosen. */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import type { RunDetail, StageSpan, WaferMap } from '../../src/report/detail.js';
import type { RegionResult, RunDocument } from '../../src/report/document.js';
import type { HtmlTools } from '../../src/report/html.js';
import type { ServingResult } from '../../src/report/serving-document.js';
import { metricsOf, percentilesOf, e2elMs, tpotMs, ttftMs } from '../../src/serving/metrics.js';
import { seriesOf } from '../../src/serving/series.js';
import { IDENTITY } from './identity.js';
import { SERVED } from './served.js';
import { options, pipeline, request, serve } from '../serving-helpers.js';

export const TOOLS: HtmlTools = {
  deflate: (bytes) => deflateSync(bytes),
  sha256: (text) => createHash('sha256').update(text).digest('base64'),
};

const CYCLES = 1_000;
const [WIDTH, HEIGHT] = [40, 30];

function map(wafer: number): WaferMap {
  const perCore = (of: (core: number) => number) =>
    Float64Array.from({ length: WIDTH * HEIGHT }, (_, core) => of(core) + wafer);
  return {
    wafer,
    width: WIDTH,
    height: HEIGHT,
    busy: perCore((core) => 100 + (core % WIDTH)),
    waiting: perCore((core) => 300 - (core % 7)),
    sram: perCore((core) => 20_000 + core),
    link: perCore((core) => core % 11),
    compute: perCore((core) => 60 + (core % WIDTH)),
    waitOutput: perCore((core) => core % 5),
    between: perCore((core) => core % 3),
    idle: perCore((core) => core % 2),
    // To the east as many as over the busiest link, to the others fewer.
    links: Float64Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) =>
      i % 4 === 1 ? ((i >> 2) % 11) + wafer : (i >> 2) % 3 ? 0 : wafer,
    ),
  };
}

/** Two regions on each of `wafers` wafers, visited in turn; `name` is in every place that has one. */
export function reportRun(name: string, wafers = 1): { run: RunDocument; detail: RunDetail } {
  const regions = Array.from({ length: 2 * wafers }, (_, i): RegionResult => {
    const place = { wafer: i >> 1, x: (i % 2) * 20, y: 5, width: 20, height: 20 };
    return { name: `${name} ${i}`, ...place, sramBytesPerCore: 20_000 };
  });
  const span = CYCLES / regions.length;
  const stages = regions.map((region, i): StageSpan => {
    const [start, end] = [i * span, (i + 1) * span];
    const [first, second] = [`${name} a`, `${name} b`];
    const operators = [
      { name: first, start, end: start + 100, compute: 60 },
      { name: second, start: start + 100, end, compute: 0 },
    ];
    return {
      name: `${name} ${i}`,
      region: region.name,
      wafer: region.wafer,
      start,
      end,
      operators,
    };
  });
  const detail = { cycles: CYCLES, stages, maps: Array.from({ length: wafers }, (_, i) => map(i)) };
  return { run: documentOf(name, regions), detail };
}

function documentOf(name: string, regions: RegionResult[]): RunDocument {
  const cores = regions.length * 400;
  const spent = { cycles: CYCLES / 2, compute: 300, communication: 200 };
  const coreCycles = { compute: 100, setup: 20, waitInput: 30, waitOutput: 0, idle: 850 };
  return {
    schema: 'wafersim.run/1',
    ...IDENTITY,
    configHash: 'a1b2c3',
    config: { model: { spec: { name } }, hardware: { name }, [name]: name },
    decode: {
      cyclesPerToken: CYCLES,
      tokensPerSecondPerUser: 12_345.6,
      tokensPerSecond: 24_691.2,
      tpotMs: 0.081,
      perLayerCycles: [500],
      breakdown: { [`${name} a`]: spent, [`${name} b`]: spent },
      coreCycles,
      specialShare: 0,
    },
    steps: [{ cycles: CYCLES }],
    placement: {
      strategy: name,
      regions,
      coresUsed: cores,
      sramUsedBytes: cores * 20_000,
      sramPeakBytesPerCore: 20_000,
      sramBytesPerCore: 49_152,
    },
    fabric: { waveletHops: 10, peakLinkUtilization: 0.01 },
    reuse: { simulated: [], reused: [] },
    host: { engine: 'fast', shards: 1, wallSeconds: 1, peakRssBytes: 1 },
  };
}

/** What a small server made of forty requests, where a page shows it. */
export function servingOf(scenario: string): ServingResult {
  const requests = Array.from({ length: 40 }, (_, id) => request(id, id * 2e6, 50 + id, 30));
  const run = serve(requests, options(pipeline(8, 10_000)));
  const metrics = metricsOf(run);
  const of = (value: typeof ttftMs) => percentilesOf(run.served, value);
  return {
    ...SERVED,
    ...metrics,
    scenario,
    wafers: 2,
    energy: { watts: 1000, joulesPerOutputToken: 0.5 },
    notes: [],
    series: seriesOf(run.served, run.endNs, 12),
    distributions: { ttftMs: of(ttftMs), tpotMs: of(tpotMs), e2elMs: of(e2elMs) },
  };
}
