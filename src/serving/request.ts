/**
 * What is served: requests with the tokens they bring and ask for, and what became of each. Times are
 * integer nanoseconds, so that a request's parts add up to its end-to-end latency exactly.
 */

export interface Request {
  /** Its index in the workload. */
  id: number;
  /** When the client sends it; ignored where `after` is given. */
  arrivalNs: number;
  /** Sent when request `after` (an earlier index) has ended, `thinkNs` later. */
  after?: number;
  thinkNs?: number;
  /** The whole context that the model reads, history included; at least 1. */
  promptTokens: number;
  /** Tokens to generate; at least 1. */
  outputTokens: number;
  /** Turns of one session share a number and, where state is kept, a cache. */
  session?: number;
  /** Beginning of the prompt that earlier turns of the session have computed already. */
  historyTokens?: number;
}

export type Outcome = 'completed' | 'rejected' | 'unfinished';

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

export interface Served extends Parts {
  request: Request;
  outcome: Outcome;
  /** Why it was rejected. */
  reason?: string;
  /** When the client sent it, saw its first token, and saw its last; NaN for what did not happen. */
  arrivalNs: number;
  /** When it reached the server; NaN if it has not. */
  queuedNs: number;
  firstTokenNs: number;
  lastTokenNs: number;
  /** Tokens that the client has seen. */
  tokens: number;
}
