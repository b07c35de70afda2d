/** What cores wait for: by hand, added up, and the same however a run is simulated. */
import { describe, expect, it } from 'vitest';
import { inspect, loadConfig, simulate } from '../src/index.js';
import { whyTitle } from '../src/report/why-text.js';
import { createRunner } from '../src/decode/runner.js';
import { timePipeline, type PipelineTiming } from '../src/decode/pipeline.js';
import type { StageTiming } from '../src/decode/timeline.js';
import type { SimulateOptions } from '../src/decode/options.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import type { RunResult, Starts } from '../src/engine/engine.js';
import { runKernel } from '../src/studies/kernel/kernel.js';
import { kernelWafer } from './kernel-programs.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import {
  E,
  R,
  W,
  cell,
  fabric,
  loaded,
  move,
  role,
  route,
  row,
  testWafer,
  work,
} from './helpers/programs.js';

const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0);

describe('waits of an operator', () => {
  it('are for a wavelet until it comes, and for a slot until one is free', () => {
    // The sender has slots for 12 words; the last of 20 goes once the eighth is taken, 70 cycles after the first.
    const words = 20;
    const sender = role('sender', {
      routes: [route(0, R, E)],
      operations: [work(5), { ...move(fabric(0), cell(0), words), label: 1 }],
      buffers: [loaded(words)],
    });
    const taker = role('taker', {
      routes: [route(0, W, R)],
      operations: [{ ...move(cell(0), fabric(0), words), by: 'task' as const, label: 1 }],
      buffers: [loaded(words)],
    });
    const input = { program: row(sender, taker), wafer: testWafer({}, { task: 10 }) };
    for (const engine of [reference, fast]) {
      const { labelWaitInput, labelWaitOutput, end } = engine(input);
      // It works for 5 cycles, sends in 21 if nothing waits, and ends with the credit of word 8.
      expect(end[0]).toBe(5 + 6 + 70 + 5 + 1);
      expect([...labelWaitOutput]).toEqual([0, end[0] - 5 - (words + 1)]);
      expect([...labelWaitInput]).toEqual([0, 5 + 6]);
    }
  });

  const host = { now: () => 0, rss: () => 0 };

  it('of a chain reduce are 6 cycles for each core before it, and of no slot', async () => {
    const [pes, words] = [16, 40];
    const given = { algorithm: 'chain', pes, words, dtype: 'f32' };
    for (const engine of ['reference', 'fast'] as const) {
      const { waits } = await runKernel('reduce', given, kernelWafer(), engine, host);
      expect(waits).toEqual([{ operator: 'reduce', on: 'line', coreCycles: 3 * pes * (pes - 1) }]);
    }
  });

  it('of a two-phase reduce are those of chains in groups, and of heads for the heads before', async () => {
    const [pes, group, words] = [16, 4, 4];
    const groups = pes / group;
    const given = { algorithm: 'two-phase', pes, group, words, dtype: 'f32' };
    const { waits } = await runKernel('reduce', given, kernelWafer(), 'fast', host);
    // From head to head it takes 6 cycles and a link for each core between; a head has stored its group's sum before.
    const heads = sum([1, 2, 3].map((before) => before * (6 + group - 1) - words));
    const chains = groups * 3 * group * (group - 1);
    expect(sum(waits!.map((wait) => wait.coreCycles))).toBe(chains + heads);
    expect(waits!.every(({ on }) => on === 'line')).toBe(true);
  });

  it('of a starved stream are all cycles in which it takes nothing', () => {
    const words = 20;
    const sender = role('sender', {
      routes: [route(0, R, E)],
      operations: [move(fabric(0), cell(0), words)],
      buffers: [loaded(words)],
    });
    const slow = role('slow', {
      routes: [route(0, W, R), route(1, R, E)],
      operations: [{ ...move(fabric(1), fabric(0), words), by: 'task' as const }],
    });
    const starved = role('starved', {
      routes: [route(1, W, R)],
      operations: [{ ...move(cell(0), fabric(1), words), label: 1 }],
      buffers: [loaded(words)],
    });
    const input = { program: row(sender, slow, starved), wafer: testWafer({}, { task: 10 }) };
    for (const engine of [reference, fast]) {
      const { labelWaitInput, labelWaitOutput, end } = engine(input);
      // A word comes every 10 cycles; the first is there after two flights and the work on it.
      expect(end[2]).toBe(6 + 10 * words + 6);
      expect(labelWaitInput[1]).toBe(end[2] - words);
      expect(labelWaitOutput[1]).toBe(0);
    }
  });

  it('add up to both causes in kernels', async () => {
    for (const [name, given] of [
      ['reduce', { algorithm: 'star', pes: 16, words: 8, dtype: 'f32' }],
      ['gemm', { algorithm: 'mesh', grid: '3x3', m: 24, k: 24, n: 24, dtype: 'f16' }],
    ] as const) {
      const { coreCycles, waits } = await runKernel(name, given, kernelWafer(), 'fast', host);
      const { waitInput, waitOutput } = coreCycles!;
      expect(waitInput + waitOutput).toBeGreaterThan(0);
      expect(sum(waits!.map((wait) => wait.coreCycles))).toBe(waitInput + waitOutput);
    }
  });
});

describe('waits of a run', () => {
  const decodeOf = async (sets: string[], more: Partial<SimulateOptions>) => {
    const small = ['placement.growth=minimal', ...sets];
    // Stages are taken by lines however small they are.
    const runner = createRunner({ ...OPTIONS, ...more, coresByLines: 1 });
    const { decode, placement } = await simulate(loadConfig('configs/tiny.yaml', small), {
      ...{ ...OPTIONS, ...more, runner },
    });
    return { ...decode, coresUsed: placement.coresUsed };
  };

  it.each(
    cases(
      [['workload.batch=1', 'placement.rows=6'], ['workload.batch=5']],
      [['workload.batch=8', 'placement.rows=6']],
    ),
  )(
    'add up to both causes, the same with all that may be taken over and with nothing, %s %s',
    async (...sets) => {
      const known = await decodeOf(sets, {});
      const { waits, coreCycles, coresUsed, cyclesPerToken } = known;
      expect(sum(waits!.map((wait) => wait.coreCycles))).toBe(
        coreCycles.waitInput + coreCycles.waitOutput,
      );
      expect(sum(Object.values(coreCycles))).toBe(coresUsed * cyclesPerToken);
      for (const more of [{ memo: 'none' }, { memo: 'lines' }, { engine: 'reference' }] as const)
        expect(await decodeOf(sets, more)).toEqual(known);
    },
  );

  it('are told by inspect, with the critical path by operator, and of no core', async () => {
    const sets = ['placement.rows=6', 'placement.growth=minimal'];
    const config = loadConfig('configs/tiny.yaml', sets);
    const { document, text } = await inspect(config, 'waits');
    const { waits, criticalPath } = await decodeOf(['placement.rows=6'], {});
    expect(document).toMatchObject({ what: 'waits', waits, criticalPath });
    expect(text).toContain(whyTitle({ waits: waits! }));
    expect(text).toContain('may help, not simulated: ');
    await expect(inspect(config, 'waits', { x: 0, y: 0 })).rejects.toThrow(
      '--core: expected --what placement or program, found waits',
    );
  });

  it('are looked for within the limits that everything has that simulates', async () => {
    const config = loadConfig('configs/tiny.yaml');
    const within = { ...OPTIONS, maxCycles: 20 };
    for (const what of ['waits', 'program'] as const)
      await expect(inspect(config, what, undefined, within)).rejects.toThrow('cycle 20, its limit');
  });

  it('are for the tokens of others while the token that is waited for waits itself', async () => {
    // The first region's two cores work 10 cycles on a token, that of the second 100; cores prepare in no time. The
    // first core of each region sends, which takes a cycle once the other region is ready.
    const stage = (from: number, region: number, columns: number): StageTiming => ({
      ...{ name: `${region}`, width: 1 + columns, height: 1, labels: ['receive'], from, region },
      ...{ senders: [{ core: 0, of: 0 }], origin: 1, columns, rows: 1, handOff: 0, layer: region },
      ...{ preparation: 0, programStart: 0, crossing: 0, isToken: false, isPort: false, ports: [] },
    });
    const stages = [stage(1, 0, 2), stage(0, 1, 1)];
    const run = async (i: number, startAt: Starts): Promise<RunResult> => {
      const none = () => new Float64Array(startAt.length);
      const ready = Math.max(0, ...startAt.subarray(1));
      const done = ready + [10, 100][i];
      const end = Float64Array.from(startAt, (_, core) => (core === 0 ? ready + 1 : done));
      return {
        ...{ cycles: done, end, setup: none(), compute: end.map((at, core) => at - startAt[core]) },
        ...{ waitInput: none(), waitOutput: none() },
        ...{ labelEnd: Float64Array.of(done), labelBusy: Float64Array.of(1) },
        ...{ labelWaitInput: Float64Array.of(0), labelWaitOutput: Float64Array.of(0) },
        ...{ linkWavelets: new Float64Array(8), sent: 1, delivered: 1, waveletHops: 1 },
        routeHazards: 0,
      };
    };
    const one = await timePipeline(stages, 2, run, 1);
    // The second core waits while the first region works, but for the cycle in which it sends.
    expect(waitsOf(one)).toEqual({ line: 0, credit: 0, handOff: 9, otherToken: 0 });
    // One user's token waits for the other's to be chosen: 100 cycles, in the first of which a core still sends.
    const two = await timePipeline(stages, 2, run, 2);
    expect(two.timing.waited).toBe(100);
    expect(waitsOf(two)).toEqual({ line: 0, credit: 0, handOff: 9, otherToken: 100 + 99 });
    expect(two.timing.causes.waitInput).toBe(9 + 199);
  });
});

function waitsOf({ timing }: PipelineTiming) {
  return timing.waits.get('receive');
}
