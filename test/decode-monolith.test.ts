/** Stages timed one after the other against one program of all of them, to the cycle. */
import { describe, expect, it } from 'vitest';
import { createRing, nextTurn } from '../src/decode/ring.js';
import { stageRuns } from '../src/decode/visit.js';
import type { RunResult } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { cases } from './helpers/full.js';
import { inTurn, monolith, pipelineOf, prepare, type Tiny } from './monolith.js';

const sum = (cycles: Float64Array) => cycles.reduce((a, b) => a + b, 0);

const countersOf = ({ cycles, compute, setup, waitInput, waitOutput, waveletHops }: RunResult) => ({
  cycles,
  compute: sum(compute),
  setup: sum(setup),
  // A core that has prepared waits for its input, whether its token has been chosen or not.
  waitInput: sum(waitInput),
  waitOutput: sum(waitOutput),
  waveletHops,
});

/** What the program of all stages does in a round of `users` users, after `before` tokens. */
function roundOf(tiny: Tiny, users: number, loop: Parameters<typeof monolith>[1], before: number) {
  const run = (tokens: number) =>
    countersOf(fast(monolith(tiny, { ...loop, visits: inTurn(tiny, tokens) })));
  const [first, second] = [run(before), run(before + users)];
  const change = (name: keyof typeof first) => second[name] - first[name];
  return {
    cycles: change('cycles'),
    compute: change('compute'),
    setup: change('setup'),
    waitInput: change('waitInput'),
    waitOutput: change('waitOutput'),
    waveletHops: change('waveletHops'),
  };
}

/** The same out of stages. */
async function simulatedRound(tiny: Tiny, users: number) {
  const { timing, uses, ...rest } = await pipelineOf(tiny, users);
  const { cycles, causes } = timing;
  const { compute, setup, waitInput, waitOutput, idle } = causes;
  const waveletHops = uses.reduce((n, { result, tokens }) => n + result.waveletHops * tokens, 0);
  const round = { cycles, compute, setup, waitInput: waitInput + idle, waitOutput, waveletHops };
  return { round, causes, cores: coresOf(tiny), ...rest };
}

const coresOf = ({ placement: { regions } }: Tiny) =>
  regions.reduce((n, { width, height }) => n + width * height, 0);

/** Attention on four columns, the MLP on five. */
const SPLIT = ['layers=split', 'layerColumns.attention=4', 'layerColumns.mlp=5'];

describe('one user', () => {
  it.each([
    ['row-major', 6, 1],
    ['snake', 5, 3],
  ])('takes as long, on the reference: %s, %i rows, %i tokens', async (strategy, rows, tokens) => {
    const tiny = await prepare([`placement.strategy=${strategy}`, `placement.rows=${rows}`]);
    const { timing } = await pipelineOf(tiny, 1);
    const all = monolith(tiny, { visits: inTurn(tiny, tokens), users: 1 });
    expect(reference(all).cycles).toBe(tokens * timing.cycles);
  });

  it.each([
    ['row-major', 6, 1],
    ['snake', 5, 3],
  ])('takes as long with split layers: %s, %i rows, %i tokens', async (strategy, rows, tokens) => {
    const sets = [`strategy=${strategy}`, `rows=${rows}`, ...SPLIT].map(
      (set) => `placement.${set}`,
    );
    const tiny = await prepare(sets);
    expect(tiny.plans.length).toBe(6);
    const { timing } = await pipelineOf(tiny, 1);
    const all = monolith(tiny, { visits: inTurn(tiny, tokens), users: 1 });
    expect(reference(all).cycles).toBe(tokens * timing.cycles);
  });

  it('takes as long where rows share streams, on the reference', async () => {
    const sets = ['strategy=hilbert', 'rows=12', 'layerColumns=1'].map((set) => `placement.${set}`);
    const tiny = await prepare(sets, 6);
    const shared = tiny.plans.filter(({ source }) => source?.kind === 'rows' && source.shares);
    expect(shared.length).toBe(3);
    const { timing } = await pipelineOf(tiny, 1);
    const all = monolith(tiny, { visits: inTurn(tiny, 2), users: 1 });
    expect(reference(all).cycles).toBe(2 * timing.cycles);
  });
});

describe('a round of several users is that of one program of all stages', () => {
  const batches = cases([2, 7], [1, 4, 11]);

  it.each(batches)('%i users on two layers, and every cycle has its cause', async (users) => {
    const tiny = await prepare(['placement.rows=6']);
    const { round, inFlight, causes, cores, repeatsAfter } = await simulatedRound(tiny, users);
    const alone = (await pipelineOf(tiny, 1)).timing.cycles;
    const spacing = Math.ceil(alone / inFlight);
    expect(round).toEqual(roundOf(tiny, users, { visits: [], users: inFlight, spacing }, 12));
    expect(repeatsAfter).toBeGreaterThan(0);
    expect(Math.min(...Object.values(causes))).toBeGreaterThanOrEqual(0);
    expect(Object.values(causes).reduce((a, b) => a + b)).toBe(cores * round.cycles);
    // Nobody is idle while users wait to be let in: their tokens have been chosen.
    if (users > inFlight) expect(causes.idle).toBe(0);
    else expect(causes.idle).toBeGreaterThan(0);
  });

  it.each(cases([3], [1, 8]))('%i users on two split layers', async (users) => {
    const tiny = await prepare(['rows=6', ...SPLIT].map((set) => `placement.${set}`));
    const { round, inFlight, causes, cores, repeatsAfter } = await simulatedRound(tiny, users);
    const alone = (await pipelineOf(tiny, 1)).timing.cycles;
    const spacing = Math.ceil(alone / inFlight);
    expect(round).toEqual(roundOf(tiny, users, { visits: [], users: inFlight, spacing }, 12));
    expect(repeatsAfter).toBeGreaterThan(0);
    expect(Object.values(causes).reduce((a, b) => a + b)).toBe(cores * round.cycles);
  });

  it('takes 4,563 cycles per token once the slowest layer is never without one', async () => {
    const tiny = await prepare(['placement.rows=6']);
    for (const users of [2, 3, 50])
      expect((await pipelineOf(tiny, users)).timing.cycles).toBe(users * 4563);
  });

  // As many as the ring holds, more of them, and fewer.
  const onFive: [string, number, number][] = cases(
    [['snake', 4, 11]],
    [
      ['row-major', 6, 5],
      ['snake', 4, 3],
      ['row-major', 6, 11],
    ],
  );
  it.each(onFive)('five layers: %s, %i rows, %i users', async (strategy, rows, users) => {
    const tiny = await prepare([`placement.strategy=${strategy}`, `placement.rows=${rows}`], 5);
    const { round, inFlight } = await simulatedRound(tiny, users);
    expect(inFlight).toBe(Math.min(users, 5));
    const { cycles, stages } = (await pipelineOf(tiny, 1)).timing;
    const spacing = Math.max(Math.floor(cycles / inFlight), Math.ceil(round.cycles / users));
    // The last layer is the slowest. It begins when all tokens that wait there ever after are there.
    const wait = Math.max(0, inFlight * spacing - cycles);
    const late = { region: 5, cycle: stages[5].start + wait };
    const loop = { visits: [], users: inFlight, spacing, ...(wait > 0 && { late }) };
    expect(round).toEqual(roundOf(tiny, users, loop, 20));
  });

  it('also where cores take time to start up, which a loop spends once', async () => {
    const [without, starting] = await Promise.all(
      [0, 35].map((cycles) =>
        prepare(['placement.rows=6', `hardware.costs.programStart=${cycles}`]),
      ),
    );
    for (const users of cases([5], [1, 2])) {
      const { round, causes, inFlight } = await simulatedRound(starting, users);
      const none = await simulatedRound(without, users);
      expect(round).toEqual(none.round);
      expect(causes).toEqual(none.causes);
      const spacing = Math.ceil(round.cycles / users);
      const loop = { visits: [], users: inFlight, spacing };
      expect(round).toEqual(roundOf(starting, users, loop, 12));
    }
  });
});

/** By layers. On two wide ones tokens wait for the table: a chosen one may come after others' heads on its core. */
const TIED: Record<number, string[]> = {
  2: ['placement.rows=12', 'placement.layerColumns=27'],
  3: ['placement.rows=6'],
};

describe('a tied table, which every token visits twice', () => {
  const tied: [number, number, number][] = cases(
    [
      [3, 1, 4],
      [2, 3, 12],
    ],
    [
      [3, 6, 18],
      [3, 2, 8],
      [2, 4, 16],
      [2, 6, 24],
    ],
  );
  it.each(tied)(
    '%i layers, %i users: %i tokens are chosen when one program does',
    async (layers, users, tokens) => {
      const tiny = await prepare(TIED[layers], layers, true);
      const { stages, places, run } = tiny;
      const launches = Array.from({ length: users }, () => 0);
      const ring = await createRing(stages, places, stageRuns(stages, run), launches, []);
      const visits: { stage: number; end: number }[] = [];
      const chosen: number[] = [];
      for (let token = 0; token < tokens; token++) {
        const turn = await nextTurn(ring);
        chosen.push(ring.now);
        turn.visits.forEach(({ end }, stage) => visits.push({ stage, end }));
      }
      // In which order regions are done with them is the order of their programs.
      const order = visits.sort((a, b) => a.end - b.end).map(({ stage }) => stage);
      const all = monolith(tiny, { visits: order, users });
      expect(fast(all).cycles).toBe(chosen.at(-1));
    },
  );

  it('has a steady state with every cycle accounted for', async () => {
    const all = [2, 3].flatMap((n) => cases([4], [1, 7]).map((u) => [n, u]));
    for (const [layers, users] of all) {
      const tiny = await prepare(TIED[layers], layers, true);
      const { round, causes, cores, repeatsAfter } = await simulatedRound(tiny, users);
      expect(repeatsAfter).toBeGreaterThan(0);
      expect(Math.min(...Object.values(causes))).toBeGreaterThanOrEqual(0);
      expect(Object.values(causes).reduce((a, b) => a + b)).toBe(cores * round.cycles);
    }
  });
});
