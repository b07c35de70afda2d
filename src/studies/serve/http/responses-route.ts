/** `POST /v1/responses` */
import { badRequest } from './api-error.js';
import { eventStream } from './event-stream.js';
import { whenGone, type Exchange } from './exchange.js';
import { responsesRequest } from './responses-body.js';
import { notFound, startTurn } from './responses-turn.js';
import { sendJson } from './send-answers.js';
import { serviceFor } from './services.js';

export async function responsesRoute(exchange: Exchange): Promise<void> {
  const request = responsesRequest(await exchange.body());
  const { services, since, conversations, response, limits, unixSeconds, fail } = exchange;
  if (!request.generate)
    throw badRequest("'generate: false' keeps its state with a WebSocket: use one.", 'generate');
  const { previous, store, stream: streamed } = request;
  const before = previous === undefined ? undefined : conversations.find(previous);
  if (previous !== undefined && before === undefined) throw notFound(previous);
  const stream = streamed ? eventStream(response, limits.unreadBytes) : undefined;
  const turn = startTurn(
    serviceFor(services, request.model),
    { request, before, unixSeconds, since: since() },
    {
      event: (event) => stream?.send(event, event.type),
      end(whole, conversation) {
        if (store) conversations.keep(conversation);
        if (stream === undefined) sendJson(response, 200, whole);
        else stream.end();
      },
      fail,
    },
  );
  whenGone(response, () => turn.cancel());
}
