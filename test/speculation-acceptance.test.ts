/** What acceptance makes of rounds: the mean, the draws, and the chance that a speed asks for. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { placementOf } from '../src/decode/place.js';
import { loweredOf } from '../src/decode/lowered.js';
import { createRunner } from '../src/decode/runner.js';
import { acceptanceOf, chanceFor, speedOf } from '../src/decode/speculation/acceptance.js';
import { createRoundTimer } from '../src/decode/speculation/timer.js';
import { acceptanceFor, acceptedOf, tokensPerRound } from '../src/numeric/acceptance.js';
import { seededRandom } from '../src/numeric/random.js';
import { acceptanceTable } from '../src/report/acceptance-table.js';
import { acceptanceStudy } from '../src/studies/acceptance/acceptance.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

const SETS = [
  ...['workload.data=false', 'workload.tokens=1', 'placement.rows=6'],
  ...['draft.mtp=assumed', 'tokens=2', 'acceptance=0.8'].map(
    (set) => `workload.speculation.${set}`,
  ),
];

describe('tokens of a round', () => {
  it('are in the mean (1 - a^m) / (1 - a) with one chance a', () => {
    for (const verified of [1, 2, 5, 16])
      for (const chance of [0, 0.3, 0.8, 0.99]) {
        const chances = Array<number>(verified - 1).fill(chance);
        const closed = (1 - chance ** verified) / (1 - chance);
        expect(tokensPerRound(chances)).toBeCloseTo(closed, 10);
      }
    expect(tokensPerRound([1, 1, 1])).toBe(4);
  });

  it('are drawn as often as the chances say, each after those before it', () => {
    const random = seededRandom('acceptance test');
    const chances = [0.9, 0.5, 0.7];
    const counts = [0, 0, 0, 0];
    const draws = 20_000;
    for (let i = 0; i < draws; i++) counts[acceptedOf(random, chances)]++;
    const expected = [0.1, 0.9 * 0.5, 0.9 * 0.5 * 0.3, 0.9 * 0.5 * 0.7];
    // Five standard deviations of a share.
    for (const [i, count] of counts.entries())
      expect(Math.abs(count / draws - expected[i])).toBeLessThan(5 * Math.sqrt(0.25 / draws));
  });

  it('take longer for each accepted one before, where a layer takes it once more', () => {
    const rounds = { tokens: 4, cycles: 1000, again: 50 };
    for (const chance of [0.2, 0.7, 1]) {
      const given = tokensPerRound([chance, chance, chance]);
      const speed = speedOf(rounds, chance, 1e6);
      expect(speed).toBeCloseTo((given * 1e6) / (1000 + 50 * (given - 1)), 6);
      expect(chanceFor(speed, rounds, 1e6)).toBeCloseTo(chance, 9);
    }
    expect(chanceFor(1.001 * speedOf(rounds, 1, 1e6), rounds, 1e6)).toBeUndefined();
    expect(chanceFor(1e6 / 50, rounds, 1e6)).toBeUndefined();
  });

  it('give the chance that they need, and none where all of them are too few', () => {
    for (const chance of [0.1, 0.5, 0.85, 1]) {
      const tokens = tokensPerRound([chance, chance, chance, chance]);
      expect(acceptanceFor(tokens, 5)).toBeCloseTo(chance, 10);
    }
    expect(acceptanceFor(5.0001, 5)).toBeUndefined();
    expect(acceptanceFor(1, 5)).toBe(0);
    expect(acceptanceFor(1, 1)).toBe(0);
    expect(acceptanceFor(1.1, 1)).toBeUndefined();
    // What is found is enough, and the number below it is not.
    const found = acceptanceFor(3, 4)!;
    const given = (chance: number) => tokensPerRound([chance, chance, chance]);
    expect(given(found)).toBeGreaterThanOrEqual(3);
    expect(given(found - 2e-16)).toBeLessThan(3);
  });
});

describe('rounds of every number of tokens', () => {
  const drafts = cases(['draft.mtp=assumed'], ['draft.ngram=2', 'draft.config=models/tiny.json']);
  it.each(drafts)('take as long as each of them by itself, out of one: %s', async (draft) => {
    const sets = [
      ...SETS.slice(0, 3),
      ...[draft, 'tokens=4', 'acceptance=0'].map((set) => `workload.speculation.${set}`),
    ];
    const config = loadConfig('configs/tiny.yaml', sets);
    const placement = placementOf(config);
    const programs = createRunner(OPTIONS);
    const maxPositions = config.workload.context + 4;
    const { plan } = await loweredOf(config, placement, maxPositions, programs);
    const base = { plan, maxPositions, programs, memo: true };
    for (const alike of cases([true], [false])) {
      const timer = await createRoundTimer(config, placement, { ...base, alike });
      const { cycles, rows } = await timer.timeAll(config.workload.context, 6_000);
      const each = [];
      for (let verified = 2; verified <= 4; verified++)
        each.push(await timer.time(config.workload.context, 6_000, verified));
      expect(cycles).toEqual(each.map((round) => round.cycles));
      expect(rows).toEqual(each.at(-1)!.rows);
    }
  });

  it('are told with a speed for each chance, and where 1 is not enough', async () => {
    const config = loadConfig('configs/tiny.yaml', SETS);
    const run = await simulateTimes(config, OPTIONS);
    const target = 1.4 * run.decode.tokensPerSecondPerUser;
    const { acceptance, key } = await acceptanceStudy(run, config, target, OPTIONS);
    expect(key).not.toBe(run.key);
    expect(acceptance.rounds.map(({ tokens }) => tokens)).toEqual(
      Array.from({ length: 15 }, (_, i) => i + 2),
    );
    const { clockHz } = config.wafer;
    const again = acceptance.cyclesPerAccepted!;
    expect(again).toBeGreaterThan(0);
    for (const { tokens, cyclesPerRound, tokensPerSecondPerUser, needed } of acceptance.rounds) {
      const most = (tokens * clockHz) / (cyclesPerRound + again * (tokens - 1));
      expect(needed === null).toBe(most < target);
      expect(tokensPerSecondPerUser).toEqual(tokensPerSecondPerUser.toSorted((a, b) => a - b));
      expect(tokensPerSecondPerUser.at(-1)).toBeLessThan(most);
    }
    expect(acceptance.rounds.some(({ needed }) => needed === null)).toBe(true);
    const text = acceptanceTable(acceptance);
    expect(text).toContain('1 is not enough');
    expect(text).toContain('which is assumed');
  });

  it('need a draft', async () => {
    const config = loadConfig('configs/tiny.yaml', SETS.slice(0, 3));
    const run = await simulateTimes(config, OPTIONS);
    await expect(acceptanceStudy(run, config, undefined, OPTIONS)).rejects.toThrow(
      '--acceptance: expected workload.speculation, found none',
    );
    expect(acceptanceOf([], 0, 1e9)).toEqual({ chances: [0.5, 0.6, 0.7, 0.8, 0.9], rounds: [] });
  });
});
