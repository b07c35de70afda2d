/** When each request got where, and the account of its parts at its end. */
import type { Rejection, Request, Served } from './request.js';

export type Phase = 'sent' | 'waiting' | 'reading' | 'entered' | 'decoding' | 'ended';

/** A request from its submission to its end; times are NaN as long as it has not happened. */
export interface Account {
  request: Request;
  /** What its accepted tokens are drawn by: its place among the requests that are submitted, or that are known. */
  number: number;
  phase: Phase;
  /** Whether its session keeps its cache. */
  keep: boolean;
  /** Sent by the client, and there at the server. */
  arrivalNs: number;
  queuedNs: number;
  /** Its prompt begins to enter the pipeline, so much of it known from the session's cache. */
  startNs: number;
  cachedTokens: number;
  /** Its first token leaves the wafer, or its prompt is read if there is to be no token. */
  firstNs: number;
  /** Tokens that have left the wafer; when the client sees the first; when the last one left and was framed. */
  tokens: number;
  firstSeenNs: number;
  leftNs: number;
  framedNs: number;
  /** Of the round that is under way: tokens that it verifies, and drafted ones of them that are right. */
  verified: number;
  accepted: number;
  /** What the accepted ones are drawn from, where tokens are drafted. */
  draws?: () => number;
}

export function createAccount(
  request: Request,
  arrivalNs: number,
  keep: boolean,
  number = request.id,
): Account {
  return {
    request,
    number,
    phase: 'sent',
    keep,
    arrivalNs,
    queuedNs: NaN,
    startNs: NaN,
    cachedTokens: NaN,
    firstNs: NaN,
    tokens: 0,
    firstSeenNs: NaN,
    leftNs: NaN,
    framedNs: -Infinity,
    verified: 1,
    accepted: 0,
  };
}

/** A request that was complete at `now`; its client sees its last token at `seen`. */
export function completed(account: Account, now: number, seen: number): Served {
  const { request, arrivalNs, queuedNs, startNs, firstNs, cachedTokens } = account;
  return {
    request,
    outcome: 'completed',
    arrivalNs,
    queuedNs,
    firstTokenNs: account.firstSeenNs,
    lastTokenNs: seen,
    tokens: account.tokens,
    queueNs: startNs - queuedNs,
    transportNs: queuedNs - arrivalNs + (seen - now),
    prefillNs: firstNs - startNs,
    decodeNs: now - firstNs,
    cachedTokens,
  };
}

/** A request that is turned away as soon as it reaches the server. */
export function rejected(
  { request, arrivalNs, queuedNs }: Account,
  downlink: number,
  rejection: Rejection,
  reason: string,
): Served {
  return {
    request,
    outcome: 'rejected',
    reason,
    rejection,
    arrivalNs,
    queuedNs,
    firstTokenNs: NaN,
    lastTokenNs: NaN,
    tokens: 0,
    queueNs: 0,
    transportNs: queuedNs - arrivalNs + downlink,
    prefillNs: 0,
    decodeNs: 0,
  };
}

/** What is known as of `now` of a request that was sent and has not ended, or was given up. */
export function unfinished(
  account: Account,
  now: number,
  outcome: 'unfinished' | 'cancelled' = 'unfinished',
): Served {
  const { request, arrivalNs, queuedNs, startNs, firstNs, cachedTokens } = account;
  const between = (from: number, to: number) => Math.max(0, (to <= now ? to : now) - from) || 0;
  return {
    request,
    outcome,
    arrivalNs,
    queuedNs: queuedNs <= now ? queuedNs : NaN,
    firstTokenNs: account.firstSeenNs,
    lastTokenNs: NaN,
    tokens: account.tokens,
    queueNs: between(queuedNs, startNs),
    transportNs: between(arrivalNs, queuedNs),
    prefillNs: between(startNs, firstNs),
    decodeNs: between(firstNs, now),
    ...(cachedTokens >= 0 && { cachedTokens }),
  };
}
