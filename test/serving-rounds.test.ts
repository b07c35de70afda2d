/** Rounds of speculative decoding in a server: bursts of accepted tokens, their slots, and how many are verified. */
import { describe, expect, it } from 'vitest';
import { tokensPerRound } from '../src/numeric/acceptance.js';
import { POLICIES } from '../src/serving/policy.js';
import { createDriver } from '../src/serving/driver.js';
import { recordedDriver } from '../src/serving/record.js';
import { readRecord } from '../src/serving/recorded.js';
import { chosenRound, roundTimeOf, type Rounds, type RoundTime } from '../src/serving/rounds.js';
import { options, pipeline, request, serve } from './serving-helpers.js';

/** A path of 10,000 ns and 400 for each further token, and 1,000 between tokens in the busiest region. */
const TIME: RoundTime = (users, tokens, prompt) =>
  Math.max(10_000 + 400 * (tokens - 1), 1000 * (users * tokens + prompt));
const STEP = pipeline(10, 1000);

function rounds(tokens: number, chance: number, more: Partial<Rounds> = {}): Rounds {
  const chances = Array<number>(tokens - 1).fill(chance);
  return { tokens, chances, policy: 'fixed', seed: '1', roundTime: TIME, ...more };
}

/** What clients see of each request, served with rounds. */
function seen(requests: ReturnType<typeof request>[], of: Rounds | undefined, more = {}) {
  const tokensNs = requests.map((): number[] => []);
  const onToken = (id: number, ns: number) => tokensNs[id].push(ns);
  const run = serve(requests, { ...options(STEP, 'fcfs', more), rounds: of, onToken });
  return { ...run, tokensNs };
}

describe('rounds in which all guesses are right', () => {
  it('give their tokens at one instant each, and the last round is cut', () => {
    const { tokensNs, rounds: counts } = seen([request(0, 0, 5, 8)], rounds(3, 1));
    const [first, ...rest] = tokensNs[0];
    expect(rest.map((ns) => ns - first)).toEqual([
      ...[10_800, 10_800, 10_800],
      ...[21_600, 21_600, 21_600],
      32_400,
    ]);
    expect(counts).toEqual({ rounds: 3, drafted: 6, accepted: 6, emitted: 7 });
  });

  it('are framed one token after the other', () => {
    const transport = { ...options(STEP).transport, tokenMicros: 1 };
    const { tokensNs } = seen([request(0, 0, 5, 4)], rounds(3, 1), { transport });
    const gaps = tokensNs[0].slice(1).map((ns, i) => ns - tokensNs[0][i]);
    expect(gaps).toEqual([10_800, 1000, 1000]);
  });
});

describe('rounds in which no guess is right', () => {
  it('give one token each, later by what the drafted ones take', () => {
    const { tokensNs, rounds: counts } = seen([request(0, 0, 5, 4)], rounds(3, 0));
    const gaps = tokensNs[0].slice(1).map((ns, i) => ns - tokensNs[0][i]);
    expect(gaps).toEqual([10_800, 10_800, 10_800]);
    expect(counts).toEqual({ rounds: 3, drafted: 6, accepted: 0, emitted: 3 });
  });
});

const MANY = Array.from({ length: 40 }, (_, id) =>
  request(id, id * 3000, 5 + (id % 7), 1 + (id % 30)),
);

describe('rounds of one token', () => {
  it('are plain steps, for any load', () => {
    const same: RoundTime = (users, _, prompt, contexts) => STEP(users + prompt, contexts);
    const { rounds: counts, ...speculative } = seen(MANY, rounds(1, 1, { roundTime: same }));
    const { rounds: none, ...plain } = seen(MANY, undefined);
    expect(speculative).toEqual(plain);
    expect(none).toBeUndefined();
    expect(counts!.drafted).toBe(0);
  });
});

describe('accepted tokens', () => {
  it('are drawn from the seed, and of each request by itself', () => {
    const one = seen(MANY, rounds(4, 0.6));
    expect(seen(MANY, rounds(4, 0.6))).toEqual(one);
    expect(seen(MANY, rounds(4, 0.6, { seed: '2' })).tokensNs).not.toEqual(one.tokensNs);
    // Whoever else is there: as many tokens come together.
    const bursts = (tokens: number[]) =>
      tokens.map((ns) => tokens.filter((other) => other === ns).length);
    const alone = seen([request(0, 0, 5, 300)], rounds(4, 0.6)).tokensNs[0];
    const among = seen([request(0, 0, 5, 300), ...MANY.slice(1)], rounds(4, 0.6)).tokensNs[0];
    expect(bursts(among)).toEqual(bursts(alone));
    expect(among).not.toEqual(alone);
  });

  it('are as many in the mean as the chances say', () => {
    const { rounds: counts } = seen([request(0, 0, 5, 60_000)], rounds(4, 0.8));
    expect(counts!.emitted / counts!.rounds).toBeCloseTo(tokensPerRound([0.8, 0.8, 0.8]), 1);
  });

  it('come at the same instants from a record', () => {
    const server = { ...options(STEP), rounds: rounds(4, 0.6) };
    const lines: string[] = [];
    const driver = recordedDriver(createDriver(server), (text) => lines.push(text));
    // Ids with gaps, as not all that an endpoint is asked reaches its server.
    for (const one of MANY) driver.submit({ ...one, id: 3 * one.id + 7 }, one.arrivalNs);
    driver.cancel(3 * 29 + 7, 200_000);
    driver.finish(3 * 28 + 7, 250_000);
    driver.advance(10 ** 9);
    driver.end();
    const { actions, tokens, endNs } = readRecord(lines.join(''), 'record');
    const again = MANY.map((): number[] => []);
    const onToken = (id: number, ns: number) => again[id].push(ns);
    const requests = actions.flatMap((action) => ('submit' in action ? action.submit : []));
    serve(requests, { ...server, actions, onToken, horizonNs: endNs! });
    expect(tokens).toHaveLength(MANY.length);
    for (const { request: id, tokensNs } of tokens) expect(again[id]).toEqual(tokensNs);
  });
});

describe('drafted tokens', () => {
  it('take slots: a request that just fits plainly does not with them', () => {
    const just = { kvTokens: 20 };
    const outcome = (of: Rounds | undefined, output: number) =>
      seen([request(0, 0, 10, output)], of, just).served[0];
    expect(outcome(undefined, 10).outcome).toBe('completed');
    expect(outcome(rounds(3, 1), 8).outcome).toBe('completed');
    expect(outcome(rounds(3, 1), 9)).toMatchObject({
      outcome: 'rejected',
      reason: 'needs 21 positions of KV cache, at most 20 fit',
    });
  });

  it('give their slots back at the end, of what is given up too', () => {
    const driver = createDriver({ ...options(STEP), kvTokens: 30, rounds: rounds(3, 1) });
    driver.submit(request(0, 0, 10, 10), 0);
    driver.submit(request(1, 0, 4, 4), 0);
    driver.advance(30_000);
    expect(driver.status().kvUsed).toBe(22);
    driver.cancel(0, 30_000);
    driver.advance(10 ** 6);
    expect(driver.status()).toMatchObject({ kvUsed: 0, running: 0, waiting: 0 });
  });
});

describe('the tokens that a round verifies', () => {
  const contexts = { mean: 1, max: 1, total: 1 };
  const at = (users: number, chance: number) =>
    chosenRound(rounds(8, chance, { policy: 'by-load' }), users, 0, contexts);

  it('by load are those that give most tokens per second: many for one user, one for a full pipeline', () => {
    expect(at(1, 0.8).tokens).toBe(8);
    expect(at(20, 0.8).tokens).toBe(1);
    expect(at(1, 0).tokens).toBe(1);
    for (const users of [1, 2, 3, 4, 5, 8, 20]) {
      const best = at(users, 0.7);
      for (let tokens = 1; tokens <= 8; tokens++) {
        const chances = Array<number>(tokens - 1).fill(0.7);
        const speed = tokensPerRound(chances) / TIME(users, tokens, 0, contexts);
        expect(best.emitted / best.ns).toBeGreaterThanOrEqual(speed);
      }
    }
  });

  it('fixed are always the same while anybody decodes', () => {
    expect(chosenRound(rounds(8, 0), 20, 0, contexts).tokens).toBe(8);
    expect(chosenRound(rounds(8, 0), 0, 16, contexts).tokens).toBe(1);
  });

  it('count for a floor in tokens per second of a user in the mean', () => {
    // A plain token takes 10,000 ns; four that are all right 2,800 each, and eight users' 8,000.
    const policy = POLICIES['latency-first']({ maxUsers: 99, promptTokens: 256, floor: 120_000 });
    const most = (of: Rounds | undefined) => {
      const driver = createDriver({ ...options(STEP), policy, rounds: of });
      for (let id = 0; id < 20; id++) driver.submit(request(id, 0, 4, 4000), 0);
      driver.advance(2_000_000);
      return driver.status().running;
    };
    expect(most(undefined)).toBe(1);
    expect(most(rounds(4, 1))).toBe(8);
  });
});

describe('times of rounds', () => {
  const grid = {
    contexts: [0, 100],
    aloneNs: [100, 200],
    intervalNs: [10, 20],
    roundNs: [
      [100, 200],
      [130, 230],
    ],
    draftIntervalNs: [5, 30],
  };
  const time = roundTimeOf(grid);

  it('are those of the longest context, or of the busiest region of model and draft', () => {
    expect(time(1, 2, 0, { mean: 0, max: 100, total: 100 })).toBe(230);
    expect(time(20, 2, 0, { mean: 0, max: 0, total: 0 })).toBe(400);
    expect(time(20, 2, 5, { mean: 100, max: 100, total: 0 })).toBe(45 * 30);
    expect(time(1, 1, 0, { mean: 50, max: 50, total: 50 })).toBe(150);
  });

  it('are refused without one for each context', () => {
    expect(() => roundTimeOf({ ...grid, draftIntervalNs: [5] })).toThrow(RangeError);
  });
});
