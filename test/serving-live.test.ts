/** A server that is fed while it runs: the same as the batch, and what only a live one has. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../src/numeric/random.js';
import { createDriver, type Driver, type Token } from '../src/serving/driver.js';
import type { PolicyName } from '../src/serving/policy.js';
import { createPipeline, runUntil, send } from '../src/serving/pipeline.js';
import type { Request } from '../src/serving/request.js';
import { stepTimeOf } from '../src/serving/step-time.js';
import { transportOf } from '../src/serving/transport-presets.js';
import { FREE, options, pipeline, request, serve } from './serving-helpers.js';

/** A token every 2,000 ns, of prompts every 1,000 ns. */
const STEP = pipeline(2, 1000);

const ends = (tokens: Token[]) => tokens.flatMap(({ end }) => end ?? []);

function randomRequests(seed: string, count: number): Request[] {
  const random = seededRandom(seed);
  let at = 0;
  return Array.from({ length: count }, (_, id) => {
    at += Math.floor(random() * 300_000);
    return request(id, at, 1 + Math.floor(random() * 400), 1 + Math.floor(random() * 60));
  });
}

/** Feeds requests at their times, and lets time pass in steps of some length in between. */
function fed(driver: Driver, requests: Request[], stepNs: number): Token[] {
  const tokens: Token[] = [];
  let now = 0;
  for (const one of requests) {
    for (; now + stepNs < one.arrivalNs; now += stepNs) tokens.push(...driver.advance(now));
    driver.submit(one, one.arrivalNs);
  }
  while (driver.nextNs() < Infinity) {
    now = Math.max(now + stepNs, driver.nextNs());
    tokens.push(...driver.advance(now));
  }
  return tokens;
}

describe('a driver', () => {
  const POLICIES: PolicyName[] = ['fcfs', 'latency-first', 'batch-first'];
  it.each(
    POLICIES.flatMap((policy) =>
      (['none', 'http'] as const).map((kind) => [policy, kind] as const),
    ),
  )(
    'under %s over %s gives the tokens of the batch, however often time is advanced',
    (policy, kind) => {
      const requests = randomRequests(`live ${policy}`, 200);
      const set = options(pipeline(8, 1000), policy, {
        kvTokens: 1500,
        kvBlock: 16,
        maxContext: 440,
        transport: transportOf(kind),
      });
      const batch: [id: number, ns: number][] = [];
      const { served } = serve(requests, { ...set, onToken: (id, ns) => batch.push([id, ns]) });
      expect(new Set(served.map(({ outcome }) => outcome))).toEqual(
        new Set(['completed', 'rejected']),
      );
      const byRequest = (list: [number, number][]) =>
        list.toSorted(([a, at], [b, other]) => a - b || at - other);
      for (const stepNs of [19_997, 1e9]) {
        const tokens = fed(createDriver(set), requests, stepNs);
        const seen = tokens.filter(({ index }) => index >= 0);
        expect(byRequest(seen.map(({ id, ns }) => [id, ns]))).toEqual(byRequest(batch));
        expect(seen.every(({ ns }, i) => i === 0 || ns >= seen[i - 1].ns)).toBe(true);
        expect(ends(tokens).toSorted((a, b) => a.request.id - b.request.id)).toEqual(served);
      }
    },
  );

  it('gives a token when its client sees it, and knows when it left the wafer', () => {
    const transport = { ...FREE, roundTripMs: 0.01, tokenMicros: 3 };
    const driver = createDriver(options(STEP, 'fcfs', { transport }));
    driver.submit(request(0, 0, 1, 2), 1000);
    // 5,000 ns there, a path of 2,000, framed for 3,000, and 5,000 back.
    expect(driver.advance(15_999)).toEqual([]);
    expect(driver.nextNs()).toBe(16_000);
    expect(driver.advance(16_000)).toMatchObject([{ index: 0, ns: 16_000, waferNs: 8000 }]);
    const [last] = driver.advance(1e6);
    expect(last).toMatchObject({ index: 1, ns: 19_000, waferNs: 10_000 });
    expect(last.end).toMatchObject({ outcome: 'completed', tokens: 2, lastTokenNs: 19_000 });
    expect(driver.nextNs()).toBe(Infinity);
  });

  it('counts an instant that is past as the last one, and takes no other number', () => {
    const driver = createDriver(options(STEP));
    driver.advance(500);
    expect(driver.submit(request(3, 0, 1, 1), 20)).toBe(500);
    expect(driver.cancel(3, 499)).toBe(500);
    expect(() => driver.advance(0.5)).toThrow(RangeError);
    expect(() => driver.submit(request(3, 0, 1, 1), 600)).toThrow(/request 3: .* above 3/);
    expect(() => driver.submit(request(4, 0, 0, 1), 600)).toThrow(/at least 1 in the prompt/);
    expect(() => driver.submit(request(5, 0, 1, 1.5), 600)).toThrow(RangeError);
  });

  it('reads a prompt of which nothing is asked, and keeps its cache', () => {
    const driver = createDriver(options(STEP));
    driver.submit({ ...request(0, 0, 10, 0), session: 1, keep: true }, 0);
    const tokens = driver.advance(1e6);
    expect(tokens).toMatchObject([{ index: -1, ns: 11_000 }]);
    expect(tokens[0].end).toMatchObject({ outcome: 'completed', tokens: 0, prefillNs: 11_000 });
    expect(driver.status()).toMatchObject({ kvKept: 10, kvUsed: 0, running: 0 });
  });

  it('keeps nothing of requests that have ended', () => {
    let waited = 0;
    const set = options(pipeline(4, 1000), 'fcfs', { kvTokens: 1000, maxContext: 500 });
    const server = createPipeline(set, { token: () => {}, ended: () => {} });
    for (let id = 0; id < 8000; id++) {
      runUntil(server, id * 30_000);
      send(server, request(id, 0, 10 + (id % 7), 10), id * 30_000, { keep: false });
      waited = Math.max(waited, server.waiting.length);
    }
    runUntil(server, Infinity);
    expect(waited).toBeLessThan(3000);
    expect([server.live.size, server.events.length, server.memory.free]).toEqual([0, 0, 1000]);
    expect(server.events.ids.length).toBeLessThan(100);
  });
});

describe('a request that is given up', () => {
  /** Another one waits for the first one's 90 positions of 100. */
  const given = (at: number, more: Partial<Parameters<typeof options>[2]> = {}) => {
    const driver = createDriver(options(STEP, 'fcfs', { kvTokens: 100, ...more }));
    driver.submit(request(0, 0, 20, 70), 0);
    driver.submit(request(1, 0, 20, 1), 0);
    driver.cancel(0, at);
    const before = driver.advance(at);
    return { driver, before, after: driver.advance(1e9) };
  };

  it.each([
    ['while its prompt is read', 5500, 0],
    ['after the last token of its prompt has entered', 20_500, 0],
    ['between two tokens', 25_500, 3],
    ['as a token leaves, which its client gets', 27_000, 4],
  ])('%s frees its cache and its slot at once', (_, at, tokens) => {
    const { driver, before, after } = given(at);
    const end = before.at(-1)!;
    expect(end).toMatchObject({ id: 0, index: -1, ns: at });
    expect(end.end).toMatchObject({ outcome: 'cancelled', tokens });
    expect(before.filter(({ id, index }) => id === 0 && index >= 0)).toHaveLength(tokens);
    const { queueNs, transportNs, prefillNs, decodeNs } = end.end!;
    expect(queueNs + transportNs + prefillNs + decodeNs).toBe(at);
    // The other one starts as soon as there is room, alone: 20 tokens and a path of two stages.
    expect(after.map(({ id, ns }) => [id, ns])).toEqual([[1, at + 21_000]]);
    expect(driver.status()).toMatchObject({ running: 0, waiting: 0, kvUsed: 0, kvKept: 0 });
  });

  it('while it waits never starts', () => {
    const driver = createDriver(options(STEP, 'fcfs', { kvTokens: 100 }));
    driver.submit(request(0, 0, 20, 70), 0);
    driver.submit(request(1, 0, 20, 20), 0);
    driver.submit(request(2, 0, 5, 1), 0);
    driver.advance(100);
    expect(driver.status()).toMatchObject({ running: 1, waiting: 2, kvUsed: 90 });
    driver.cancel(1, 200);
    const [{ end }] = driver.advance(200);
    expect(end).toMatchObject({ outcome: 'cancelled', queueNs: 200, prefillNs: 0, tokens: 0 });
    // The one after it fits next to the first.
    expect(driver.advance(1e9).find(({ id }) => id === 2)!.ns).toBeLessThan(50_000);
  });

  it('on its way to the server never arrives', () => {
    const driver = createDriver(options(STEP, 'fcfs', { transport: transportOf('http') }));
    driver.submit(request(0, 0, 20, 5), 0);
    driver.cancel(0, 1000);
    const tokens = driver.advance(1e9);
    // Half a round trip of 30 ms later.
    expect(tokens).toMatchObject([{ index: -1, ns: 15_001_000, end: { outcome: 'cancelled' } }]);
    expect(tokens[0].end!.queuedNs).toBeNaN();
  });

  it('after its end, or never sent, changes nothing', () => {
    const driver = createDriver(options(STEP));
    driver.submit(request(0, 0, 1, 1), 0);
    expect(driver.advance(1e6)).toHaveLength(1);
    driver.cancel(0, 1e6);
    driver.cancel(7, 1e6);
    driver.finish(0, 1e6);
    expect(driver.advance(2e6)).toEqual([]);
  });
});

describe('an answer that is over before its last token', () => {
  it('is complete with what has come, and frees the rest', () => {
    const driver = createDriver(options(STEP));
    driver.submit({ ...request(0, 0, 10, 500), session: 4, keep: true }, 0);
    // Tokens at 11,000, 13,000 and 15,000.
    expect(driver.advance(16_000)).toHaveLength(3);
    driver.finish(0, 16_000);
    const [{ index, ns, end }] = driver.advance(16_000);
    expect([index, ns]).toEqual([-1, 16_000]);
    expect(end).toMatchObject({ outcome: 'completed', tokens: 3, lastTokenNs: 15_000 });
    expect(end).toMatchObject({ prefillNs: 11_000, decodeNs: 4000, transportNs: 0 });
    expect(driver.status()).toMatchObject({ kvUsed: 0, kvKept: 13, running: 0 });
    expect(driver.advance(1e9)).toEqual([]);
  });
});

describe('a queue', () => {
  it('turns away what comes when so many wait, and says so', () => {
    const driver = createDriver(options(STEP, 'fcfs', { maxWaiting: 2 }));
    for (let id = 0; id < 4; id++) driver.submit(request(id, 0, 20, 1), 0);
    const [{ id, ns, end }] = driver.advance(0);
    expect([id, ns]).toEqual([3, 0]);
    expect(end).toMatchObject({ outcome: 'rejected', rejection: 'queue' });
    expect(end!.reason).toBe('the queue is full: at most 2 requests wait');
    expect(ends(driver.advance(1e9)).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 3 }, () => 'completed'),
    );
  });
  it('says of what never fits that it does not', () => {
    const driver = createDriver(options(STEP, 'fcfs', { maxContext: 30 }));
    driver.submit(request(0, 0, 20, 11), 0);
    expect(driver.advance(0)[0].end).toMatchObject({ rejection: 'context' });
  });
});

describe('a session', () => {
  const turn = (id: number, prompt: number, more: Partial<Request> = {}): Request => {
    return { ...request(id, 0, prompt, 5), session: 9, keep: true, ...more };
  };
  const cached = (driver: Driver, one: Request, now: number) => {
    driver.submit(one, now);
    return ends(driver.advance(now + 1e6))[0].cachedTokens;
  };

  it('reads only what is new after the answer that it continues', () => {
    const driver = createDriver(options(STEP));
    expect(cached(driver, turn(0, 100), 0)).toBe(0);
    expect(driver.status()).toMatchObject({ kvKept: 105, keptSessions: 1 });
    expect(cached(driver, turn(1, 130, { parent: 0, historyTokens: 105 }), 1e6)).toBe(105);
    expect(driver.status()).toMatchObject({ kvKept: 135, kvUsed: 0 });
  });

  it('reads everything where its cache is that of another answer', () => {
    const driver = createDriver(options(STEP));
    cached(driver, turn(0, 100), 0);
    cached(driver, turn(1, 130), 1e6);
    expect(cached(driver, turn(2, 140, { parent: 0, historyTokens: 105 }), 2e6)).toBe(0);
    expect(driver.status()).toMatchObject({ kvKept: 145, keptSessions: 1 });
  });

  it('has one cache, where two of its answers end after one another', () => {
    const driver = createDriver(options(STEP));
    driver.submit(turn(0, 100), 0);
    driver.submit(turn(1, 50), 0);
    driver.advance(1e6);
    expect(driver.status()).toMatchObject({ kvKept: 55, kvUsed: 0, keptSessions: 1 });
  });

  it('frees its cache as its connection ends, and that of an answer which still runs', () => {
    const driver = createDriver(options(STEP));
    cached(driver, turn(0, 100), 0);
    driver.submit(turn(1, 50, { session: 3 }), 1e6);
    driver.advance(1e6 + 100);
    driver.close(9, 1e6 + 100);
    driver.close(3, 1e6 + 100);
    driver.advance(1e6 + 100);
    expect(driver.status()).toMatchObject({ kvKept: 0, kvUsed: 55, running: 1 });
    expect(ends(driver.advance(2e6))).toMatchObject([{ outcome: 'completed', tokens: 5 }]);
    expect(driver.status()).toMatchObject({ kvKept: 0, kvUsed: 0, keptSessions: 0 });
  });

  it('loses its cache to a request that needs the room, the one idle for longest first', () => {
    const driver = createDriver(options(STEP, 'fcfs', { kvTokens: 300 }));
    cached(driver, turn(0, 100, { session: 1 }), 0);
    cached(driver, turn(1, 100, { session: 2 }), 1e6);
    driver.submit(request(2, 0, 150, 5), 2e6);
    driver.advance(3e6);
    expect(driver.status()).toMatchObject({ kvKept: 105, keptSessions: 1, evictions: 1 });
    const [second, first] = [2, 1].map((session, i) =>
      cached(
        driver,
        turn(3 + i, 130, { session, parent: 2 - session === 0 ? 1 : 0, historyTokens: 105 }),
        (4 + i) * 1e6,
      ),
    );
    expect([second, first]).toEqual([105, 0]);
  });

  it('opens its connection once', () => {
    const transport = { ...transportOf('websocket'), tokenMicros: 0, uplinkMbps: 1e12 };
    const driver = createDriver(options(STEP, 'fcfs', { transport }));
    driver.submit(turn(0, 100), 0);
    driver.submit(turn(1, 100), 0);
    const ms = ends(driver.advance(1e9)).map(({ queuedNs }) => Math.floor(queuedNs / 1e6));
    // TCP, TLS and the upgrade, and half a round trip; 3 ms of work.
    expect(ms.toSorted((a, b) => a - b)).toEqual([18, 108]);
  });

  it('of 20,000 tokens has its second first token in a tenth of the time of its first', () => {
    // Steps of Llama 3.1 8B on two wafers, as docs/serving.md has them: alone, and of 34 users who fill the layers.
    const perToken = (speeds: number[]) => speeds.map((speed) => 1e9 / speed);
    const stepTime = stepTimeOf({
      contexts: [16, 65_543, 131_071],
      aloneNs: perToken([2256, 1449, 1071]),
      intervalNs: perToken([58_000, 40_000, 28_839]),
    });
    const ttft = (keep: boolean) => {
      const driver = createDriver(options(stepTime, 'fcfs', { transport: transportOf('none') }));
      const of = (one: Request, now: number) => {
        driver.submit({ ...one, keep }, now);
        const [end] = ends(driver.advance(now + 1e10));
        return end.firstTokenNs - end.arrivalNs;
      };
      const first = of({ ...request(0, 0, 20_000, 200), session: 0 }, 0);
      const next = { ...request(1, 0, 20_700, 200), session: 0, parent: 0, historyTokens: 20_200 };
      return of(next, 1e10) / first;
    };
    expect(ttft(true)).toBeLessThan(0.1);
    expect(ttft(false)).toBeGreaterThan(1);
  });
});

it('whatever is asked, every request ends once, with its tokens, and nothing is left', () => {
  const random = seededRandom('live');
  const below = (n: number) => Math.floor(random() * n);
  for (const kind of ['none', 'websocket'] as const) {
    const driver = createDriver(
      options(pipeline(6, 1000), 'batch-first', {
        ...{ kvTokens: 2000, kvBlock: 8, states: 12, maxContext: 600, maxWaiting: 20 },
        transport: transportOf(kind),
      }),
    );
    const tokens: Token[] = [];
    let now = 0;
    for (let id = 0; id < 600; id++) {
      now += below(200_000);
      if (below(3) > 0) tokens.push(...driver.advance(now));
      const session = below(30);
      const turn = { session, keep: below(4) > 0, parent: below(id + 1), historyTokens: below(50) };
      driver.submit(
        { ...request(id, 0, 1 + below(500), below(60)), ...(below(2) > 0 && turn) },
        now,
      );
      if (below(4) === 0) driver.cancel(id - below(10), now + below(50_000));
      if (below(6) === 0) driver.finish(id - below(10), now + below(50_000));
      if (below(8) === 0) driver.close(below(30), now);
      const { kvUsed, kvKept, kvTokens } = driver.status();
      expect(Math.min(kvUsed, kvKept, kvTokens - kvUsed - kvKept)).toBeGreaterThanOrEqual(0);
    }
    for (let session = 0; session < 30; session++) driver.close(session, now);
    tokens.push(...driver.advance(now + 1e10));
    const counts = new Map<number, number>();
    const over = new Set<number>();
    for (const { id, index, end, ns, waferNs } of tokens) {
      expect(over.has(id)).toBe(false);
      if (end) over.add(id);
      if (end?.outcome === 'rejected') expect(ns - waferNs).toBe(kind === 'none' ? 0 : 15e6);
      if (end?.outcome === 'cancelled') {
        const { queueNs, transportNs, prefillNs, decodeNs, arrivalNs } = end;
        expect(queueNs + transportNs + prefillNs + decodeNs).toBe(waferNs - arrivalNs);
      }
      if (index >= 0) counts.set(id, (counts.get(id) ?? 0) + 1);
      if (index >= 0) expect(counts.get(id)).toBe(index + 1);
      if (end) expect(end.tokens).toBe(counts.get(id) ?? 0);
    }
    expect(
      ends(tokens)
        .map(({ request: { id } }) => id)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: 600 }, (_, id) => id));
    expect(new Set(ends(tokens).map(({ outcome }) => outcome))).toEqual(
      new Set(['completed', 'cancelled', 'rejected']),
    );
    const idle = { running: 0, waiting: 0, kvUsed: 0, kvKept: 0, keptSessions: 0 };
    expect(driver.status()).toMatchObject(idle);
    expect(driver.nextNs()).toBe(Infinity);
  }
});
