/** Which visits are simulated together, and what becomes of them: stages of two cores, by hand. */
import { describe, expect, it } from 'vitest';
import { begun, createContention, meet, openOf, type Member } from '../src/decode/contention.js';
import type { PartResult } from '../src/decode/part-results.js';
import type { StageTiming } from '../src/decode/timeline.js';
import { startOf, visitOf } from '../src/decode/visit.js';
import type { RunResult } from '../src/engine/engine.js';

/** A hand-off arrives after 10 cycles, and its sender is done with it; the region's core works for 100. */
const [RECEIVED, WORK] = [10, 100];

/** A core that sends, and one that is the region. */
function stage(from: number, region: number, crossing = 0): StageTiming {
  return {
    ...{
      name: `stage ${region}`,
      layer: region,
      isToken: false,
      isPort: false,
      ports: [],
      handOff: 0,
    },
    ...{ width: 2, height: 1, origin: 1, columns: 1, rows: 1, senders: [{ core: 0, of: 0 }] },
    ...{ labels: ['receive'], preparation: 0, programStart: 0, from, region, crossing },
  };
}

const zeros = () => new Float64Array(2);
const alone = {
  ...{ cycles: WORK, compute: zeros(), setup: zeros(), waitInput: zeros(), waitOutput: zeros() },
  ...{ end: Float64Array.of(RECEIVED, WORK), labelEnd: Float64Array.of(RECEIVED) },
  ...{ labelWaitInput: Float64Array.of(0), labelWaitOutput: Float64Array.of(0) },
} as unknown as RunResult;

/** What a visit does in a program of several: its sender begins and both end so much later. */
const later = (since: number, end: number): PartResult => ({
  since: Float64Array.of(since, 0),
  end: Float64Array.of(RECEIVED + end, WORK + end),
  waitOutput: zeros(),
  labelEnd: Float64Array.of(RECEIVED + end),
  labelWaitInput: Float64Array.of(0),
  labelWaitOutput: Float64Array.of(0),
});
const SAME = later(0, 0);

interface Setting {
  share?: [handOff: number, other: number][];
  run?: (visits: Member[]) => PartResult[] | undefined;
  stages?: StageTiming[];
}

/** A contention that notes which tokens' stages it runs together; and what makes visits for it. */
function meeting({ share = [], run = (all) => all.map(() => SAME), stages }: Setting) {
  const all = stages ?? [stage(3, 0), stage(0, 1), stage(1, 2), stage(2, 3)];
  const ran: string[][] = [];
  const contention = createContention({
    stages: all,
    share: (a, b) => share.some(([x, y]) => x === a && y === b),
    keyOf: (visits) =>
      JSON.stringify(visits.map(({ stage: i, visit }) => [i, visit.first - visits[0].visit.first])),
    run: async (visits) => {
      ran.push(visits.map(({ token, stage: i }) => `${String(token)} ${i}`));
      return run(visits);
    },
  });
  /** A token's visit, after the visits whose cores it has; the visit and whether any were changed. */
  const make = async (
    name: string,
    index: number,
    first: number,
    { after, sentBy }: { after?: Member; sentBy?: Member } = {},
  ) => {
    const done = after?.ends ?? Float64Array.of(-1000);
    const start = startOf(all[index], index, Float64Array.of(0), [0], alone);
    const visit = visitOf(all[index], start, done, 0, first);
    const ends = Float64Array.of(first + WORK);
    const left = sentBy?.ends ?? zeros();
    left[0] = first + RECEIVED;
    const member = { token: tokenOf(name), stage: index, visit, done, ends, left };
    const changed = await meet(contention, { ...member, chosen: 0, turns: () => [] });
    return { ...member, changed: changed.size };
  };
  return { contention, ran, make };
}

const names = new Map<string, object>();
function tokenOf(name: string): object {
  if (!names.has(name)) names.set(name, { toString: () => name });
  return names.get(name)!;
}

describe('tokens meet', () => {
  it('when the later hand-off begins before the other one is done, on links that it passes', async () => {
    for (const [first, runs] of [
      [99, 1],
      [100, 0],
    ]) {
      const { ran, make } = meeting({ share: [[1, 0]] });
      await make('a', 0, 0);
      const { changed } = await make('b', 1, first);
      expect([ran.length, changed]).toEqual([runs, 2 * runs]);
    }
  });

  it('when the hand-off before is not over as the later work begins', async () => {
    for (const [first, runs] of [
      [9, 1],
      [10, 0],
    ]) {
      const { ran, make } = meeting({ share: [[0, 1]] });
      await make('a', 0, 0);
      await make('b', 1, first);
      expect(ran).toHaveLength(runs);
    }
  });

  it('never without links in common, and no token itself', async () => {
    const { ran, make } = meeting({ share: [[1, 0]] });
    await make('a', 0, 0);
    await make('a', 1, 50);
    await make('b', 2, 60);
    expect(ran).toEqual([]);
  });
});

describe('a program of several visits', () => {
  it('has those that have begun since on the cores of any of them, in their order', async () => {
    const { ran, make } = meeting({ share: [[2, 0]] });
    const a = await make('a', 0, 0);
    await make('x', 3, 30);
    await make('a', 1, 40, { sentBy: a });
    await make('b', 0, 50, { after: a });
    await make('c', 2, 60);
    expect(ran).toEqual([['a 0', 'a 1', 'b 0', 'c 2']]);
  });

  it('has those that have begun since on a core that sends, also where its own visit is over', async () => {
    const { ran, make } = meeting({ share: [[2, 1]] });
    const a = await make('a', 0, 0);
    await make('a', 1, 150, { sentBy: a });
    await make('b', 0, 165, { after: a });
    await make('c', 2, 170);
    expect(ran).toEqual([['a 1', 'b 0', 'c 2']]);
  });

  it('has no visit of the next wafer, and none is run if one there would find its cores changed', async () => {
    const stages = [stage(3, 0), stage(0, 1, 500), stage(1, 2), stage(2, 3)];
    for (const isLater of [false, true]) {
      const run = (all: Member[]) => all.map(() => later(0, isLater ? 1 : 0));
      const { contention, ran, make } = meeting({ share: [[2, 0]], stages, run });
      const a = await make('a', 0, 0);
      const next = await make('a', 1, 40, { sentBy: a });
      // The core that sends there is done when it has, which is no end of the visit before.
      expect(next.left).toBe(a.ends);
      a.ends[0] = isLater ? a.visit.first + WORK : 50;
      await make('c', 2, 60);
      expect(ran).toEqual([['a 0', 'c 2']]);
      expect(contention.gaveUp).toBe(isLater);
    }
  });

  it('goes on with all of them if it changed any, and with none if they passed without a trace', async () => {
    for (const [late, expected] of [
      [0, ['b 2', 'c 3']],
      [1, ['a 0', 'b 2', 'c 3']],
    ] as const) {
      const run = (all: Member[]) => all.map((_, i) => later(0, i === 0 ? late : 0));
      const { ran, make } = meeting({
        share: [
          [2, 0],
          [3, 2],
        ],
        run,
      });
      await make('a', 0, 0);
      await make('b', 2, 50);
      await make('c', 3, 60);
      expect(ran).toEqual([['a 0', 'b 2'], expected]);
    }
  });

  it('has 24 visits at most; with one more all are given up for good', async () => {
    const { contention, ran, make } = meeting({
      share: [[0, 0]],
      run: (all) => all.map(() => later(0, 1)),
    });
    for (let i = 0; i < 24; i++) await make(`t${i}`, 0, i);
    expect(ran.map((visits) => visits.length)).toEqual(Array.from({ length: 23 }, (_, i) => i + 2));
    expect(contention.gaveUp).toBe(false);
    expect((await make('t24', 0, 24)).changed).toBe(0);
    expect(contention.gaveUp).toBe(true);
    // Two alone would be few enough.
    begun(contention);
    await make('t25', 0, 1000);
    expect((await make('t26', 0, 1001)).changed).toBe(0);
    expect(ran).toHaveLength(23);
  });

  it('runs once for visits that are as far apart, in other rings too, with the same effect', async () => {
    const run = (all: Member[]) => all.map((_, i) => later(0, i === 0 ? 3 : 0));
    const { contention, ran, make } = meeting({ share: [[1, 0]], run });
    const ends = async (first: number) => {
      const a = await make('a', 0, first);
      const b = await make('b', 1, first + 50);
      return [a, b].map(({ visit }) => [visit.start.number, visit.end - first]);
    };
    const once = await ends(0);
    expect(once.map(([, end]) => end)).toEqual([WORK + 3, 50 + WORK]);
    expect(await ends(1000)).toEqual(once);
    begun(contention);
    expect(contention.recent).toEqual([]);
    expect(await ends(70)).toEqual(once);
    expect(ran).toHaveLength(1);
  });
});

describe('a visit that others change', () => {
  it('moves the ends of its cores and senders where no other has moved them since', async () => {
    const { make } = meeting({ share: [[1, 0]], run: () => [later(0, 7), later(2, 4)] });
    const x = await make('x', 1, -30);
    const a = await make('a', 0, 0);
    const moved = await make('b', 1, 50, { after: x });
    expect([a.ends[0], a.left[0], a.visit.end]).toEqual([WORK + 7, RECEIVED + 7, WORK + 7]);
    // Its sender was held up for 2 cycles, and all of it counts from then on.
    expect(moved.visit.first).toBe(52);
    expect(moved.visit.start.sending).toEqual([0]);
    // Its core is done with another token in cycle 70; until then the token waits for its turn.
    expect(moved.visit.free).toBe(70);
    expect([...moved.visit.start.own]).toEqual([70 - 52]);
    expect([...moved.visit.start.result.end]).toEqual([RECEIVED + 2, WORK + 2]);
    expect([moved.ends[0], moved.left[0]]).toEqual([50 + WORK + 4, 50 + RECEIVED + 4]);
    expect(moved.visit.end).toBe(50 + WORK + 4);
  });

  it('leaves what its core has sent since', async () => {
    const { make } = meeting({ share: [[2, 0]], run: (all) => all.map(() => later(0, 7)) });
    const a = await make('a', 0, 0);
    a.ends[0] = 123;
    a.left[0] = 11;
    await make('c', 2, 60);
    expect([a.ends[0], a.left[0]]).toEqual([123, 11]);
  });

  it('has all its cycles in its causes', async () => {
    const waits = (): PartResult => ({
      ...later(0, 6),
      ...{ waitOutput: Float64Array.of(2, 5), labelWaitOutput: Float64Array.of(2 + 5) },
      labelWaitInput: Float64Array.of(RECEIVED + 6 - 2 + WORK + 6 - 5),
    });
    const { make } = meeting({ share: [[1, 0]], run: (all) => all.map(waits) });
    const { visit } = await make('a', 0, 0);
    await make('b', 1, 50);
    const { waitInput, waitOutput } = visit.start.result;
    expect([...waitOutput]).toEqual([2, 5]);
    expect([...waitInput]).toEqual([RECEIVED + 6 - 2, WORK + 6 - 5]);
    // 1000 cycles before it was sent, which is when it was chosen, its core was idle.
    expect(visit.causes).toMatchObject({ idle: 1000, waitInput: 14 + 101, waitOutput: 7 });
  });
});

describe('what the future depends on', () => {
  it('is each visit that is not over, or of which one that it met is not, or that came after such', async () => {
    const { contention, make } = meeting({
      share: [[1, 0]],
      run: (all) => all.map((_, i) => later(0, i)),
    });
    const a = await make('a', 0, 0);
    const b = await make('b', 1, 50);
    const c = await make('c', 3, 70);
    const [first, second] = [a, b].map(({ visit }) => visit.start.number);
    expect([first, second]).toEqual([-1, -2]);
    // The first two are together; the third begins a cluster of its own.
    expect(openOf(contention, 80)).toEqual([
      [0, first, -80, 0],
      [1, second, -30, 0],
      [3, c.visit.start.number, -10, 2],
    ]);
    // The first is over in 100, not so the one that it met.
    expect(openOf(contention, 150)).toHaveLength(3);
    expect(openOf(contention, 151)).toEqual([[3, c.visit.start.number, -81, 0]]);
    expect(openOf(contention, 170)).toEqual([]);
  });

  it('has what came after a visit that is not over', async () => {
    const { contention, make } = meeting({});
    const a = await make('a', 0, 0);
    const { visit } = await make('a', 1, 40, { sentBy: a });
    visit.end = 45;
    expect(openOf(contention, 60).map(([index]) => index)).toEqual([0, 1]);
  });
});
