/**
 * The endpoint: an HTTP server with the routes of OpenAI's API, and WebSockets on `/v1/responses`. It listens from
 * the beginning, and says 503 until there is something to serve.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { ApiError, asApiError, errorBody } from './api-error.js';
import { checkKey } from './api-key.js';
import { conversationsWithin } from './conversations.js';
import type { Exchange } from './exchange.js';
import { LIMITS, type HttpLimits } from './limits.js';
import { bodyReader, Gone } from './read-body.js';
import { GOING_AWAY, serveSocket } from './responses-socket.js';
import { routeOf, SOCKET_PATH } from './routes.js';
import { sendJson } from './send-answers.js';
import type { Services } from './services.js';

export interface EndpointOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** What clients have to send as a bearer's token; undefined: nothing. */
  apiKey?: string | undefined;
  limits?: Partial<HttpLimits>;
  /** Seconds since 1970. */
  unixSeconds: () => number;
  /** Receives faults of the endpoint's own, which no client should be able to cause. */
  onFault: (error: unknown) => void;
}

export interface Endpoint {
  port: number;
  limits: HttpLimits;
  /** Connections that are open. */
  connections(): Promise<number>;
  /** From now on requests are answered. */
  serve(services: Services): void;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** @throws the system's error if it cannot listen there */
export async function openEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const limits = { ...LIMITS, ...options.limits };
  const { unixSeconds, apiKey } = options;
  const conversations = conversationsWithin(limits);
  const bodies = bodyReader(limits);
  let services: Services | undefined;
  const ready = () => {
    if (services !== undefined) return services;
    throw new ApiError(503, 'The step times are being simulated; try again later.', {
      headers: { 'retry-after': '1' },
    });
  };

  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: 1000,
    // Small events one after the other are not to wait for each other.
    noDelay: true,
  });
  server.maxConnections = limits.connections;
  server.on('request', (request, response) => {
    const fail = (error: ApiError) => {
      // An answer that has begun can only be broken off.
      if (response.headersSent) return void response.destroy();
      // What is still being sent is not read.
      const close = request.complete ? {} : { connection: 'close' };
      sendJson(response, error.status, errorBody(error), { ...error.headers, ...close });
    };
    const answer = async () => {
      const { route, open } = routeOf(request);
      if (!open) checkKey(request, apiKey);
      const own = ready();
      const exchange: Exchange = {
        ...{ request, response, limits, conversations, fail },
        services: own,
        since: whenWhole(request, own),
        unixSeconds: unixSeconds(),
        body: () => bodies.read(request),
      };
      await route(exchange);
    };
    response.on('error', () => response.destroy());
    answer().catch((error: unknown) => {
      if (error instanceof Gone) return response.destroy();
      const failure = asApiError(error);
      if (failure.status === 500) options.onFault(error);
      return fail(failure);
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuse(socket, ofClientError(error)),
  );

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false,
  });
  sockets.on('wsClientError', (error, socket) => refuse(socket, new ApiError(400, error.message)));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    try {
      const own = checkUpgrade(request, apiKey, ready);
      sockets.handleUpgrade(request, socket, head, (connection) =>
        serveSocket(connection, { services: own, limits, conversations, unixSeconds }),
      );
    } catch (error) {
      refuse(socket, asApiError(error));
    }
  });

  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    limits,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    serve: (given) => void (services = given),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'the endpoint ends');
      server.closeAllConnections();
      const left = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, limits.closeMs);
      await closed;
      clearTimeout(left);
    },
  };
}

/** Its body comes only once the route has asked for it, so that its end is not missed. */
function whenWhole(request: IncomingMessage, { clock }: Services): () => number {
  let since: number | undefined;
  request.once('end', () => (since = clock()));
  return () => since ?? clock();
}

function listen(server: Server, { host, port }: EndpointOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function checkUpgrade(
  request: IncomingMessage,
  apiKey: string | undefined,
  ready: () => Services,
): Services {
  const [path] = request.url!.split('?', 1);
  if (path !== SOCKET_PATH)
    throw new ApiError(404, `There is no WebSocket at ${path.slice(0, 80)}.`);
  if (!isLocal(request.headers.origin))
    throw new ApiError(403, 'Pages of other sites may not connect here.');
  checkKey(request, apiKey);
  return ready();
}

/** A browser names the site whose page connects; any page could connect to a port of its own host. */
function isLocal(origin: string | undefined): boolean {
  return (
    origin === undefined || /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(origin)
  );
}

function ofClientError({ code, message }: NodeJS.ErrnoException): ApiError {
  if (code === 'HPE_HEADER_OVERFLOW') return new ApiError(431, 'The headers are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ApiError(408, 'The request took too long.');
  return new ApiError(400, `Malformed request: ${message}`);
}

/** An error on a connection that has no response object. */
function refuse(socket: Socket | Duplex, error: ApiError): void {
  if (!socket.writable || ('bytesWritten' in socket && socket.bytesWritten > 0))
    return void socket.destroy();
  const body = JSON.stringify(errorBody(error));
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(error.headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
