/** Rounds that are not all alike: which of them is reported. Two regions of one core, whose times are made up. */
import { describe, expect, it } from 'vitest';
import { timeFull, timePipeline } from '../src/decode/pipeline.js';
import { differing } from '../src/decode/run-document.js';
import type { StageTiming } from '../src/decode/timeline.js';
import type { RunResult, Starts } from '../src/engine/engine.js';

const LABELS = ['receive', 'compute'];

/** From one core to the other, as a program of two cores: the sender, and the one that takes and computes. */
function stage(name: string, from: number, region: number): StageTiming {
  return {
    ...{ name, width: 2, height: 1, labels: LABELS, senders: [{ core: 0, of: 0 }], from, region },
    ...{ origin: 1, columns: 1, rows: 1, preparation: 30, programStart: 0, crossing: 0 },
    ...{ layer: region, isToken: from > region, isPort: false, ports: [], handOff: 0 },
  };
}

/** Both begin at their starts; the sender ends in cycle `sent`, the other one in cycle `end`. */
function result(startAt: Starts, sent: number, end: number): RunResult {
  const compute = Float64Array.of(sent - startAt[0], 3);
  const zeros = () => new Float64Array(2);
  return {
    ...{ cycles: end, end: Float64Array.of(sent, end), compute, setup: zeros() },
    ...{ waitInput: Float64Array.of(0, end - startAt[1] - 3), waitOutput: zeros() },
    ...{ labelWaitInput: Float64Array.of(end - startAt[1] - 3, 0), labelWaitOutput: zeros() },
    ...{ labelEnd: Float64Array.of(2, end), labelBusy: Float64Array.of(1, 3) },
    ...{ linkWavelets: new Float64Array(8), sent: 1, delivered: 1, waveletHops: 1 },
    routeHazards: 0,
  };
}

describe('a pipeline whose second token differs from the first', () => {
  // The first region takes 20 cycles if it has waited for 4, else 10; then it sends for 3 cycles or 1,
  // and so has waited for 2 or 4 when the second region is done, 5 cycles after that began.
  const first = (startAt: Starts) => result(startAt, 1, startAt[1] === -4 ? 20 : 10);
  const second = (startAt: Starts) => result(startAt, startAt[1] === -19 ? 3 : 1, 5);
  const stages = [stage('first', 1, 0), stage('second', 0, 1)];
  const run = async (i: number, startAt: Starts) => (i === 0 ? first : second)(startAt);

  it('is reported by the longer round, and what all cores do in it', async () => {
    const { timing, results, uses, repeatsAfter, bottleneck } = await timePipeline(
      stages,
      2,
      run,
      1,
    );
    expect(repeatsAfter).toBe(2);
    expect(timing.cycles).toBe(25);
    expect(timing.stages.map(({ start, end }) => [start, end])).toEqual([
      [0, 20],
      [20, 25],
    ]);
    expect(timing.stageCycles).toEqual([20, 5]);
    expect(timing.waited).toBe(0);
    // 2 cycles of receiving in each stage, one of them computed.
    expect([...timing.operators]).toEqual([
      ['receive', { cycles: 4, compute: 2 }],
      ['compute', { cycles: 21, compute: 6 }],
    ]);
    expect(results.map(({ cycles }) => cycles)).toEqual([20, 5]);
    expect(uses.map(({ stage, tokens, result }) => [stage, tokens, result.end[0]])).toEqual([
      [0, 1, 1],
      [1, 1, 3],
    ]);
    // Of the senders 1 and 3 cycles, of the two regions 3 each.
    expect(timing.causes.compute).toBe(1 + 3 + 3 + 3);
    expect(bottleneck).toBe('first');
  });

  it('is listed turn by turn, and the one that all else is of is marked', async () => {
    const { turns, turn } = await timePipeline(stages, 2, run, 1);
    const listed = differing(turns, turn).turns!;
    expect(listed.toSorted((a, b) => a.cycles - b.cycles)).toEqual([
      { cycles: 15, waited: 0 },
      { cycles: 25, waited: 0, described: true },
    ]);
    // Where all are as long none is.
    expect(differing([turn, turn], turn)).toEqual({});
    expect(differing(undefined, undefined)).toEqual({});
  });
});

describe('a pipeline in which no two tokens are alike', () => {
  // Every token of a user alone takes the first region a cycle less than the one before.
  const stages = [stage('first', 1, 0), stage('second', 0, 1)].map((one) => ({
    ...one,
    preparation: 300,
  }));
  const first = (startAt: Starts) =>
    result(startAt, 1, startAt[1] === -300 ? 200 : 151 - startAt[1]);
  const second = (startAt: Starts) => result(startAt, startAt[1] + 201, 50);
  const run = async (i: number, startAt: Starts) => (i === 0 ? first : second)(startAt);

  it('is given up after three rounds, and reported by the longest token of the last', async () => {
    const one = await timePipeline(stages, 2, run, 1);
    expect(one.repeatsAfter).toBe(0);
    // Three times all users' tokens and those in flight; one more goes out, and the next one is reported.
    expect(one.simulatedTokens).toBe(6);
    expect(one.timing.cycles).toBe(250 - 7);
  });
});

describe('two tokens that take the first region alternately, each another time than the one before', () => {
  // Whoever waits for it finds it taken for as long as the other one takes, less the 49 cycles since its
  // own end there; it takes 150 cycles and three times as many more, modulo 101, a hundred times in a row.
  const stages = [stage('first', 1, 0), stage('second', 0, 1)];
  const first = (startAt: Starts) => {
    const taken = Math.max(0, startAt[1]);
    const work = taken === 0 ? 151 : 150 + ((3 * (taken + 49 - 150)) % 101);
    return result(startAt, 1, taken + work);
  };
  const second = (startAt: Starts) => result(startAt, 1, 50);
  const run = async (i: number, startAt: Starts) => (i === 0 ? first : second)(startAt);

  it('are given up after three rounds of both and of those in flight', async () => {
    const two = await timePipeline(stages, 2, run, 2);
    expect([two.repeatsAfter, two.inFlight, two.simulatedTokens]).toEqual([0, 2, 3 * (2 + 2)]);
  });
});

describe('a full pipeline with a tied table whose turns are all different', () => {
  // One token is inside and one waits. The layer takes 100 cycles and `more`, the head 50 and as many more,
  // which it reads off how long the table has waited for it; the next layer's `more` is twice that, modulo
  // 101, a hundred times in a row, and the table takes 10 cycles.
  const table = { ...stage('embedding', 0, 0), isToken: true };
  const stages = [table, stage('layer', 0, 1), stage('head', 1, 0)].map((one) => ({
    ...one,
    preparation: 300,
  }));
  const below101 = (value: number) => ((value % 101) + 101) % 101;
  const seen: number[] = [];
  const run = async (i: number, startAt: Starts) => {
    const own = startAt[1];
    const ends = (cycles: number) => result(startAt, 0, Math.max(0, own) + cycles);
    if (i === 0) return ends(10);
    if (i === 2) return ends(50 + below101(-own - 100));
    const more = own === -300 ? 58 : below101(2 * (-own - 60));
    seen.push(more);
    return ends(100 + more);
  };

  it('lets tokens through as the longest of the last round, which waited for the one before', async () => {
    const { users, spacing } = await timeFull(stages, 2, run);
    expect(users).toBe(2);
    // Twice 32 is 64, twice 64 less 101 is 27, and so on.
    expect(seen.slice(-6)).toEqual([16, 32, 64, 27, 54, 7]);
    // A turn is 160 cycles and twice `more`; a user's token takes its own and that of the other one.
    const [before, first, second] = [27, 54, 7].map((more) => 160 + 2 * more);
    expect([before, first, second]).toEqual([214, 268, 174]);
    expect(spacing).toBe(Math.max(before + first, first + second) / 2);
  });
});
