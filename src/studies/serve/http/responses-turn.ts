/** One response, over HTTP or a WebSocket: what it continues, its events, and what can be continued from it. */
import { ApiError } from './api-error.js';
import { continued, messagesOf, type Conversation } from './conversations.js';
import { newId } from './ids.js';
import type { Message } from '../text/source.js';
import { callText } from './content.js';
import type { ResponsesRequest } from './responses-body.js';
import { responseEvents, type ResponseEvent } from './responses-events.js';
import { endedResponse, responseObject, type ResponseObject } from './responses-objects.js';
import { add, emptyAnswer, failureOf, type Answer } from './samples.js';
import type { Started, Service, Turn } from './service.js';

export interface TurnReader {
  event(event: ResponseEvent): void;
  /** All events have come; `conversation` can be continued. */
  end(response: ResponseObject, conversation: Conversation): void;
  fail(error: ApiError): void;
}

export interface TurnAsked {
  request: ResponsesRequest;
  /** What it continues. */
  before: Conversation | undefined;
  /** The session whose cache stays, of a connection that stays. */
  session?: number;
  unixSeconds: number;
  /** As of an `Ask`. */
  since: number;
}

export function notFound(id: string): ApiError {
  return new ApiError(400, `Previous response with id '${id.slice(0, 80)}' not found.`, {
    code: 'previous_response_not_found',
    param: 'previous_response_id',
  });
}

/** @throws ApiError if it cannot be begun */
export function startTurn(
  service: Service,
  { request, before, session, unixSeconds, since }: TurnAsked,
  reader: TurnReader,
): Started {
  const model = service.model.id;
  const { preface, input, sampling, generate } = request;
  const count = (messages: readonly Message[]) =>
    messages.length === 0 ? 0 : service.count({ messages });
  const prefaceTokens = count(preface);
  const isSame = before?.model === model;
  // Another model has tokens of its own.
  const spokenBefore = isSame ? before.spokenTokens : count(messagesOf(before));
  const spoken = spokenBefore + service.count({ messages: input });
  const promptTokens = prefaceTokens + spoken;
  const answer = emptyAnswer(promptTokens);
  const begun = responseObject(newId('resp_'), model, unixSeconds, request);
  const events = responseEvents((event) => reader.event(event));
  let first = true;
  const running = service.start(
    {
      prompt: { messages: [...preface, ...messagesOf(before), ...input] },
      promptTokens,
      sampling,
      sample: 0,
      generate,
      since,
      ...(session !== undefined && { turn: turnOf(session, isSame ? before : undefined, preface) }),
    },
    (delta) => {
      const { end } = delta;
      if (end !== undefined && !('finish' in end)) return reader.fail(failureOf(end));
      if (first) events.begin(begun);
      first = false;
      add(answer, delta, sampling.simulatedTimes);
      if (delta.text !== '') events.text(delta.text);
      for (const piece of delta.calls) events.call(piece);
      if (end === undefined) return;
      events.close(end.finish === 'length');
      const simulatedTimes = sampling.simulatedTimes;
      const response = endedResponse(begun, events.output, answer, { unixSeconds, simulatedTimes });
      events.end(response);
      reader.end(
        response,
        continued(before, {
          id: begun.id,
          preface,
          messages: [...input, ...answerMessages(answer)],
          spokenTokens: spoken + answer.tokens,
          tokens: promptTokens + answer.tokens,
          request: running.id,
          model,
        }),
      );
    },
  );
  return running;
}

/**
 * Tools and instructions are of one response, and stand in front: where they are others than those of the turn
 * before, nothing of its cache is of use.
 * @param before none where another model had the turn before, whose cache is of no use here
 */
function turnOf(session: number, before: Conversation | undefined, preface: Message[]): Turn {
  if (before === undefined || !isEqual(before.preface, preface))
    return { session, historyTokens: 0 };
  return { session, historyTokens: before.tokens, parent: before.request };
}

function isEqual(one: readonly Message[], other: readonly Message[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ role, text }, i) => role === other[i].role && text === other[i].text)
  );
}

function answerMessages({ text, calls }: Answer): Message[] {
  const said = calls.map(({ name, arguments: given }) => callText(name, given));
  if (text !== '') said.unshift(text);
  return said.map((one) => ({ role: 'assistant', text: one }));
}
