/** Memory, floors and horizons: which requests start, wait or are turned away, and that none is lost. */
import { describe, expect, it } from 'vitest';
import { openArrivals } from '../src/serving/arrivals.js';
import { metricsOf, tpotMs } from '../src/serving/metrics.js';
import { POLICIES as MAKE, stepWith, type PolicyName } from '../src/serving/policy.js';
import type { StepTime } from '../src/serving/step-time.js';
import { FREE, options, pipeline, request, serve } from './serving-helpers.js';

const POLICIES: PolicyName[] = ['fcfs', 'latency-first', 'batch-first'];

describe('a request never vanishes', () => {
  const lengths = { prompt: { mean: 2000, cv: 2 }, output: { mean: 200, cv: 1 } };
  const arrivals = { process: 'gamma', rate: 60, burstiness: 0.2 } as const;
  const requests = openArrivals(3000, arrivals, lengths, 'crowd');

  it.each(POLICIES)('%s: completed, rejected and unfinished add up to arrived', (policy) => {
    const limits = { kvTokens: 20_000, maxContext: 12_000, horizonNs: 40e9 };
    const result = serve(requests, options(pipeline(34, 12_000), policy, limits));
    const { arrived, completed, rejected, unfinished } = metricsOf(result).requests;
    expect(completed + rejected + unfinished).toBe(arrived);
    expect(arrived).toBe(requests.filter(({ arrivalNs }) => arrivalNs <= 40e9).length);
    const tooLong = requests.filter(
      (r) => r.arrivalNs <= 40e9 && r.promptTokens + r.outputTokens > 12_000,
    );
    expect(rejected).toBe(tooLong.length);
    expect(Math.min(rejected, unfinished)).toBeGreaterThan(0);
    const ids = new Set(result.served.map((one) => one.request.id));
    expect(ids.size).toBe(arrived);
  });

  it('all end if there is time', () => {
    const { requests: counts } = metricsOf(
      serve(requests, options(pipeline(34, 12_000), 'batch-first', { kvTokens: 100_000 })),
    );
    expect(counts).toEqual({ arrived: 3000, completed: 3000, rejected: 0, unfinished: 0 });
  });

  it('learns why it is rejected', () => {
    const { served } = serve(
      [request(0, 0, 900, 200)],
      options(pipeline(1, 1), 'fcfs', { kvTokens: 1000 }),
    );
    expect(served[0].reason).toBe('needs 1100 positions of KV cache, at most 1000 fit');
  });
});

describe('a request that needs all the room there is', () => {
  it.each([
    ['cache', { kvTokens: 11 }, { kvTokens: 10 }],
    ['context', { maxContext: 11 }, { maxContext: 10 }],
  ])('is served, and turned away with one position less: %s', (_, enough, tooFew) => {
    const of = (limits: object) =>
      serve([request(0, 0, 6, 5)], options(pipeline(10, 1000), 'fcfs', limits)).served[0];
    expect(of(enough).outcome).toBe('completed');
    expect(of(tooFew).reason).toBe('needs 11 positions of KV cache, at most 10 fit');
  });
});

describe('a user who decodes while a prompt is read a token at a time', () => {
  it('shares every step with the one token of that prompt', () => {
    // A microsecond for each token of a step; one is out every microsecond, at first.
    const policy = MAKE.fcfs({ maxUsers: 9, promptTokens: 1, floor: 1 });
    const alone = options((batch) => 1000 * batch);
    const requests = [request(0, 0, 1, 5), request(1, 2500, 3, 1)];
    const { served, gapsNs } = serve(requests, { ...alone, policy });
    expect(served[0].firstTokenNs).toBe(1000);
    // From 2.5 to 8.5 us the prompt's three tokens enter, one every 2 us; the user's begin at 3 and 5 us.
    expect([...gapsNs]).toEqual([1000, 1000, 2000, 2000]);
    expect(served[0].lastTokenNs).toBe(7000);
  });
});

describe('the KV cache', () => {
  it('holds prompt and answer of every user who runs, so that the third of two waits', () => {
    const requests = [0, 1, 2].map((id) => request(id, 0, 400, 100));
    const { served } = serve(requests, options(pipeline(10, 1000), 'fcfs', { kvTokens: 1000 }));
    const [first, second, third] = served;
    expect(second.queueNs).toBe(400 * 1000);
    expect(third.queueNs).toBe(first.lastTokenNs);
  });

  it('lets a smaller request overtake under batch-first only', () => {
    const requests = [request(0, 0, 600, 100), request(1, 1, 600, 100), request(2, 2, 100, 10)];
    const queueOf = (policy: PolicyName) =>
      serve(requests, options(pipeline(10, 1000), policy, { kvTokens: 1000 })).served[2].queueNs;
    expect(queueOf('batch-first')).toBeLessThan(1e6);
    expect(queueOf('fcfs')).toBeGreaterThan(1e6);
  });
});

describe('latency-first', () => {
  // 20 slots of 25 us: 2,000 tokens/s for up to 20 users, 1,000 tokens/s for 40.
  const crowd = Array.from({ length: 100 }, (_, id) => request(id, id * 1000, 50, 300));
  const slowest = (policy: PolicyName) => {
    const { served } = serve(crowd, options(pipeline(20, 25_000), policy));
    return 1000 / Math.max(...served.map(tpotMs));
  };
  it('keeps every user above the floor, which the others do not', () => {
    expect(slowest('latency-first')).toBeGreaterThanOrEqual(1000);
    expect(slowest('fcfs')).toBeLessThan(800);
    expect(slowest('batch-first')).toBeLessThan(500);
  });
  it('pays with waiting', () => {
    const wait = (policy: PolicyName) =>
      metricsOf(serve(crowd, options(pipeline(20, 25_000), policy))).partsMs.queue;
    expect(wait('latency-first')).toBeGreaterThan(wait('fcfs'));
  });
});

describe('a session whose cache is kept', () => {
  const turns = [
    { ...request(0, 0, 1000, 10), session: 7, historyTokens: 0 },
    { ...request(1, 0, 1200, 10), session: 7, historyTokens: 1010, after: 0, thinkNs: 1e9 },
  ];
  const prefill = (
    keepsCache: boolean,
    kvTokens = 1e6,
    others: ReturnType<typeof request>[] = [],
  ) => {
    const transport = { ...FREE, keepsCache };
    const requests = [...turns, ...others];
    const result = serve(requests, options(pipeline(1, 1000), 'fcfs', { transport, kvTokens }));
    return { ns: result.served[1].prefillNs, evictions: result.evictions };
  };
  it('reads only what is new', () => {
    expect(prefill(false).ns).toBe(1200 * 1000);
    expect(prefill(true).ns).toBe(190 * 1000);
  });
  it('is evicted for a request that needs the room, and is then read again', () => {
    const other = request(2, 5e8, 1500, 10);
    expect(prefill(true, 2000, [other])).toEqual({ ns: 1200 * 1000, evictions: 1 });
    expect(prefill(true, 3000, [other])).toEqual({ ns: 190 * 1000, evictions: 0 });
  });
});

describe('what a policy says', () => {
  // 100 ns per token in flight: three of them keep 300 ns, which is the floor.
  const stepTime: StepTime = (batch) => 100 * batch;
  const load = (users: number, joining: number) => {
    return { users, joining, contextSum: 0, contextMax: 0, stepTime };
  };
  const policy = (name: PolicyName, maxUsers = 100) =>
    MAKE[name]({ maxUsers, promptTokens: 7, floor: 1e9 / 300 });

  it.each<[PolicyName, users: number, joining: number, admits: boolean]>([
    ['fcfs', 1, 0, true],
    ['fcfs', 1, 1, false],
    ['fcfs', 0, 2, false],
    ['fcfs', 2, 0, false],
    ['batch-first', 0, 1, true],
    ['batch-first', 1, 1, false],
    ['latency-first', 0, 0, true],
    ['latency-first', 1, 0, true],
    ['latency-first', 1, 1, false],
  ])('%s with room for two: %i decode, %i join, another %s', (name, users, joining, admits) => {
    expect(policy(name, 2).admits(load(users, joining), 50)).toBe(admits);
  });

  it.each([
    [2, 0, true],
    [3, 0, false],
    [1, 1, true],
    [1, 2, false],
    [0, 2, true],
    [0, 3, false],
  ])(
    'latency-first admits no user who breaks the floor: %i decode, %i join',
    (users, joining, admits) => {
      expect(policy('latency-first').admits(load(users, joining), 50)).toBe(admits);
    },
  );

  it('latency-first admits one even below the floor if no other is there', () => {
    const slow = { ...load(0, 0), stepTime: () => 1e9 };
    expect(policy('latency-first').admits(slow, 50)).toBe(true);
    expect(policy('latency-first').admits({ ...slow, joining: 1 }, 50)).toBe(false);
  });

  // The one whose prompt is read is among those who join.
  it.each([
    [1, 1, 2],
    [0, 2, 2],
    [1, 2, 1],
    [2, 1, 1],
    [3, 1, 1],
    [0, 1, 4096],
  ])(
    'latency-first reads what the others leave: %i decode, %i join: %i tokens',
    (users, joining, tokens) => {
      expect(policy('latency-first').promptTokens(load(users, joining), 50)).toBe(tokens);
    },
  );

  it('the others read a fixed share, batch-first eight times as much', () => {
    expect(policy('fcfs').promptTokens(load(5, 5), 50)).toBe(7);
    expect(policy('batch-first').promptTokens(load(5, 5), 50)).toBe(56);
  });

  it('counts contexts by the mean and the longest of all in flight', () => {
    const asked: unknown[] = [];
    const spy: StepTime = (batch, contexts) => asked.push({ batch, ...contexts });
    stepWith({ users: 2, joining: 1, contextSum: 300, contextMax: 200, stepTime: spy }, 3, 100);
    stepWith({ users: 1, joining: 0, contextSum: 50, contextMax: 50, stepTime: spy }, 1, 100);
    expect(asked).toEqual([
      { batch: 5, mean: 120, max: 200, total: 400 },
      { batch: 2, mean: 75, max: 100, total: 150 },
    ]);
  });
});

describe('a server with room for two users', () => {
  it.each<PolicyName>(['fcfs', 'batch-first'])(
    'lets the third in as the first leaves (%s)',
    (name) => {
      const requests = [0, 1, 2].map((id) => request(id, 0, 10, 5 + id));
      const policy = MAKE[name]({ maxUsers: 2, promptTokens: 256, floor: 1 });
      const { served } = serve(requests, { ...options(pipeline(3, 1000)), policy });
      expect(served[1].queueNs).toBe(10 * 1000);
      expect(served[2].queueNs).toBe(served[0].lastTokenNs);
      // Ten tokens in and the way through, then four steps: with the second prompt, and without.
      expect(served[0].lastTokenNs).toBeLessThan(served[1].lastTokenNs);
    },
  );
});

describe('a horizon', () => {
  it('is the last instant at which something happens', () => {
    // A prompt of 10 us, whose last token is out 3 us after it entered.
    const outcome = (horizonNs: number) =>
      serve([request(0, 0, 10, 1)], options(pipeline(3, 1000), 'fcfs', { horizonNs })).served.map(
        ({ outcome, lastTokenNs }) => [outcome, lastTokenNs],
      );
    expect(outcome(12_000)).toEqual([['completed', 12_000]]);
    expect(outcome(11_999)).toEqual([['unfinished', NaN]]);
  });

  it('leaves what has not ended unfinished, with what is known of it', () => {
    // Prompts of 10 us and 20 us, a token every 3 us; the first is out at 12 us.
    const requests = [request(0, 0, 10, 100), request(1, 0, 20, 5), request(2, 60_000, 5, 5)];
    const limits = { horizonNs: 24_500 };
    const { served, endNs } = serve(requests, options(pipeline(3, 1000), 'fcfs', limits));
    expect(endNs).toBe(24_500);
    expect(served.map(({ outcome }) => outcome)).toEqual(['unfinished', 'unfinished']);
    const [first, second] = served;
    expect([first.queueNs, first.prefillNs, first.decodeNs]).toEqual([0, 12_000, 12_500]);
    expect([second.queueNs, second.prefillNs, second.decodeNs]).toEqual([10_000, 14_500, 0]);
    expect(second.tokens).toBe(0);
    expect(second.firstTokenNs).toBeNaN();
    const waiting = serve(
      requests.slice(0, 2),
      options(pipeline(3, 1000), 'fcfs', { horizonNs: 5000 }),
    );
    expect(waiting.served[1]).toMatchObject({
      queueNs: 5000,
      prefillNs: 0,
      decodeNs: 0,
      tokens: 0,
    });
  });
});
