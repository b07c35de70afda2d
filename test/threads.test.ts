/** Runs of a comparison, and steps for serving, on several threads: large regions, each simulated as a whole by one thread. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { SimulateOptions } from '../src/decode/options.js';
import { placementOf } from '../src/decode/place.js';
import type { RunDetail } from '../src/report/detail.js';
import type { RunDocument } from '../src/report/document.js';
import { compareAll, type Compared } from '../src/studies/compare/compare.js';
import { stepTimes, type GridWork, type Placed } from '../src/studies/steps/step-times.js';
import type { Thread } from '../src/studies/steps/thread.js';
import { createTurns } from '../src/studies/steps/turns.js';
import { startSimulations } from '../src/studies/steps/work.js';
import type { Simulations } from '../src/studies/steps/worker.js';
import { OPTIONS } from './helpers/options.js';

const PATH = 'configs/tiny.yaml';
const LARGE = [
  ...['hardware.width=200', 'hardware.height=130', 'workload.data=false', 'workload.tokens=1'],
  ...['placement.rows=64', 'placement.layerColumns=64', 'placement.groups=8'],
];
const TWO = { ...OPTIONS, shards: 2 };
/** A comparison leaves one to the compiler and the collector. */
const THREE = { ...OPTIONS, shards: 3 };

const named = (name: string, strategy = name, ...sets: string[]) => {
  return { name, config: loadConfig(PATH, [...LARGE, `placement.strategy=${strategy}`, ...sets]) };
};

describe('a comparison on several threads', () => {
  const withoutHost = ({ host: _, ...run }: RunDocument) => run;
  const compared = async (all: Compared[], options = OPTIONS) => {
    let details: (RunDetail | undefined)[] = [];
    const heard: string[] = [];
    const { runs, rows } = await compareAll(all, {
      ...options,
      onDetails: (found) => (details = found as typeof details),
      onProgress: ({ what, done, total }) => heard.push(done > total ? 'too much' : what),
    });
    expect(runs.map(({ host }) => host.shards)).toEqual(runs.map(() => options.shards));
    // Tests look at no processor's time, threads do.
    const byThread = runs.some(({ host }) => (host.engineCpuSeconds ?? 0) > 0);
    expect(byThread).toBe(options.shards > 2);
    return { runs: runs.map(withoutHost), rows, details, heard };
  };

  it('has the runs that one thread has, those of other families too, what cores did, and progress of all', async () => {
    const all = [
      named('row-major'),
      named('hilbert'),
      named('slow hops', 'hilbert', 'hardware.fabric.hopCycles=3'),
    ];
    const { heard, details, ...two } = await compared(all, THREE);
    const { heard: _, details: ofOne, ...one } = await compared(all);
    expect(two).toEqual(one);
    expect(details[1]!.maps.length).toBeGreaterThan(0);
    // Maps are long.
    expect(isDeepStrictEqual(details, ofOne)).toBe(true);
    expect(heard).not.toContain('too much');
    expect(two.rows.map(({ differenceCycles }) => Math.sign(differenceCycles))).toEqual([0, 1, 1]);
    for (const name of ['row-major', 'hilbert', 'slow hops'])
      expect(heard.some((what) => what.startsWith(`${name}, `))).toBe(true);
  });

  it('fails as the first that fails, by whichever thread', async () => {
    const spoilt = (name: string, colors: number): Compared => {
      const { config } = named(name);
      const fabric = { ...config.wafer.fabric, colors };
      return { name, config: { ...config, wafer: { ...config.wafer, fabric } } };
    };
    const all = [named('row-major'), spoilt('snake', 11), spoilt('hilbert', 10)];
    const messages = await Promise.all(
      [OPTIONS, THREE].map((options) =>
        compared(all, options).then(String, (e: Error) => e.message),
      ),
    );
    expect(messages[0]).toContain('11');
    expect(messages[1]).toBe(messages[0]);
  });

  it('ends when it is aborted', async () => {
    const over = new AbortController();
    const onProgress = () => over.abort(new Error('enough'));
    const ended = compareAll([named('row-major'), named('snake')], {
      ...{ ...THREE, onProgress, signal: over.signal },
    });
    await expect(ended).rejects.toThrow('enough');
  });
});

describe('steps for serving', () => {
  const { config } = named('snake');
  const placed = { config, placement: placementOf(config), lines: new Map() };

  it('are given to threads in turns, are what they are here, and are done here where they fail there', async () => {
    const turns = createTurns<Simulations>(2, () => startSimulations(TWO));
    const all = [config, config, { ...config, mapping: 'none' as 'gqa' }].map(async (one) =>
      turns.inTurn<unknown>(
        async () => `here, with ${one.mapping}`,
        async (thread) => thread.step(one, placed.placement, 9),
      ),
    );
    const [first, second, third] = await Promise.all(all);
    expect([first, third]).toEqual([`here, with ${config.mapping}`, 'here, with none']);
    expect(second).toEqual(await stepTimes(placed, 9, OPTIONS));
    await turns.close();
  });

  it('are not done here once all is aborted', async () => {
    const over = new AbortController();
    const never = new Promise<never>(() => {});
    const thread = { remote: {}, worker: { terminate: async () => 0 }, ended: never };
    const start = () => thread as unknown as Thread<object>;
    const turns = createTurns<object>(2, start, over.signal);
    let here = 0;
    const work = async () =>
      turns.inTurn(
        async () => ++here,
        async () => never,
      );
    const [own, other] = [work(), work()];
    expect(await own).toBe(1);
    over.abort(new Error('enough'));
    await expect(other).rejects.toThrow('enough');
    expect(here).toBe(1);
    await turns.close();
  });

  it('are for threads if they are large, by lines, and there are some', async () => {
    const isForThreads = async (options: SimulateOptions, of: Placed = placed) => {
      const inTurn = async (_: unknown, there: unknown) => there !== undefined;
      return stepTimes(of, 9, { ...options, inTurn: inTurn as GridWork['inTurn'] & {} });
    };
    expect(await isForThreads(TWO)).toBe(true);
    expect(await isForThreads(OPTIONS)).toBe(false);
    expect(await isForThreads({ ...TWO, memo: 'stages' })).toBe(false);
    const tiny = loadConfig(PATH);
    expect(await isForThreads(TWO, { ...placed, placement: placementOf(tiny) })).toBe(false);
  });
});
