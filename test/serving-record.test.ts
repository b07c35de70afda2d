/** What a live server was asked, written down, read again and served again: every token at its time. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../src/numeric/random.js';
import { createDriver, type Token } from '../src/serving/driver.js';
import { recordedDriver } from '../src/serving/record.js';
import { readTrace, TraceError, type Trace } from '../src/serving/trace.js';
import { transportOf } from '../src/serving/transport-presets.js';
import type { TransportKind } from '../src/serving/transport.js';
import { replayOf } from '../src/studies/serve/replay.js';
import { options, pipeline, request, serve } from './serving-helpers.js';

/** A network of some tens of microseconds: the whole record takes some of them a thousand times. */
const FAST = { roundTripMs: 0.02, requestWorkMs: 0.01, promptTokenMicros: 0.1, uplinkMbps: 1e4 };

const settings = (kind: TransportKind) =>
  options(pipeline(6, 2000), 'latency-first', {
    ...{ kvTokens: 3000, kvBlock: 8, maxContext: 900, maxWaiting: 2 },
    transport: transportOf(kind, FAST),
  });

/**
 * A hundred connections and single requests under a host's clock that ticks unevenly: turns that continue the
 * one before, some given up, some cut short, connections that end before their answer.
 */
function recorded(kind: TransportKind, seed: string, whole = true) {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  let text = '';
  const driver = recordedDriver(createDriver(settings(kind)), (lines) => (text += lines));
  const tokens: Token[] = [];
  let hostMs = 0;
  const tick = () => {
    hostMs += random() * 1.7;
    tokens.push(...driver.advance(Math.floor(hostMs * 1e6 * 0.1)));
    return Math.floor(hostMs * 1e6 * 0.1);
  };
  let id = 40;
  const last = new Map<number, { id: number; tokens: number }>();
  for (let session = 0; session < 100; session++) {
    const isKept = below(2) > 0;
    for (let turn = 0; turn < 1 + below(4); turn++) {
      const parent = last.get(session);
      const history = parent && below(5) > 0 ? parent.tokens : 0;
      const prompt = history + 1 + below(200);
      const output = below(40);
      const more = history > 0 ? { parent: parent!.id, historyTokens: history } : {};
      const of = isKept ? { session, keep: true, ...more } : {};
      driver.submit({ ...request(id, 0, prompt, output), ...of }, tick());
      last.set(session, { id, tokens: prompt + output });
      for (let ticks = below(2) * below(24); ticks > 0; ticks--) tick();
      if (below(4) === 0) driver.cancel(id - below(3), tick());
      if (below(5) === 0) driver.finish(id - below(3), tick());
      id += 1 + below(3);
    }
    if (isKept) driver.close(session, tick());
  }
  if (whole) driver.end();
  return { text, tokens };
}

function servedAgain(trace: Trace, kind: TransportKind) {
  const tokensNs = trace.requests.map((): number[] => []);
  const { actions, endNs } = trace.record!;
  const result = serve(trace.requests, {
    ...settings(kind),
    actions,
    ...(endNs !== undefined && { horizonNs: endNs }),
    onToken: (id, ns) => tokensNs[id].push(ns),
  });
  return { ...result, replay: replayOf(trace.record!, tokensNs), tokensNs };
}

describe.each(['none', 'http', 'websocket'] as const)('a record over %s', (kind) => {
  const { text, tokens } = recorded(kind, `record ${kind}`);
  const trace = readTrace(text, 'trace.ndjson');
  const again = servedAgain(trace, kind);

  it('has requests of every kind', () => {
    const outcomes = new Set(tokens.flatMap(({ end }) => end?.outcome ?? []));
    expect(outcomes).toEqual(new Set(['completed', 'cancelled', 'rejected']));
    expect(tokens.some(({ end }) => (end?.cachedTokens ?? 0) > 0)).toBe(true);
    expect(trace.format).toBe('recorded');
    const kinds = new Set(trace.record!.actions.map((action) => Object.keys(action)[1]));
    expect(kinds).toEqual(new Set(['submit', 'cancel', 'finish', 'close']));
  });

  it('is served again with every token at its recorded nanosecond', () => {
    const { requests, tokens: all, differing } = again.replay;
    expect(requests).toBe(trace.requests.length);
    expect(all).toBe(tokens.filter(({ index }) => index >= 0).length);
    expect(all).toBeGreaterThan(1000);
    expect(differing).toBe(0);
  });

  it('ends each request as it ended then', () => {
    const ended = trace.record!.tokens.filter(({ outcome }) => outcome !== 'unfinished');
    expect(ended.length).toBe(tokens.filter(({ end }) => end !== undefined).length);
    const outcomes = new Map(again.served.map((one) => [one.request.id, one.outcome]));
    for (const { request: id, outcome } of ended) expect(outcomes.get(id)).toBe(outcome);
  });

  it('has lines of integers', () => {
    for (const line of text.trimEnd().split('\n').slice(1))
      expect(line).toMatch(/^\{"(at|request)":\d+,[^.]*\}$/);
  });
});

describe('a record that is served otherwise', () => {
  const { text } = recorded('none', 'otherwise');
  const trace = readTrace(text, 'x');

  it('is found to differ, with the first token that does', () => {
    const { actions } = trace.record!;
    const late = actions.find((action) => 'submit' in action && action.submit.outputTokens > 3)!;
    if (!('submit' in late)) throw new Error('no such request');
    // A nanosecond later by a record that was changed.
    const changed = text.replace(
      new RegExp(
        `("request":${JSON.parse(idLine(text, late.submit.id)) as number},.*"tokensNs":\\[)(\\d+)`,
      ),
      (_, before: string, ns: string) => `${before}${Number(ns) + 1}`,
    );
    const { replay } = servedAgain(readTrace(changed, 'x'), 'none');
    expect(replay.differing).toBe(1);
    expect(replay.first!.recordedNs! - replay.first!.servedNs!).toBe(1);
    expect(replay.first).toMatchObject({ request: late.submit.id, token: 0 });
  });

  it('counts tokens that come now and did not, or did and do not', () => {
    const record = {
      actions: [],
      tokens: [{ request: 0, outcome: 'completed', tokensNs: [1, 2] }],
    };
    expect(replayOf(record, [[1, 2, 3]])).toEqual({
      requests: 1,
      tokens: 3,
      differing: 1,
      first: { request: 0, token: 2, recordedNs: null, servedNs: 3 },
    });
    expect(replayOf(record, [[1]])).toMatchObject({ differing: 1, first: { servedNs: null } });
    // What was on its way at the record's end is not in it.
    expect(replayOf({ ...record, endNs: 2 }, [[1, 2, 3]])).toMatchObject({ differing: 0 });
  });

  /** The recorded number of the request that is `index` here. */
  function idLine(lines: string, index: number): string {
    return [...lines.matchAll(/"submit":(\d+)/g)][index][1];
  }
});

describe('a record that was cut off', () => {
  const { text } = recorded('none', 'cut', false);
  const cut = text.slice(0, Math.floor(text.length * 0.6));

  it('is served again as far as it goes', () => {
    const trace = readTrace(cut, 'x');
    expect(trace.record!.endNs).toBeUndefined();
    const { replay } = servedAgain(trace, 'none');
    expect(replay.tokens).toBeGreaterThan(300);
    expect(replay.differing).toBe(0);
  });

  it('gives so many of its requests as are asked for, and what became of them', () => {
    const trace = readTrace(text, 'x', { limit: 7 });
    expect(trace.requests.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(trace.record!.tokens.every(({ request: id }) => id < 7)).toBe(true);
  });
});

it('a record has what came between the last tick and its end', () => {
  let text = '';
  const driver = recordedDriver(createDriver(settings('none')), (lines) => (text += lines));
  driver.submit(request(0, 0, 10, 100), 0);
  driver.submit(request(1, 0, 10, 100), 0);
  driver.advance(50_000);
  driver.cancel(1, 1_000_000);
  driver.end();
  const trace = readTrace(text, 'x');
  expect(trace.record!.tokens.map(({ outcome }) => outcome)).toEqual(['cancelled', 'unfinished']);
  const { replay } = servedAgain(trace, 'none');
  expect(replay).toEqual({ requests: 2, tokens: expect.any(Number) as number, differing: 0 });
  expect(replay.tokens).toBeGreaterThan(50);
});

it('a record ends at the last instant at which anything was asked for', () => {
  let text = '';
  const driver = recordedDriver(createDriver(settings('none')), (lines) => (text += lines));
  driver.advance(50);
  driver.submit(request(0, 0, 1, 1), 100);
  driver.end();
  const { record } = readTrace(text, 'x');
  expect(record!.endNs).toBe(100);
  expect(record!.tokens).toEqual([{ request: 0, outcome: 'unfinished', tokensNs: [] }]);
});

describe('a damaged record', () => {
  const HEAD = '{"schema":"wafersim.trace/1"}\n';
  it.each([
    [
      '{"at":1,"submit":0,"promptTokens":0,"outputTokens":1}',
      /x:2: promptTokens: expected an integer from 1 on, found 0$/,
    ],
    [
      '{"at":1.5,"submit":0,"promptTokens":1,"outputTokens":1}',
      /x:2: at: expected an integer from 0 on, found 1.5$/,
    ],
    ['{"at":1,"wat":0}', /x:2: submit: expected an integer from 0 on, found nothing$/],
    [
      '{"request":0,"outcome":"completed","tokensNs":[1,null]}',
      /x:2: tokensNs: expected a list of integers, found \[1,null\]$/,
    ],
    [
      '{"at":1,"submit":0,"promptTokens":1,"outputTokens":1,"keep":3}',
      /x:2: keep: expected true or false, found 3$/,
    ],
    ['nonsense', /x:2: expected a JSON object, found nonsense$/],
    ['', /x: expected requests that were recorded, found none$/],
  ])('is refused at %s', (line, message) => {
    expect(() => readTrace(`${HEAD}${line}\n`, 'x')).toThrow(message);
    expect(() => readTrace(`${HEAD}${line}\n`, 'x')).toThrow(TraceError);
  });
  it('is refused where time goes back, or a number comes twice', () => {
    const line = (at: number, id: number) =>
      `{"at":${at},"submit":${id},"promptTokens":1,"outputTokens":1}\n`;
    expect(() => readTrace(`${HEAD}${line(5, 0)}${line(4, 1)}`, 'x')).toThrow(
      /x:3: at: expected an integer from 5 on, found 4/,
    );
    expect(() => readTrace(`${HEAD}${line(5, 0)}${line(6, 0)}`, 'x')).toThrow(
      /x:3: submit: expected a number that no request before has, found 0/,
    );
  });
});
