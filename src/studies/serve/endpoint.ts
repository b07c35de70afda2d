/** What an endpoint needs to answer at the pace of a simulated wafer, without anything of HTTP. */
import type { ResolvedConfig } from '../../config.js';
import type { Driver } from '../../serving/driver.js';
import type { TransportKind } from '../../serving/transport.js';
import type { TextSource } from './text/source.js';

export interface EndpointOptions {
  /** `lorem`, `echo`, `script:FILE` or `model`. */
  text: string;
  seed: string;
  transport: TransportKind;
  /** Longest context in tokens; what the model has and the wafer holds if not given. */
  maxModelLen?: number | undefined;
  servedModelName?: string | undefined;
  /** Requests that may wait. */
  maxWaiting: number;
  /** A folder to record into. */
  record?: string | undefined;
}

export interface PreparedEndpoint {
  config: ResolvedConfig;
  /** A recorded one, if a folder was given. */
  driver: Driver;
  text: TextSource;
  modelName: string;
  /** Positions of one request's prompt and answer, and of all together. */
  maxModelLen: number;
  kvTokens: number;
  maxUsers: number;
  maxWaiting: number;
  /** Tokens per second of one user alone, with the shortest and with the longest context. */
  aloneTokensPerSecond: [number, number];
  /** What a person should know, one line each. */
  notes: string[];
  /** Ends the record and whatever computes. */
  close(): Promise<void>;
}
