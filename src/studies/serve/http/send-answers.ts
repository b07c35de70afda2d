/** Answers to one request over HTTP: as a stream of events as they come, or whole. */
import type { ServerResponse } from 'node:http';
import { eventStream } from './event-stream.js';
import { startSamples, type Answer, type Samples } from './samples.js';
import { whenGone, type Exchange } from './exchange.js';
import type { Delta, Service } from './service.js';
import type { TimeInfo } from './usage.js';

/** How a route writes its answers. */
export interface AnswerShape {
  whole(answers: readonly Answer[]): object;
  chunk(index: number, delta: Delta, first: boolean): object;
  /** What ends a stream whose client wants to know how many tokens it had. */
  usage(answers: readonly Answer[]): object;
  timeInfo(answers: readonly Answer[]): TimeInfo;
}

export interface Asked extends Samples {
  stream: boolean;
  includeUsage: boolean;
}

/** @throws ApiError as long as nothing has been sent */
export function sendAnswers(
  { since, limits, response, fail }: Exchange,
  service: Service,
  asked: Asked,
  shape: AnswerShape,
): void {
  const stream = asked.stream ? eventStream(response, limits.unreadBytes) : undefined;
  const sent = new Set<number>();
  let open = asked.prompts.length * asked.samples;
  const { answers, cancel } = startSamples(service, { ...asked, since: since() }, limits, {
    delta(index, delta) {
      if (delta.end !== undefined) open--;
      if (stream === undefined) return;
      const chunk = shape.chunk(index, delta, !sent.has(index));
      sent.add(index);
      const last = open === 0 && !asked.includeUsage;
      const extra = asked.includeUsage ? { usage: null } : {};
      stream.send({ ...chunk, ...extra, ...(last && { time_info: shape.timeInfo(answers) }) });
    },
    end() {
      if (stream === undefined) return sendJson(response, 200, shape.whole(answers));
      if (asked.includeUsage) stream.send(shape.usage(answers));
      stream.send('[DONE]');
      stream.end();
    },
    fail,
  });
  whenGone(response, cancel);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed || response.writableEnded) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
