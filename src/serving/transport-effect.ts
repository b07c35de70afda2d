/**
 * What a persistent WebSocket saves over a request each, and how much of it every parameter explains:
 * each is set to the WebSocket's value alone, in the order of the list, on top of those before it.
 */
import type { Request } from './request.js';
import { downlinkNs, uplinkNs, type Transport } from './transport.js';

/** What was published for the persistent WebSocket of a coding service on wafers, February 2026. */
const PUBLISHED = { perRoundTrip: 0.8, perToken: 0.3, timeToFirstToken: 0.5 };

export interface TransportEffect {
  http: TransportCost;
  websocket: TransportCost;
  /** Shares saved, 0 to 1. */
  saved: { perRoundTrip: number; perToken: number; timeToFirstToken: number };
  published: typeof PUBLISHED;
  /** Shares of the HTTP value that each parameter saves; they add up to `saved`. */
  explainedBy: {
    parameter: string;
    perRoundTrip: number;
    perToken: number;
    timeToFirstToken: number;
  }[];
  /** Values at which, one changed alone, just the published share is saved; null: at none. */
  needed: {
    perRoundTrip: Needed;
    perToken: { 'websocket.tokenMicros': number };
    timeToFirstToken: Needed;
  };
}

interface Needed {
  'http.requestWorkMs': number | null;
  /** Of both kinds. */
  roundTripMs: number | null;
}

export interface TransportCost {
  /** Both directions and the server's work, without the model: mean over all requests. */
  perRoundTripMs: number;
  perTokenMicros: number;
  /** Median over all requests, queue and prefill included. */
  timeToFirstTokenMs: number;
}

/** Parameters in which the two kinds differ, as steps from one to the other. */
const STEPS: [name: string, keys: (keyof Transport)[]][] = [
  ['one connection per session', ['kind', 'connection']],
  ['requestWorkMs', ['requestWorkMs']],
  ['history not sent again', ['sendsHistory']],
  ['KV cache kept with the connection', ['keepsCache']],
  ['tokenMicros', ['tokenMicros']],
  ['round trips', ['roundTripMs', 'tcpRoundTrips', 'tlsRoundTrips', 'upgradeRoundTrips']],
  ['uplink and tokenizer', ['promptTokenMicros', 'bytesPerToken', 'uplinkMbps']],
];

/** @param ttftMs median time to first token of the requests under a transport, by simulation */
export function transportEffect(
  requests: readonly Request[],
  http: Transport,
  websocket: Transport,
  ttftMs: (transport: Transport) => number,
): TransportEffect {
  const costOf = (transport: Transport): TransportCost => ({
    perRoundTripMs: meanRoundTripMs(requests, transport),
    perTokenMicros: transport.tokenMicros,
    timeToFirstTokenMs: ttftMs(transport),
  });
  const from = costOf(http);
  const shares = (before: TransportCost, after: TransportCost) => ({
    perRoundTrip: (before.perRoundTripMs - after.perRoundTripMs) / from.perRoundTripMs,
    perToken: ratio(before.perTokenMicros - after.perTokenMicros, from.perTokenMicros),
    timeToFirstToken:
      (before.timeToFirstTokenMs - after.timeToFirstTokenMs) / from.timeToFirstTokenMs,
  });
  let at = http;
  let before = from;
  const explainedBy: TransportEffect['explainedBy'] = [];
  for (const [parameter, keys] of STEPS) {
    if (keys.every((key) => http[key] === websocket[key])) continue;
    at = { ...at, ...Object.fromEntries(keys.map((key) => [key, websocket[key]])) };
    const after = costOf(at);
    explainedBy.push({ parameter, ...shares(before, after) });
    before = after;
  }
  return {
    http: from,
    websocket: before,
    saved: shares(from, before),
    published: PUBLISHED,
    explainedBy,
    needed: neededFor(costOf, http, from, websocket, before),
  };
}

/** What costs grow by, from what they are `now`, with a round trip that is longer by a millisecond. */
function perTripMs(
  cost: (transport: Transport) => TransportCost,
  transport: Transport,
  now: TransportCost,
) {
  const longer = cost({ ...transport, roundTripMs: transport.roundTripMs + 1 });
  return {
    perRoundTripMs: longer.perRoundTripMs - now.perRoundTripMs,
    timeToFirstTokenMs: longer.timeToFirstTokenMs - now.timeToFirstTokenMs,
  };
}

/** Work per request delays an answer and a first token alike, and so does every round trip. */
function neededFor(
  cost: (transport: Transport) => TransportCost,
  http: Transport,
  from: TransportCost,
  websocket: Transport,
  to: TransportCost,
): TransportEffect['needed'] {
  const [many, few] = [perTripMs(cost, http, from), perTripMs(cost, websocket, to)];
  const neededOf = (of: 'perRoundTripMs' | 'timeToFirstTokenMs', share: number): Needed => {
    const [before, after] = [from[of], to[of]];
    // With d ms more per round trip: (1 - share) (before + many d) = after + few d.
    const more = ((1 - share) * before - after) / (few[of] - (1 - share) * many[of]);
    return {
      'http.requestWorkMs': unlessNegative(http.requestWorkMs + after / (1 - share) - before),
      roundTripMs: unlessNegative(http.roundTripMs + more),
    };
  };
  return {
    perRoundTrip: neededOf('perRoundTripMs', PUBLISHED.perRoundTrip),
    perToken: { 'websocket.tokenMicros': http.tokenMicros * (1 - PUBLISHED.perToken) },
    timeToFirstToken: neededOf('timeToFirstTokenMs', PUBLISHED.timeToFirstToken),
  };
}

function unlessNegative(value: number): number | null {
  return value >= 0 && Number.isFinite(value) ? value : null;
}

function meanRoundTripMs(requests: readonly Request[], transport: Transport): number {
  let total = 0;
  for (const request of requests) total += uplinkNs(request, transport) + downlinkNs(transport);
  return total / requests.length / 1e6;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
