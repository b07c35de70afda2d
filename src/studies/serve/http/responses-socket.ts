/**
 * A WebSocket on `/v1/responses`: a connection that stays, over which each `response.create` is a turn. A turn that
 * continues the last response of its lane finds its KV cache on the wafer and reads only what is new. As published:
 * https://developers.openai.com/api/docs/guides/websocket-mode
 */
import type { RawData, WebSocket } from 'ws';
import { ApiError, asApiError, badRequest, errorBody } from './api-error.js';
import type { Conversation, Conversations } from './conversations.js';
import { laneName, lanesWithin, type Lane } from './lanes.js';
import type { HttpLimits } from './limits.js';
import { parseJson } from './read-body.js';
import { responsesRequest, type ResponsesRequest } from './responses-body.js';
import { notFound, startTurn } from './responses-turn.js';
import type { Started } from './service.js';
import { serviceFor, type Services } from './services.js';

export interface SocketContext {
  services: Services;
  limits: HttpLimits;
  conversations: Conversations;
  unixSeconds: () => number;
}

/** Close codes of RFC 6455. */
export const GOING_AWAY = 1001;

export function serveSocket(socket: WebSocket, context: SocketContext): void {
  const { services, limits, conversations, unixSeconds } = context;
  const lanes = lanesWithin(limits, () => services.openSession());
  const running = new Set<Started>();
  const send = (lane: string | undefined, event: object) => {
    if (socket.readyState !== socket.OPEN) return;
    const named = lane === undefined ? event : { ...event, stream_id: lane };
    socket.send(JSON.stringify(named));
    // A reader that does not read is given up, with all that it has.
    if (socket.bufferedAmount > limits.unreadBytes) socket.terminate();
  };
  const fail = (lane: string | undefined, error: ApiError) =>
    send(lane, { type: 'error', status: error.status, ...errorBody(error) });

  /** What a request continues: the state of a lane, or a response that was stored. */
  const find = (id: string): Conversation => {
    const found = lanes.find(id) ?? conversations.find(id);
    if (found === undefined) throw notFound(id);
    return found;
  };
  /** A turn that fails takes the state with it that it would have continued. */
  const forget = (lane: Lane, { previous }: ResponsesRequest) => {
    if (previous === undefined || lane.last?.id !== previous) return;
    delete lane.last;
    services.closeSession(lane.session);
  };
  const turn = (lane: Lane, request: ResponsesRequest, since: number, done: () => void) => {
    const { session } = lane;
    const before = request.previous === undefined ? undefined : find(request.previous);
    const asked = { request, before, session, unixSeconds: unixSeconds(), since };
    const ended = () => {
      running.delete(answering);
      done();
    };
    const answering = startTurn(serviceFor(services, request.model), asked, {
      event: (event) => send(lane.name, event),
      end(_response, conversation) {
        lane.last = conversation;
        if (request.store) conversations.keep(conversation);
        ended();
      },
      fail(error) {
        forget(lane, request);
        fail(lane.name, error);
        ended();
      },
    });
    running.add(answering);
  };
  const receive = (data: RawData, isBinary: boolean) => {
    const since = services.clock();
    let name: string | undefined;
    try {
      const message = messageOf(data, isBinary, limits);
      name = laneName(message['stream_id']);
      const lane = lanes.of(name);
      const request = responsesRequest(message);
      lanes.run(lane, (done) => {
        try {
          turn(lane, request, since, done);
        } catch (error) {
          forget(lane, request);
          fail(name, asApiError(error));
          done();
        }
      });
    } catch (error) {
      fail(name, asApiError(error));
    }
  };
  const oldest = setTimeout(() => {
    fail(undefined, tooOld(limits.socketMs));
    socket.close(GOING_AWAY, 'connection limit reached');
  }, limits.socketMs);
  let isThere = true;
  const pings = setInterval(() => {
    if (!isThere) return socket.terminate();
    isThere = false;
    socket.ping();
  }, limits.pingMs);
  socket.on('pong', () => void (isThere = true));
  socket.on('message', receive);
  // A frame that is none; `close` follows.
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearTimeout(oldest);
    clearInterval(pings);
    for (const one of running) one.cancel();
    for (const { session } of lanes.all()) services.closeSession(session);
  });
}

function messageOf(data: RawData, isBinary: boolean, limits: HttpLimits): Record<string, unknown> {
  if (isBinary) throw badRequest('Expected messages of text.');
  const message = parseJson(data as Buffer, limits);
  const isObject = typeof message === 'object' && message !== null && !Array.isArray(message);
  if (!isObject || !('type' in message) || message.type !== 'response.create')
    throw badRequest("Expected an event with type 'response.create'.", 'type');
  return { ...message };
}

function tooOld(milliseconds: number): ApiError {
  const minutes = Math.round(milliseconds / 60_000);
  return new ApiError(
    400,
    `Responses websocket connection limit reached (${minutes} minutes). Create a new websocket connection to continue.`,
    { code: 'websocket_connection_limit_reached' },
  );
}
