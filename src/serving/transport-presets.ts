/**
 * The transports with their defaults and where each number comes from. Only the counts of round
 * trips are facts of the protocols; the times are assumptions to be set for a given site. None of them
 * is chosen for the savings that were published: the report says what those would need.
 */
import type { Transport, TransportKind } from './transport.js';

interface Preset {
  value: number | boolean | string;
  source: string;
}

const TCP = 'RFC 9293: one round trip before the first byte';
const TLS = 'RFC 8446: TLS 1.3 takes one round trip (no early data)';
const UPGRADE = 'RFC 6455: one HTTP round trip to upgrade';
const ASSUMED = 'assumed';

const COMMON: Record<string, Preset> = {
  roundTripMs: { value: 30, source: `${ASSUMED}: same continent, 10 to 100 ms` },
  tcpRoundTrips: { value: 1, source: TCP },
  tlsRoundTrips: { value: 1, source: TLS },
  upgradeRoundTrips: { value: 1, source: UPGRADE },
  promptTokenMicros: { value: 1, source: `${ASSUMED}: tokenizers read about a million tokens/s` },
  bytesPerToken: { value: 4, source: `${ASSUMED}: about four letters of English or code` },
  uplinkMbps: { value: 50, source: `${ASSUMED}: an office line` },
};

const NOTHING = 'kind none: nothing between the client and the server';

const PRESETS: Record<TransportKind, Record<string, Preset>> = {
  none: {
    roundTripMs: { value: 0, source: NOTHING },
    tcpRoundTrips: { value: 0, source: NOTHING },
    tlsRoundTrips: { value: 0, source: NOTHING },
    upgradeRoundTrips: { value: 0, source: NOTHING },
    requestWorkMs: { value: 0, source: NOTHING },
    promptTokenMicros: { value: 0, source: NOTHING },
    tokenMicros: { value: 0, source: NOTHING },
    bytesPerToken: { value: 0, source: NOTHING },
    uplinkMbps: { value: 1, source: `${NOTHING}; of 0 bytes` },
    connection: { value: 'session', source: NOTHING },
    sendsHistory: { value: false, source: NOTHING },
    keepsCache: { value: false, source: 'stateless unless set; a request may ask for it' },
  },
  http: {
    ...COMMON,
    requestWorkMs: {
      value: 5,
      source: `${ASSUMED}: authentication, routing and limits per request`,
    },
    tokenMicros: { value: 20, source: `${ASSUMED}: a server-sent event of JSON, proxied` },
    connection: { value: 'request', source: 'a new connection per request' },
    sendsHistory: { value: true, source: 'stateless requests carry the conversation' },
    keepsCache: { value: false, source: 'stateless requests may land on any replica' },
  },
  websocket: {
    ...COMMON,
    requestWorkMs: {
      value: 3,
      source: `${ASSUMED}: authenticated and routed once, limits and validation remain; 1 to 5`,
    },
    tokenMicros: {
      value: 20,
      source: `${ASSUMED}: the same JSON; a frame's 2 to 4 bytes (RFC 6455) in place of a chunk's`,
    },
    connection: { value: 'session', source: 'one connection per session' },
    sendsHistory: { value: false, source: 'the server keeps the conversation' },
    keepsCache: { value: true, source: 'the session stays on its replica' },
  },
};

/** The transport of a kind, its preset's values overridden by those given; where there is none, nothing costs. */
export function transportOf(kind: TransportKind, given: Partial<Transport> = {}): Transport {
  const values = Object.entries(PRESETS[kind]).map(([key, { value }]) => [key, value]);
  return { ...Object.fromEntries(values), ...applied(kind, given), kind } as Transport;
}

/** Where each of a transport's numbers comes from. */
export function transportSources(kind: TransportKind, given: Partial<Transport> = {}) {
  const set = applied(kind, given);
  const entries = Object.entries(PRESETS[kind]).map(([key, { source }]) => [
    key,
    key in set ? 'the configuration' : source,
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** A network's numbers mean nothing without one; whether the cache stays does. */
function applied(kind: TransportKind, given: Partial<Transport>): Partial<Transport> {
  const { keepsCache } = given;
  if (kind !== 'none') return given;
  return keepsCache === undefined ? {} : { keepsCache };
}
