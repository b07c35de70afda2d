/** The library as a program uses it: simulate, compare, receive progress, give up. */
import { describe, expect, it } from 'vitest';
import {
  CapacityError,
  compare,
  compareRuns,
  IncomparableError,
  loadConfig,
  loadHardware,
  runKernel,
  simulate,
} from '../src/index.js';

const tinyOf = (...sets: string[]) =>
  loadConfig('configs/tiny.yaml', ['workload.data=false', ...sets]);

const tiny = (...sets: string[]) => tinyOf('workload.tokens=1', ...sets);

describe('the library', () => {
  it('simulates a configuration, with settings, and reports progress', async () => {
    const stages: string[] = [];
    const config = loadConfig('configs/tiny.yaml', ['workload.tokens=1']);
    const run = await simulate(config, { onProgress: ({ what }) => stages.push(what) });
    expect(run.schema).toBe('wafersim.run/1');
    expect(run.check?.passed).toBe(true);
    expect(run.host.wallSeconds).toBeGreaterThan(0);
    expect(stages).toEqual(['embedding', 'layer 0', 'layer 1', 'head']);
  });

  it('refuses a model that does not fit', async () => {
    const config = loadConfig('configs/tiny.yaml', ['hardware.width=2', 'hardware.height=2']);
    await expect(simulate(config)).rejects.toThrow(CapacityError);
  });

  it('compares placements as it simulates each alone', async () => {
    const configs = ['row-major', 'snake'].map((name) => tiny(`placement.strategy=${name}`));
    const progress: number[] = [];
    const { rows, runs } = await compare(configs, {
      onProgress: ({ done }) => progress.push(done),
    });
    expect(rows.map(({ name }) => name)).toEqual(['row-major', 'snake']);
    for (const [i, config] of configs.entries())
      expect((await simulate(config)).decode).toEqual(runs[i].decode);
    // Both are simulated at once; their progress is reported as one.
    expect(progress).toHaveLength(8);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it('compares placements alone: machines and sizes that differ have no results in common', async () => {
    const other = (set: string) => compare([tiny(), tiny('placement.strategy=snake', set)]);
    await expect(other('hardware.fabric.hopCycles=5')).rejects.toThrow(
      /placement\.strategy alone, found hardware\.fabric\.hopCycles: 2, 5$/,
    );
    await expect(other('placement.growth=minimal')).rejects.toThrow(/growth: "fill", "minimal"$/);
  });

  it('does not compare different work, simulated or finished', async () => {
    const configs = [tiny(), tiny('workload.batch=2')];
    await expect(compare(configs)).rejects.toThrow(IncomparableError);
    const runs = await Promise.all(configs.map((config) => simulate(config)));
    expect(() => compareRuns(runs, ['a', 'b'])).toThrow(/workload\.batch: 1 in a, 2 in b/);
    expect(compareRuns([runs[0], runs[0]], ['a', 'b']).rows[1].differenceCycles).toBe(0);
  });
});

/** Milliseconds of the processor in which the event loop stood still at most, and in all. */
async function standstill(work: () => Promise<unknown>): Promise<{ longest: number; all: number }> {
  const spent = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  const begun = spent();
  let [last, longest] = [begun, 0];
  const turn = () => {
    const now = spent();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(turn, 1);
  await work();
  clearInterval(timer);
  turn();
  return { longest, all: last - begun };
}

describe('a simulation lets others in', () => {
  const { wafer } = loadHardware('configs/hardware/wse3.yaml', []);
  const host = { now: () => performance.now() / 1000, rss: () => 0 };
  const chain = { algorithm: 'chain', pes: 300, words: 1000 };
  const long = { algorithm: 'chain', pes: 750, words: 9000 };

  it.each([
    [
      'of a long program on the reference',
      () => runKernel('reduce', chain, wafer, 'reference', host),
    ],
    ['of a long program', () => runKernel('reduce', long, wafer, 'fast', host)],
    [
      'of many stages on the reference, without a signal',
      () => simulate(tinyOf('workload.tokens=2'), { engine: 'reference' }),
    ],
    [
      'of many stages, without a signal',
      () => simulate(tinyOf('workload.tokens=20'), { shards: 1, memo: false }),
    ],
  ])('every few milliseconds: one %s', async (_, work) => {
    // The collector's turn, with what other tests have left, and the compiler's count as well: not every time.
    let tries = 0;
    let seen: Awaited<ReturnType<typeof standstill>>;
    // Half of the work as well: on a quick host all of it may take less than 200 ms.
    const stood = () => seen.longest / Math.min(200, seen.all / 2);
    do seen = await standstill(work);
    while (stood() >= 1 && ++tries < 3);
    expect(stood()).toBeLessThan(1);
  });
});

describe('a simulation that is aborted', () => {
  const reason = new Error('enough');

  it.each([
    ['alone', {}, []],
    ['on threads', { memo: false, shards: 2 }, []],
    [
      'of the published mapping',
      {},
      ['mapping=waferllm', 'hardware.height=32', 'placement.groups=4'],
    ],
  ])('before it begins rejects with the reason, %s', async (_, options, sets) => {
    const all = { ...options, signal: AbortSignal.abort(reason) };
    await expect(simulate(tiny(...sets), all)).rejects.toBe(reason);
    await expect(compare([tiny(...sets)], all)).rejects.toBe(reason);
  });

  it.each([
    ['alone', {}],
    ['on threads', { memo: false, shards: 2 }],
  ])('in the middle goes no further, %s', async (_, options) => {
    const controller = new AbortController();
    const stages: string[] = [];
    const onProgress = ({ what }: { what: string }) => {
      stages.push(what);
      if (what === 'layer 0') controller.abort(reason);
    };
    const run = simulate(tiny(), { ...options, onProgress, signal: controller.signal });
    await expect(run).rejects.toBe(reason);
    expect(stages).toEqual(['embedding', 'layer 0']);
  });

  it('receives a limit on its time, since timers run between its stages', async () => {
    const config = loadConfig('configs/tiny.yaml', ['workload.tokens=400']);
    const run = simulate(config, { shards: 1, signal: AbortSignal.timeout(300) });
    await expect(run).rejects.toThrow(/timeout/);
  });
});
