/**
 * The connection between a client and the server: a new HTTPS connection per request, one WebSocket that
 * stays, or nothing at all, as if the client were at the wafer. Every number is a parameter; what opening costs
 * in round trips follows the protocols: TCP 1 (RFC 9293), TLS 1.3 1 (RFC 8446), the upgrade to a WebSocket 1
 * (RFC 6455).
 */
import type { Request } from './request.js';

export type TransportKind = 'http' | 'websocket' | 'none';

export interface Transport {
  kind: TransportKind;
  roundTripMs: number;
  /** Round trips that opening a connection takes: TCP, TLS and, for a WebSocket, its upgrade. */
  tcpRoundTrips: number;
  tlsRoundTrips: number;
  upgradeRoundTrips: number;
  /** Server work before the model sees a request: authentication, routing, validation. */
  requestWorkMs: number;
  /** Server work per prompt token sent: reading and tokenizing it. */
  promptTokenMicros: number;
  /** Framing and delivery of one token; tokens of a connection are framed one after the other. */
  tokenMicros: number;
  /** Bytes of text per token, and what the client's line carries. */
  bytesPerToken: number;
  uplinkMbps: number;
  /** Whether a connection is opened for every request, or once per session and kept. */
  connection: 'request' | 'session';
  /** Whether a turn sends the session's history again, or the state kept with the connection does. */
  sendsHistory: boolean;
  /** Whether a session's KV cache stays on the wafer between its turns, as long as there is room. */
  keepsCache: boolean;
}

/** Tokens that a request sends: all of its prompt, or what its session has not sent before. */
function tokensSent(request: Request, transport: Transport): number {
  const known = transport.sendsHistory ? 0 : (request.historyTokens ?? 0);
  return Math.max(1, request.promptTokens - known);
}

/**
 * Nanoseconds from the client's sending a request to its entry into the server's queue.
 * @param begins whether it opens its session's connection
 */
export function uplinkNs(
  request: Request,
  transport: Transport,
  // A request of no session comes over a connection that its user keeps anyway.
  begins = request.session !== undefined && request.after === undefined,
): number {
  const { roundTripMs, requestWorkMs, promptTokenMicros, bytesPerToken, uplinkMbps } = transport;
  const opens = transport.connection === 'request' || begins;
  const trips = (opens ? openingRoundTrips(transport) : 0) + 0.5;
  const sent = tokensSent(request, transport);
  const bytesMs = (sent * bytesPerToken * 8) / (uplinkMbps * 1000);
  const workMs = requestWorkMs + (sent * promptTokenMicros) / 1000;
  return Math.round((trips * roundTripMs + bytesMs + workMs) * 1e6);
}

/** Nanoseconds from a token's leaving the server to the client. */
export function downlinkNs({ roundTripMs }: Transport): number {
  return Math.round((roundTripMs / 2) * 1e6);
}

/** Nanoseconds of framing one token. */
export function framingNs({ tokenMicros }: Transport): number {
  return Math.round(tokenMicros * 1000);
}

function openingRoundTrips(transport: Transport): number {
  const { tcpRoundTrips, tlsRoundTrips, upgradeRoundTrips, kind } = transport;
  return tcpRoundTrips + tlsRoundTrips + (kind === 'websocket' ? upgradeRoundTrips : 0);
}
