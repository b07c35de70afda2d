/** When each request got where, and the account of its parts at its end. */
import { seenNs, type Delivery } from './transport.js';
import type { Request, Served } from './request.js';

/** Per request, NaN as long as it has not happened. */
export interface Account {
  /** Sent by the client, and there at the server (known ahead for those that follow no other). */
  arrivalNs: Float64Array;
  queuedNs: Float64Array;
  /** Its prompt begins to enter the pipeline. */
  startNs: Float64Array;
  /** Its first token leaves the wafer. */
  firstNs: Float64Array;
}

export function createAccount(requests: number): Account {
  const times = () => new Float64Array(requests).fill(NaN);
  return { arrivalNs: times(), queuedNs: times(), startNs: times(), firstNs: times() };
}

/** A request whose last token leaves the wafer at `now`. */
export function completed(
  { arrivalNs, queuedNs, startNs, firstNs }: Account,
  delivery: Delivery,
  request: Request,
  now: number,
): Served {
  const { id } = request;
  const seen = seenNs(delivery, id);
  return {
    request,
    outcome: 'completed',
    arrivalNs: arrivalNs[id],
    queuedNs: queuedNs[id],
    firstTokenNs: delivery.firstNs[id],
    lastTokenNs: seen,
    tokens: delivery.tokens[id],
    queueNs: startNs[id] - queuedNs[id],
    transportNs: queuedNs[id] - arrivalNs[id] + (seen - now),
    prefillNs: firstNs[id] - startNs[id],
    decodeNs: now - firstNs[id],
  };
}

/** A request that is turned away as soon as it reaches the server. */
export function rejected(
  { arrivalNs, queuedNs }: Account,
  { downlink }: Delivery,
  request: Request,
  reason: string,
): Served {
  const arrival = arrivalNs[request.id];
  return {
    request,
    outcome: 'rejected',
    reason,
    arrivalNs: arrival,
    queuedNs: queuedNs[request.id],
    firstTokenNs: NaN,
    lastTokenNs: NaN,
    tokens: 0,
    queueNs: 0,
    transportNs: queuedNs[request.id] - arrival + downlink,
    prefillNs: 0,
    decodeNs: 0,
  };
}

/** What is known at the end, `now`, of a request that has arrived and not ended; or undefined. */
export function unfinished(
  { arrivalNs, queuedNs, startNs, firstNs }: Account,
  delivery: Delivery,
  request: Request,
  now: number,
): Served | undefined {
  const { id } = request;
  if (!(arrivalNs[id] <= now)) return undefined;
  const between = (from: number, to: number) => Math.max(0, (to <= now ? to : now) - from) || 0;
  return {
    request,
    outcome: 'unfinished',
    arrivalNs: arrivalNs[id],
    queuedNs: queuedNs[id] <= now ? queuedNs[id] : NaN,
    firstTokenNs: delivery.firstNs[id],
    lastTokenNs: NaN,
    tokens: delivery.tokens[id],
    queueNs: between(queuedNs[id], startNs[id]),
    transportNs: between(arrivalNs[id], queuedNs[id]),
    prefillNs: between(startNs[id], firstNs[id]),
    decodeNs: between(firstNs[id], now),
  };
}
