/** Every instant of a session by hand: 40 ms round trip, 20 ms of framing per token, 1 Mbit/s up. */
import { describe, expect, it } from 'vitest';
import { metricsOf } from '../src/serving/metrics.js';
import type { StepTime } from '../src/serving/step-time.js';
import type { Transport } from '../src/serving/transport.js';
import { uplinkNs } from '../src/serving/transport.js';
import { FREE, options, pipeline, request, serve } from './serving-helpers.js';

const ms = (value: number) => Math.round(value * 1e6);

const SLOW: Transport = {
  kind: 'websocket',
  roundTripMs: 40,
  tcpRoundTrips: 1,
  tlsRoundTrips: 1,
  upgradeRoundTrips: 1,
  requestWorkMs: 5,
  promptTokenMicros: 1000,
  tokenMicros: 20_000,
  bytesPerToken: 5,
  uplinkMbps: 1,
  connection: 'session',
  sendsHistory: false,
  keepsCache: true,
};

// 70 ms from an answer to the next turn, whose prompt is the 103 tokens so far and 30 more.
const TURNS = [
  { ...request(0, 0, 100, 3), session: 0, historyTokens: 0 },
  { ...request(1, 0, 133, 2), session: 0, historyTokens: 103, after: 0, thinkNs: ms(70) },
];

/** A millisecond per token, two for the way through the layers. */
function session(transport: Transport) {
  const result = serve(TURNS, options(pipeline(2, ms(1)), 'fcfs', { transport }));
  const instants = result.served.map((one) => ({
    arrival: one.arrivalNs,
    queued: one.queuedNs,
    first: one.firstTokenNs,
    last: one.lastTokenNs,
    queue: one.queueNs,
    transport: one.transportNs,
    prefill: one.prefillNs,
    decode: one.decodeNs,
  }));
  return { ...result, instants };
}

const inNs = (values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, ms(value)]));

describe('a session over a WebSocket', () => {
  const { instants, gapsNs, endNs } = session(SLOW);

  it('opens its connection, sends 500 bytes and is read: 140 + 4 + 5 + 100 ms', () => {
    expect(uplinkNs(TURNS[0], SLOW)).toBe(ms(249));
    // The last of 100 tokens enters after 99 ms, takes 2 ms, is framed for 20 ms and sent for 20 ms.
    expect(instants[0]).toEqual(
      inNs({
        arrival: 0,
        queued: 249,
        first: 390,
        // Tokens leave the wafer at 350, 352 and 354 ms, and are framed one after the other.
        last: 430,
        queue: 0,
        transport: 249 + 76,
        prefill: 101,
        decode: 4,
      }),
    );
  });

  it('sends its next turn once the answer is seen and thought about, and only what is new', () => {
    // Half a round trip, 150 bytes, 30 tokens to read; 103 positions are kept.
    expect(uplinkNs(TURNS[1], SLOW)).toBe(ms(20 + 1.2 + 5 + 30));
    expect(instants[1]).toEqual(
      inNs({
        arrival: 500,
        queued: 556.2,
        first: 556.2 + 31 + 40,
        last: 556.2 + 31 + 60,
        queue: 0,
        transport: 56.2 + 58,
        prefill: 31,
        decode: 2,
      }),
    );
    expect(endNs).toBe(ms(556.2 + 33));
  });

  it('has gaps of the framing, where the wafer is faster', () => {
    expect([...gapsNs]).toEqual([ms(20), ms(20), ms(20)]);
    const metrics = metricsOf({ served: session(SLOW).served, gapsNs, endNs });
    expect([metrics.itlMs.mean, metrics.tpotMs.mean]).toEqual([20, 20]);
    // From the first arrival to the last token at its client.
    expect(metrics.durationSeconds).toBeCloseTo(0.6472, 12);
  });
});

describe('the same session over HTTP', () => {
  const transport: Transport = {
    ...SLOW,
    kind: 'http',
    connection: 'request',
    sendsHistory: true,
    keepsCache: false,
  };
  it('opens a connection for each turn, sends and reads everything again', () => {
    const { instants } = session(transport);
    // Two round trips and a half.
    const first = 100 + 4 + 5 + 100;
    expect(instants[0].queued).toBe(ms(first));
    const sent = first + 101 + 60 + 20 + 70;
    const queued = sent + 100 + 133 * 0.04 + 5 + 133;
    expect(instants[1].arrival).toBe(ms(sent));
    expect(instants[1].queued).toBe(ms(queued));
    expect(instants[1].first).toBe(ms(queued + 134 + 40));
  });
  it('sends at least one token, and a request of no session opens nothing on a kept connection', () => {
    const nothing = { ...TURNS[1], promptTokens: 103 };
    expect(uplinkNs(nothing, SLOW)).toBe(ms(20 + 0.04 + 5 + 1));
    expect(uplinkNs(request(0, 0, 1, 1), SLOW)).toBe(ms(20 + 0.04 + 5 + 1));
    expect(uplinkNs(request(0, 0, 1, 1), transport)).toBe(ms(100 + 0.04 + 5 + 1));
  });
});

describe('a turn that adds nothing', () => {
  it('reads its last token again, to say what comes next', () => {
    const turns = [TURNS[0], { ...TURNS[1], promptTokens: 103 }];
    const transport = { ...FREE, keepsCache: true };
    const { served } = serve(turns, options(pipeline(2, ms(1)), 'fcfs', { transport }));
    expect(served[1].prefillNs).toBe(ms(2));
  });
});

describe('a cache that just fits', () => {
  // A session of 50 + 5 positions ends; then a request needs what is free, or one position more.
  const evictions = (positions: number) => {
    const transport = { ...FREE, keepsCache: true };
    const session = { ...request(0, 0, 50, 5), session: 0, historyTokens: 0 };
    const next = {
      ...request(1, 0, 60, 5),
      session: 0,
      historyTokens: 55,
      after: 0,
      thinkNs: ms(500),
    };
    const other = request(2, ms(200), positions - 1, 1);
    const all = [session, next, other];
    return serve(all, options(pipeline(2, ms(1)), 'fcfs', { transport, kvTokens: 200 })).evictions;
  };
  it('is not taken from an idle session', () => {
    expect(evictions(145)).toBe(0);
    expect(evictions(146)).toBe(1);
  });
});

describe('the longest context in flight', () => {
  // Whoever is in flight waits for it: a microsecond per position.
  const step: StepTime = (_, { max }) => max * 1000;
  it('sets the pace of a first token, and no longer once it has left', () => {
    const late = 3_500_000;
    const requests = [request(0, 0, 1000, 4), request(1, late, 10, 3), request(2, ms(30), 20, 3)];
    const { served, gapsNs } = serve(requests, options(step, 'fcfs'));
    // Pieces of 256 tokens, each at the pace of its middle: 128, 384, 640 and the rest at 884; the
    // last token enters before its piece ends, and sees 999.
    const entered = 128_000 + 384_000 + 640_000 + Math.round((231 * 884_000) / 256);
    expect(served[0].prefillNs).toBe(entered + 999_000);
    expect(served[0].decodeNs).toBe((1000 + 1001 + 1002) * 1000);
    // The second prompt passes while the first user's context is 1,000 long, and its tokens too.
    expect(served[1].prefillNs).toBe(Math.round((9 * 1_000_000) / 256) + 1_000_000);
    expect(served[1].decodeNs).toBe((1001 + 1002) * 1000);
    // The third is alone again: steps of 20 and 21 positions.
    expect([...gapsNs].slice(-2)).toEqual([20_000, 21_000]);
    expect(served[2].prefillNs).toBeLessThan(100_000);
  });
});

describe('a turn that is turned away', () => {
  it('is known to the client half a round trip later, and the next turn follows', () => {
    const { served } = serve(
      TURNS,
      options(pipeline(2, 1), 'fcfs', { transport: SLOW, kvTokens: 102 }),
    );
    expect(served.map(({ outcome }) => outcome)).toEqual(['rejected', 'rejected']);
    expect(served[0].transportNs).toBe(ms(249 + 20));
    expect(served[1].arrivalNs).toBe(ms(249 + 20 + 70));
  });
});

describe('a token that leaves as a request arrives', () => {
  it('does not share its step with the prompt that comes', () => {
    // One user from 12 ms on, a token every 2 ms, until a prompt comes at 20 ms.
    const requests = [request(0, 0, 11, 8), request(1, ms(20), 100, 1)];
    const { served, gapsNs } = serve(
      requests,
      options(pipeline(2, ms(1)), 'fcfs', { transport: FREE }),
    );
    expect(served[0].firstTokenNs).toBe(ms(12));
    expect(served[1].queuedNs).toBe(ms(20));
    // At 14, 16, 18, 20 and 22 ms; the next one goes round with 100 prompt tokens.
    expect([...gapsNs].slice(0, 6)).toEqual([2, 2, 2, 2, 2, 101].map(ms));
  });
});
