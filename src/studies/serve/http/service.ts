/**
 * What the routes ask of what is served: answers to prompts, token by token as the simulated machine gives them,
 * and what it is. The pace comes from pace.ts, the words from a source of text.
 */
import type { Served } from '../../../serving/request.js';
import type { Status } from '../../../serving/driver.js';
import type { Sampling } from './fields.js';
import type { Metrics } from './metrics.js';
import type { Prompt } from '../text/source.js';

export interface ServedModel {
  /** The name that requests have to give. */
  id: string;
  /** When the endpoint began to serve it, in seconds since 1970. */
  created: number;
  /** Tokens of a prompt and its answer together, at most. */
  maxModelLen: number;
}

export type Finish = 'stop' | 'length' | 'tool_calls';

/** A call of a tool as far as it has come: its name with the first piece, then its arguments. */
export interface CallPiece {
  index: number;
  /** With the first piece alone. */
  name?: string;
  text: string;
}

/** What is new of an answer: one event of a stream. */
export interface Delta {
  text: string;
  calls: readonly CallPiece[];
  /** Tokens that have come, whether they show in text or not, and when each did (ns of simulated time). */
  tokens: number;
  tokenNs: readonly number[];
  end?: AnswerEnd;
}

/** Nothing comes after it. */
export type AnswerEnd =
  | { finish: Finish; served: Served }
  /** Turned away by the simulated server. */
  | { rejected: Served }
  /** Its words could not be computed. */
  | { failed: unknown };

/** Where in a conversation a request stands, for what the wafer keeps of it. */
export interface Turn {
  session: number;
  /** Tokens of the conversation before it, and the request whose cache holds them. */
  historyTokens: number;
  parent?: number;
}

export interface Ask {
  prompt: Prompt;
  promptTokens: number;
  sampling: Sampling;
  /** 0, 1, ... of several answers to one request. */
  sample: number;
  turn?: Turn;
  /** When it reached the endpoint, by the service's clock; now if not given. */
  since?: number | undefined;
  /** False: the prompt is read, and nothing is said. */
  generate?: boolean;
}

export interface Started {
  /** Of the request in the simulated server. */
  id: number;
  /** The reader is gone: what the request holds of the wafer is free at once. */
  cancel(): void;
}

/** What was counted of a model's requests, and what is in its server. */
export interface Measured {
  model: ServedModel;
  metrics: Metrics;
  status: Status;
}

export interface Service {
  model: ServedModel;
  /** Seconds of the wall clock, from any instant. */
  clock: () => number;
  /** Tokens of a prompt. */
  count(prompt: Prompt): number;
  /**
   * Submits a request; `take` receives its answer, never before this returns.
   * @throws ApiError if it does not fit the model's context, or too many wait
   */
  start(ask: Ask, take: (delta: Delta) => void): Started;
  /** A conversation has ended: what it keeps of this model's cache is freed. */
  closeSession(session: number): void;
  /** What `/metrics` says of it now. */
  measured(): Measured;
}
