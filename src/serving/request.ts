/**
 * What is served: requests with the tokens they bring and ask for, and what became of each. Times are
 * integer nanoseconds, so that a request's parts add up to its end-to-end latency exactly.
 */

export interface Request {
  /** Its index in the workload; of requests that are submitted one by one a number above those before. */
  id: number;
  /** When the client sends it; ignored where `after` is given, or where it is submitted at an instant. */
  arrivalNs: number;
  /** Sent when request `after` (an earlier index) has ended, `thinkNs` later. */
  after?: number;
  thinkNs?: number;
  /** The whole context that the model reads, history included; at least 1. */
  promptTokens: number;
  /** Tokens to generate, at most; with 0 the prompt is read and nothing is said. */
  outputTokens: number;
  /** Turns of one session share a number and, where state is kept, a cache. */
  session?: number;
  /** Beginning of the prompt that earlier turns of the session have computed already. */
  historyTokens?: number;
  /** The request whose cache it continues; where the session keeps that of another one, all is read. */
  parent?: number;
  /** Whether its cache stays for the session's next turn. */
  keep?: boolean;
  /** Which of several models it is for, where a trace says so. */
  model?: string;
}

export type Outcome = 'completed' | 'rejected' | 'cancelled' | 'unfinished';

/** A request's parts; they add up to the time from its arrival to its last token at the client. */
export interface Parts {
  /** Waiting for memory, for a user to leave, or for the prompts before it. */
  queueNs: number;
  /** On the path to the server and back, and the server's work outside the model. */
  transportNs: number;
  /** From the entry of its first prompt token to its first output token. */
  prefillNs: number;
  /** From its first output token to its last, on the wafer. */
  decodeNs: number;
}

/** Why a request is turned away: it never fits, or too many wait. */
export type Rejection = 'context' | 'queue';

export interface Served extends Parts {
  request: Request;
  outcome: Outcome;
  /** Why it was rejected, in words and as a kind. */
  reason?: string;
  rejection?: Rejection;
  /** When the client sent it, saw its first token, and saw its last; NaN for what did not happen. */
  arrivalNs: number;
  /** When it reached the server; NaN if it has not. */
  queuedNs: number;
  firstTokenNs: number;
  lastTokenNs: number;
  /** Tokens that the client has seen. */
  tokens: number;
  /** Tokens of its prompt that were in the session's cache already; undefined as long as it has not begun. */
  cachedTokens?: number;
}
