/** A request to a route, and the response to it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiError } from './api-error.js';
import type { Conversations } from './conversations.js';
import type { HttpLimits } from './limits.js';
import type { Services } from './services.js';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  limits: HttpLimits;
  services: Services;
  /** When the last of the request had come, by the services' clock: what reading it takes is no time of the wafer. */
  since: () => number;
  /** What earlier responses can be continued from. */
  conversations: Conversations;
  /** Seconds since 1970. */
  unixSeconds: number;
  /** @throws ApiError, Gone */
  body(): Promise<unknown>;
  /** Ends the response with an error, at whatever point it is. */
  fail: (error: ApiError) => void;
}

/** Gives a request up once its reader is gone; at its end there is nothing left to give up. */
export function whenGone(response: ServerResponse, cancel: () => void): void {
  if (response.destroyed) cancel();
  else response.on('close', cancel);
}

/** Does what a route does. What it throws is the response, unless one has begun. */
export type Route = (exchange: Exchange) => void | Promise<void>;
