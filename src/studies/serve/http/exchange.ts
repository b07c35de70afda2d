/** A request to a route, and the response to it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiError } from './api-error.js';
import type { Conversations } from './conversations.js';
import type { HttpLimits } from './limits.js';
import type { Service } from './service.js';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  limits: HttpLimits;
  service: Service;
  /** What earlier responses can be continued from. */
  conversations: Conversations;
  /** Seconds since 1970. */
  unixSeconds: number;
  /** @throws ApiError, Gone */
  body(): Promise<unknown>;
  /** Ends the response with an error, at whatever point it is. */
  fail(error: ApiError): void;
}

/** Does what a route does. What it throws is the response, unless one has begun. */
export type Route = (exchange: Exchange) => void | Promise<void>;
