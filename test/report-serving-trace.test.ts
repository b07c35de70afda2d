/** The trace of a serving run: every request with its parts, where and as long as they were. */
import { describe, expect, it } from 'vitest';
import { servingTrace } from '../src/studies/serve/trace.js';
import type { Served } from '../src/serving/request.js';
import { reportRun } from './helpers/report-run.js';
import { request } from './serving-helpers.js';
import type { TraceEvent } from './helpers/trace-event.js';

/** Times in microseconds: when it arrives, the way up, queue, prefill, decode, and the way down. */
function served(
  id: number,
  arrival: number,
  [up, queue, prefill, decode, down]: number[],
  outcome: Served['outcome'] = 'completed',
): Served {
  const ns = (us: number) => us * 1000;
  const end = arrival + up + queue + prefill + decode + down;
  return {
    request: request(id, ns(arrival), 10 + id, 5),
    outcome,
    ...(outcome === 'rejected' && { reason: 'too long' }),
    arrivalNs: ns(arrival),
    queuedNs: ns(arrival + up),
    firstTokenNs: ns(end - decode),
    lastTokenNs: ns(end),
    tokens: 5,
    queueNs: ns(queue),
    transportNs: ns(up + down),
    prefillNs: ns(prefill),
    decodeNs: ns(decode),
  };
}

const FIRST = [
  served(0, 0, [10, 0, 30, 40, 20]),
  served(1, 50, [10.5, 20, 30, 5, 4.5]),
  served(2, 100, [1, 2, 3, 4, 5]),
  served(3, 101, [7, 0, 0, 0, 3], 'rejected'),
  { ...served(4, 200, [9, 21, 0, 0, 0], 'unfinished'), lastTokenNs: NaN },
  { ...served(5, 220, [10, 0, 0, 0, 0], 'unfinished'), queuedNs: NaN, lastTokenNs: NaN },
];

function traceOf(scenarios: { scenario: string; served: Served[] }[], most?: number) {
  const { run, detail } = reportRun('layer', 2);
  const text = servingTrace(run, detail, { scenarios, clockHz: 2e9 }, most);
  return JSON.parse(text) as { traceEvents: TraceEvent[]; otherData: object };
}

describe('the trace of a serving run', () => {
  const { traceEvents: events, otherData } = traceOf([{ scenario: '', served: FIRST }]);
  const spans = (cat: string, pid = 1) =>
    events.filter((event) => event.cat === cat && event.pid === pid);
  const partsOf = (id: number) => {
    const whole = spans('request').find(({ name }) => name === `request ${id}`)!;
    return spans('part')
      .filter(({ tid, ts }) => tid === whole.tid && ts >= whole.ts && ts < whole.ts + whole.dur)
      .map(({ name, ts, dur }) => [name, ts, dur]);
  };

  it('has each request from its arrival to the last token at its client', () => {
    expect(spans('request').map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['request 0', 0, 100],
      ['request 1', 50, 70],
      ['request 2', 100, 15],
      ['request 3', 101, 10],
      ['request 4', 200, 30],
      ['request 5', 220, 10],
    ]);
    expect(spans('request')[3].args).toEqual({
      outcome: 'rejected',
      reason: 'too long',
      promptTokens: 13,
      outputTokens: 5,
      tokens: 5,
    });
  });

  it('has its parts one after the other, and none that took no time', () => {
    expect(partsOf(0)).toEqual([
      ['to the server', 0, 10],
      ['prefill', 10, 30],
      ['decode', 40, 40],
      ['to the client', 80, 20],
    ]);
    expect(partsOf(1)).toEqual([
      ['to the server', 50, 10.5],
      ['queue', 60.5, 20],
      ['prefill', 80.5, 30],
      ['decode', 110.5, 5],
      ['to the client', 115.5, 4.5],
    ]);
    expect(partsOf(3)).toEqual([
      ['to the server', 101, 7],
      ['to the client', 108, 3],
    ]);
    expect(partsOf(4)).toEqual([
      ['to the server', 200, 9],
      ['queue', 209, 21],
    ]);
    expect(partsOf(5)).toEqual([['to the server', 220, 10]]);
  });

  it('gives requests at the same time tracks of their own, and a free one to those that come later', () => {
    const tracks = spans('request').map(({ tid }) => tid);
    expect(tracks).toEqual([1, 2, 1, 3, expect.any(Number), expect.any(Number)]);
    for (const a of spans('request'))
      for (const b of spans('request'))
        if (a !== b && a.tid === b.tid)
          expect(a.ts + a.dur <= b.ts || b.ts + b.dur <= a.ts).toBe(true);
    expect(new Set(tracks).size).toBe(3);
    const named = events.filter(({ name, pid }) => name === 'thread_name' && pid === 1);
    expect(named.map(({ tid, args }) => [tid, args['name']])).toEqual([
      [1, 'track 1'],
      [2, 'track 2'],
      [3, 'track 3'],
    ]);
  });

  it('has the decode step by itself, in the same time: 1,000 cycles at 2 GHz are 0.5 us', () => {
    expect(spans('stage', 2).map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['layer 0', 0, 0.125],
      ['layer 1', 0.125, 0.125],
    ]);
    expect(spans('stage', 3).map(({ ts }) => ts)).toEqual([0.25, 0.375]);
    const names = events.filter(({ name }) => name === 'process_name');
    expect(names.map(({ pid, args }) => [pid, args['name']])).toEqual([
      [1, 'requests'],
      [2, 'one decode step by itself, wafer 0'],
      [3, 'one decode step by itself, wafer 1'],
    ]);
    expect(otherData).toEqual({
      unit: 'simulated microseconds',
      requests: 6,
      requestsShown: 6,
      cyclesPerToken: 1000,
      configHash: 'a1b2c3',
    });
  });

  it('has a process for each scenario', () => {
    const two = traceOf([
      { scenario: 'x', served: FIRST },
      { scenario: 'y', served: FIRST.slice(0, 2) },
    ]).traceEvents;
    const names = two.filter(({ name, pid }) => name === 'process_name' && pid < 3);
    expect(names.map(({ args }) => args['name'])).toEqual(['requests: x', 'requests: y']);
    const requests = two.filter(({ cat }) => cat === 'request').map(({ pid }) => pid);
    expect(requests).toEqual([1, 1, 1, 1, 1, 1, 2, 2]);
    expect(two.filter(({ cat, pid }) => cat === 'stage' && pid === 3)).toHaveLength(2);
  });

  it('shows the first of very many, and says so', () => {
    const both = ['x', 'y'].map((scenario, i) => ({ scenario, served: FIRST.slice(0, 6 - 4 * i) }));
    const { traceEvents, otherData: said } = traceOf(both, 7);
    const names = traceEvents.filter(({ name, pid }) => name === 'process_name' && pid < 3);
    expect(names.map(({ args }) => args['name'])).toEqual([
      'requests: x, the first 3 of 6',
      'requests: y',
    ]);
    expect(said).toMatchObject({ requests: 8, requestsShown: 5 });
    const requests = traceEvents.filter(({ cat }) => cat === 'request').map(({ pid }) => pid);
    expect(requests).toEqual([1, 1, 1, 2, 2]);
  });
});
