/** What a document says of links and special functions: a program of three cores, counted by hand. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { emptyTiming } from '../src/decode/timeline.js';
import { fast } from '../src/engine/fast/fast.js';
import type { Place } from '../src/lowering/places.js';
import type { StagePlan } from '../src/lowering/lowering.js';
import type { SpecialOp } from '../src/program/program.js';
import type { Region } from '../src/placement/placement.js';
import { runDocument } from '../src/decode/run-document.js';
import { linksOfWafers } from '../src/decode/link-counts.js';
import { addCounters, createStageRunner, timedStage } from '../src/decode/stages.js';
import { placementOf } from '../src/decode/place.js';
import { E, R, W, add, cell, fabric, loaded, move } from './helpers/programs.js';
import { EACH_FUNCTION, program, role, route, testWafer } from './helpers/programs.js';

/** What a document tells in addition: nothing of it is counted. */
const TOLD = {
  placed: {},
  host: { engine: 'fast', shards: 1, wallSeconds: 0, peakRssBytes: 0 },
} as const;

const scalar = { ...EACH_FUNCTION, exp: 7, rsqrt: 11, step: 1 };
const wafer = { ...testWafer({}, { programStart: 5, scalar }), width: 8, height: 4 };

const special = (fn: SpecialOp['fn'], length: number): SpecialOp => ({
  ...{ kind: 'special', label: 0, fn, form: 'scalar', type: 'f32' },
  ...{ length, at: 0, to: 0 },
});

/** Five wavelets from the first core to the second one, eight from there to the third. */
const three = program(3, [
  role('sends', {
    routes: [route(0, R, E)],
    buffers: [loaded(8)],
    operations: [move(fabric(0), cell(0), 5)],
  }),
  role('passes on', {
    routes: [route(0, W, R), route(1, R, E)],
    buffers: [loaded(8)],
    operations: [move(cell(0), fabric(0), 5), special('exp', 3), move(fabric(1), cell(0), 8)],
  }),
  role('takes', {
    routes: [route(1, W, R)],
    buffers: [loaded(8)],
    operations: [add(cell(0), cell(0), fabric(1), 8), special('rsqrt', 1)],
  }),
]);
/** Sends take a cycle more than they have wavelets: the pipeline drains. */
const COMPUTE = 5 + 1 + (5 + 3 * 7 + 8 + 1) + (8 + 11);
const SPECIAL = 3 * 7 + 11;

const place = (name: string, on: number, x: number, width: number): Place => ({
  ...{ name, wafer: on, x, y: 2, width, height: 1 },
});

function counted() {
  const run = async () => fast({ program: three, wafer });
  const runner = createStageRunner({ wafer, memo: true, run });
  runner.places = [0, 1].flatMap((on) => [place('before', on, 3, 1), place('region', on, 4, 2)]);
  const plans = [0, 1].map((on): StagePlan => {
    const write = () => ({ program: three, senders: [0], origin: 1 });
    const region = { x: 3, y: 2, width: 1, height: 1 };
    const source = { kind: 'rows', region, cell: 0, type: 'f32', length: 1 } as const;
    const way = { from: 2 * on, to: 2 * on + 1, crossing: 0, colors: [], source };
    return { name: 'region', kind: 'layer', key: 'three cores', ...way, write };
  });
  return { runner, plans, timed: plans.map((plan) => timedStage(runner, plan)) };
}

describe('a program of three cores, for three tokens on one wafer and one on another', () => {
  const { runner, plans, timed } = counted();
  const result = fast({ program: three, wafer });
  const tokens = [3, 1];
  plans.forEach((plan, i) => addCounters(runner, plan, timed[i], result, tokens[i]));

  it('has its wavelets on the links of its own wafers, where its cores lie', () => {
    const link = (x: number) => (2 * 8 + x) * 4 + 1;
    linksOfWafers(runner.countedLinks, wafer).forEach((links, on) => {
      expect(links[link(3)]).toBe(5 * tokens[on]);
      expect(links[link(4)]).toBe(8 * tokens[on]);
      expect(links.reduce((a, b) => a + b)).toBe(13 * tokens[on]);
    });
    expect(runner.waveletHops).toBe(13 * 4);
    expect(runner.specialCycles).toBe(SPECIAL * 4);
  });

  it('has a busiest link of 24 wavelets in 100 cycles, and 32 of 60 cycles are special', () => {
    const config = loadConfig('configs/tiny.yaml', ['workload.batch=4', 'hardware.clock=1 GHz']);
    const compute = result.compute.reduce((a, b) => a + b);
    expect(compute).toBe(COMPUTE);
    const causes = { compute: 4 * COMPUTE, setup: 60, waitInput: 7, waitOutput: 8, idle: 9 };
    const operators = new Map([['all', { cycles: 100, compute: 30 }]]);
    const timing = { ...emptyTiming(), cycles: 100, operators, causes };
    const counters = { ...runner, reuse: { simulated: [], reused: [] } };
    const placement = placementOf(config);
    const { decode, fabric } = runDocument(
      config,
      placement,
      { timing, counters, steps: [] },
      TOLD,
    );
    expect(fabric).toEqual({ waveletHops: 52, peakLinkUtilization: 0.24, routeHazards: 0 });
    expect(decode.specialShare).toBe(32 / 60);
    expect(decode.breakdown).toEqual({ all: { cycles: 100, compute: 30, communication: 70 } });
    // At 1 GHz: 10 million tokens a second of each of four users.
    expect(decode.tokensPerSecondPerUser).toBe(1e7);
    expect(decode.tokensPerSecond).toBe(4e7);
    expect(decode.tpotMs).toBe(1e-4);
  });
});

describe('a placement of two regions on two wafers', () => {
  it('has sums and the most over its cores, and the cores of both wafers', () => {
    const config = loadConfig('configs/tiny.yaml', [
      ...['hardware.width=30', 'hardware.height=20', 'workload.data=false'],
    ]);
    const region = (
      on: number,
      width: number,
      height: number,
      sramBytesPerCore: number,
    ): Region => ({
      ...{
        name: `region ${on}`,
        kind: 'layer',
        layer: on,
        layerKind: 0,
        wafer: on,
        x: 2 * on,
        y: 3,
      },
      ...{ width, height, sramBytesPerCore },
    });
    const regions = [region(0, 4, 5, 1000), region(1, 6, 7, 300)];
    const counters = { ...counted().runner, reuse: { simulated: [], reused: [] } };
    const simulated = { timing: { ...emptyTiming(), cycles: 1 }, counters, steps: [] };
    const { placement } = runDocument(
      config,
      { strategy: 'snake', layers: 'whole', regions, wafers: 2 },
      simulated,
      TOLD,
    );
    expect(placement).toMatchObject({
      ...{ strategy: 'snake', wafers: 2, coresUsed: 4 * 5 + 6 * 7, coresAvailable: 2 * 30 * 20 },
      ...{ sramPeakBytesPerCore: 1000, sramUsedBytes: 20 * 1000 + 42 * 300 },
      sramBytesPerCore: config.wafer.core.sramBytes,
    });
    const given = { name: 'region 1', wafer: 1, x: 2, y: 3, width: 6, height: 7 };
    expect(placement.regions[1]).toEqual({ ...given, sramBytesPerCore: 300 });
  });
});
