/** Tokens of several users that wait for each other on links, against one program of all stages. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { withRunner } from '../src/decode/options.js';
import { placementOf } from '../src/decode/place.js';
import { timeDecodeStep } from '../src/decode/time-step.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { timeFull, timePipeline } from '../src/decode/pipeline.js';
import { createRing, nextTurn, stateOf } from '../src/decode/ring.js';
import type { Member } from '../src/decode/contention.js';
import { createSharing } from '../src/decode/shared-links.js';
import { stageRuns } from '../src/decode/visit.js';
import type { RunResult } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { HOP_OF_ONE, inTurn, monolith, prepare, type Tiny } from './monolith.js';

/** With trees as published: whether tokens meet hangs on the times of all stages. */
/** Layers whose times are those that the cases were made for: where tokens meet hangs on some cycles. */
const PLAIN = ['placement.layers=whole', 'placement.kvReplicas=1'];

const prepared = (strategy: string, layers: number, rows: number, ...more: string[]) =>
  prepare(
    [`placement.strategy=${strategy}`, `placement.rows=${rows}`, ...PLAIN, ...more],
    layers,
    false,
    ['stored'],
  );

/** Contention of a step whose tokens follow each other so closely that all that can meet does. */
async function contentionOf({ runner, plans, stages, places, run }: Tiny) {
  const one = await timePipeline(stages, places, run, 1);
  return createSharing(runner, plans, stages).contentionOf({ ...one, period: 1000 });
}

/** After the first of each user: of many users' tokens one in three, as each takes a program of its own. */
const lookedAt = (users: number) =>
  Array.from({ length: 2 * users + 1 }, (_, i) => i).filter(
    (i) => users <= 3 || (2 * users - i) % 3 === 0,
  );

/** Cycles in which `users` users' tokens, all sent at once, are chosen. */
async function choices(tiny: Tiny, users: number, withContention: boolean) {
  const { stages, places, run } = tiny;
  const contention = withContention ? await contentionOf(tiny) : undefined;
  const launches = Array.from({ length: users }, () => 0);
  const ring = await createRing(stages, places, stageRuns(stages, run), launches, [], {
    contention,
  });
  const chosen: number[] = [];
  while (chosen.length < 3 * users) {
    await nextTurn(ring);
    chosen.push(ring.now);
  }
  expect(contention?.gaveUp ?? false).toBe(false);
  return lookedAt(users).map((i) => chosen[users - 1 + i]);
}

/** The same of one program of all stages. */
function chosenBy(tiny: Tiny, users: number): number[] {
  return lookedAt(users).map((i) => {
    const visits = inTurn(tiny, users + i);
    return fast(monolith(tiny, { visits, users })).cycles;
  });
}

describe('tokens that meet on links are chosen when one program of all stages does', () => {
  const waiting: [string, number, number, number][] = cases(
    [['row-major', 7, 12, 2]],
    [['row-major', 7, 12, 3]],
  );
  it.each(waiting)(
    '%s, %i layers of %i rows, %i users; not without waiting',
    async (strategy, layers, rows, users) => {
      const tiny = await prepared(strategy, layers, rows, ...HOP_OF_ONE);
      const one = chosenBy(tiny, users);
      expect(await choices(tiny, users, true)).toEqual(one);
      expect(await choices(tiny, users, false)).not.toEqual(one);
    },
  );

  const others: [string, number, number, number, string][] = cases(
    [['row-major', 5, 8, 2, 'hardware.defects.cores=8,1 14,3 20,9 3,17']],
    [
      ['row-major', 5, 8, 3, 'hardware.fabric.queueDepth=2'],
      ['row-major', 5, 4, 3, 'hardware.fabric.queueDepth=2'],
      ['hilbert', 7, 6, 5, 'hardware.fabric.queueDepth=4'],
      ['snake', 7, 8, 5, 'hardware.fabric.hopCycles=2'],
    ],
  );
  it.each(others)(
    '%s, %i layers of %i rows, %i users, %s',
    async (strategy, layers, rows, users, set) => {
      const tiny = await prepared(strategy, layers, rows, set);
      expect(await choices(tiny, users, true)).toEqual(chosenBy(tiny, users));
    },
  );

  it('with trees in the forms that are chosen too', async () => {
    const tiny = await prepare(['placement.rows=8', 'hardware.fabric.queueDepth=2', ...PLAIN], 5);
    expect(await choices(tiny, 3, true)).toEqual(chosenBy(tiny, 3));
  });

  const sharing: [string, number, number, number, number][] = cases(
    [['hilbert', 6, 12, 1, 3]],
    [['hilbert', 12, 8, 2, 3]],
  );
  it.each(sharing)(
    '%s, %i layers of %i rows and %i columns, whose rows share streams, %i users',
    async (strategy, layers, rows, columns, users) => {
      const tiny = await prepared(strategy, layers, rows, `placement.layerColumns=${columns}`);
      const shared = tiny.plans.filter(({ source }) => source?.kind === 'rows' && source.shares);
      expect(shared.length).toBeGreaterThan(0);
      expect(await choices(tiny, users, true)).toEqual(chosenBy(tiny, users));
    },
  );
});

describe('a step', () => {
  const sharingOf = ({ runner, plans, stages }: Tiny) => createSharing(runner, plans, stages);

  it('has every cycle of every core in its causes, and follows as closely as a serving step', async () => {
    const tiny = await prepared('row-major', 7, 6);
    const { stages, places, run, placement } = tiny;
    const cores = placement.regions.reduce((n, { width, height }) => n + width * height, 0);
    const sharing = sharingOf(tiny);
    const timed = await timePipeline(stages, places, run, 9, sharing.contentionOf);
    const { causes, cycles } = timed.timing;
    const { pairs } = sharing.resultOf(timed);
    expect(pairs.length).toBeGreaterThan(0);
    expect(pairs.map(({ simulated }) => simulated)).toEqual(pairs.map(() => true));
    expect(Object.values(causes).reduce((a, b) => a + b)).toBe(cores * cycles);
    expect(Math.min(...Object.values(causes))).toBeGreaterThanOrEqual(0);
    const full = await timeFull(stages, places, run, sharingOf(tiny));
    expect(full.spacing * 9).toBe(cycles);
    // Without links in common nothing is asked about who meets whom.
    const apart = {
      haveCommonLinks: () => false,
      contentionOf: () => {
        throw new Error('asked');
      },
    };
    expect(await timeFull(stages, places, run, apart)).toEqual(await timeFull(stages, places, run));
  });

  it.each([
    ['5 us', 8, true],
    ['0 us', 4, false],
  ])(
    'on two wafers has programs of one wafer; the link takes %s, %i users',
    async (latency, users, simulated) => {
      const wafers = [
        'hardware.height=12',
        'hardware.wafers=2',
        `hardware.io.latency=${latency}`,
        'placement.layerColumns=10',
      ];
      const tiny = await prepared('hilbert', 5, 6, ...wafers);
      const { stages, places, run, placement } = tiny;
      expect(placement.regions.map(({ wafer }) => wafer)).toEqual([0, 0, 0, 0, 0, 0, 1]);
      const sharing = sharingOf(tiny);
      const timed = await timePipeline(stages, places, run, users, sharing.contentionOf);
      const { pairs } = sharing.resultOf(timed);
      expect(pairs.length).toBeGreaterThan(0);
      // Where a port's cores would have to work for several tokens at once, none are.
      expect(pairs.map((pair) => pair.simulated)).toEqual(pairs.map(() => simulated));
      const cores = placement.regions.reduce((n, { width, height }) => n + width * height, 0);
      const { causes, cycles } = timed.timing;
      expect(Object.values(causes).reduce((a, b) => a + b)).toBe(cores * cycles);
    },
  );

  it('whose stages are too large to run as one program says what that may cost', async () => {
    const tiny = await prepared('row-major', 5, 8);
    const { stages, places, run, runner } = tiny;
    const sharing = createSharing(runner, tiny.plans, stages, {
      perProgram: 100,
      perStep: 2 ** 20,
    });
    const timed = await timePipeline(stages, places, run, 3, sharing.contentionOf);
    const { cycles, cyclesAtMost, pairs } = sharing.resultOf(timed);
    expect(cycles).toBe(0);
    const apart = await timePipeline(stages, places, run, 3);
    expect(timed.timing).toEqual(apart.timing);
    expect(pairs.map(({ simulated }) => simulated)).toEqual(pairs.map(() => false));
    expect(cyclesAtMost).toBe(pairs.reduce((sum, pair) => sum + pair.cyclesAtMost, 0));
    expect(cyclesAtMost).toBeGreaterThan(0);
  });

  it('gives up when all programs together have more cores than may be, and then serves as if alone', async () => {
    const tiny = await prepared('row-major', 5, 8);
    const { stages, places, run, runner, plans, wafer } = tiny;
    const perProgram = wafer.width * wafer.height;
    const isSimulated = async (perStep: number) => {
      const sharing = createSharing(runner, plans, stages, { perProgram, perStep });
      const timed = await timePipeline(stages, places, run, 4, sharing.contentionOf);
      return sharing.resultOf(timed).pairs.every(({ simulated }) => simulated);
    };
    // Every program fits on the wafer, two do not fit in a core more.
    expect(await isSimulated(100 * perProgram)).toBe(true);
    expect(await isSimulated(perProgram + 1)).toBe(false);
    const none = createSharing(runner, plans, stages, { perProgram: 100, perStep: 100 });
    const served = await timeFull(stages, places, run, none);
    expect(served).toEqual(await timeFull(stages, places, run));
  });

  it('of a served model runs visits that meet as one program too', async () => {
    const sets = ['workload.data=false', 'placement.rows=12', 'placement.layerColumns=5'];
    const config = loadConfig('configs/tiny.yaml', sets);
    await withRunner(OPTIONS, async ({ runner }) => {
      const together: string[] = [];
      const run: typeof runner.run = (input) => {
        if (input.program.name.includes(' and ')) together.push(input.program.name);
        return runner.run(input);
      };
      const pause = () => runner.pause();
      const shared = { runner: { ...runner, run, pause }, memo: true };
      const placement = placementOf(config);
      const full = await timeDecodeStep(config, placement, 8, new Map(), shared);
      expect(together.length).toBeGreaterThan(0);
      expect(full.users * full.spacing).toBeGreaterThanOrEqual(full.alone);
    });
  });

  it('repeats only if visits that can still meet others do', async () => {
    const tiny = await prepared('row-major', 5, 8);
    const { stages, places, run } = tiny;
    const contention = (await contentionOf(tiny))!;
    const ring = await createRing(stages, places, stageRuns(stages, run), [0, 0], [], {
      contention,
    });
    await nextTurn(ring);
    const state = stateOf(ring);
    expect(stateOf(ring)).toBe(state);
    const { recent } = contention;
    contention.recent = recent.slice(0, -1);
    expect(stateOf(ring)).not.toBe(state);
    contention.recent = recent;
    expect(stateOf(ring)).toBe(state);
  });

  it('has no program in which a port works for several: it sends across in between', async () => {
    const wafers = ['hardware.height=12', 'hardware.wafers=2', 'placement.layerColumns=10'];
    const tiny = await prepared('hilbert', 5, 6, ...wafers);
    const { stages, places, run, runner, plans } = tiny;
    const one = await timePipeline(stages, places, run, 1);
    const [{ visits }] = one.turns;
    const contention = createSharing(runner, plans, stages).contentionOf({ ...one, period: 1000 })!;
    const parts = async (name: string) => {
      const stage = stages.findIndex((timed) => timed.name === name);
      const visit = visits[stage];
      const done = new Float64Array(1);
      const member = (first: number): Member => {
        return {
          ...{ token: {}, stage, done, ends: done, left: done },
          visit: { ...visit, first },
        };
      };
      return (await contention.run([member(0), member(1)]))?.length;
    };
    expect(await parts('layer 1')).toBe(2);
    expect(await parts('to wafer 1')).toBeUndefined();
    expect(await parts('embedding')).toBeUndefined();
  });

  it('has no program in which a core sends later than it is done with the visit before', async () => {
    const tiny = await prepared('row-major', 5, 8);
    const { stages, places, run } = tiny;
    const [{ visits }] = (await timePipeline(stages, places, run, 1)).turns;
    const contention = (await contentionOf(tiny))!;
    const done = new Float64Array(1);
    const member = (stage: number, first: number): Member => {
      const visit = { ...visits[stage], first };
      return { ...{ token: {}, stage, done, ends: done, left: done }, visit };
    };
    // The head's core that chooses a token, then sends it to the embedding.
    const last = stages.length - 1;
    const end = visits[last].start.ends[stages[0].senders[0].of];
    const parts = async (sent: number) =>
      (await contention.run([member(last, 0), member(0, sent)]))?.length;
    expect(await parts(end)).toBe(2);
    expect(await parts(end + 1)).toBeUndefined();
  });

  it.each([false, true])(
    'knows when a hand-off has arrived, with a tied table %s',
    async (tied) => {
      const tiny = await prepare(['placement.rows=6'], 5, tied);
      const { stages } = tiny;
      const names = stages.map(({ labels, handOff }) => labels[handOff]);
      expect(names).toEqual(['token', ...stages.slice(1).map(() => 'hand-off')]);
    },
  );

  it('says what of its cycles comes of waiting on links: those beyond what it takes without', async () => {
    const tiny = await prepared('row-major', 7, 12);
    const { stages, places, run } = tiny;
    const sharing = sharingOf(tiny);
    const timed = await timePipeline(stages, places, run, 3, sharing.contentionOf);
    const apart = await timePipeline(stages, places, run, 3);
    const cycles = timed.timing.cycles - apart.timing.cycles;
    expect(cycles).toBeGreaterThan(0);
    expect(sharing.resultOf(timed)).toMatchObject({ cycles, cyclesAtMost: 0 });
  });

  it('takes ways to meet for one that are alike in programs, colours, places, starts and distances', async () => {
    const tiny = await prepared('row-major', 5, 8);
    const { stages, places, run, runner, plans } = tiny;
    const one = await timePipeline(stages, places, run, 1);
    const [{ visits }] = one.turns;
    const of = (some: Tiny['plans']) =>
      createSharing(runner, some, stages).contentionOf({ ...one, period: 1000 })!;
    const { keyOf } = of(plans);
    const member = (stage: number, first: number): Member => {
      const visit = { ...visits[stage], first };
      return {
        ...{ token: {}, stage, visit, done: new Float64Array(1) },
        ends: visits[0].start.own,
        left: visits[0].start.own,
      };
    };
    const key = keyOf([member(1, 100), member(2, 130)]);
    expect(keyOf([member(1, 500), member(2, 530)])).toBe(key);
    const later = member(2, 130);
    const { start } = later.visit;
    later.visit.start = { ...start, sending: start.sending.map((cycle, i) => cycle + i) };
    for (const others of [
      [member(1, 100), member(2, 131)],
      [member(2, 100), member(1, 130)],
      [member(1, 100), member(3, 130)],
      [member(1, 100), later],
    ])
      expect(keyOf(others)).not.toBe(key);
    const recoloured = plans.map((plan) => ({ ...plan, colors: plan.colors.map((n) => n + 1) }));
    expect(of(recoloured).keyOf([member(1, 100), member(2, 130)])).not.toBe(key);
  });

  it('simulates a way to meet once', async () => {
    const tiny = await prepared('row-major', 7, 12);
    let programs = 0;
    const engine = tiny.runner.run;
    tiny.runner.run = async (...input): Promise<RunResult> => {
      programs++;
      return engine(...input);
    };
    const runs = async (users: number) => {
      programs = 0;
      const { contentionOf: of } = sharingOf(tiny);
      await timePipeline(tiny.stages, tiny.places, tiny.run, users, of);
      return programs;
    };
    await runs(2);
    // Stages alone are known by now.
    const met = await runs(2);
    expect(met).toBeGreaterThan(0);
    expect(met).toBeLessThan(20);
  });
});
