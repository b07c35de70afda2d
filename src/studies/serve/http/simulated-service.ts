/** Answers from a simulated server at its pace, with words from a source of text. */
import type { Driver, Token } from '../../../serving/driver.js';
import type { Request } from '../../../serving/request.js';
import { answering, type Answering, type StreamInterval } from './answering.js';
import { badRequest, contextTooLong, queueFull } from './api-error.js';
import type { Sampling } from './fields.js';
import type { HttpLimits } from './limits.js';
import { count, countFinish, countServed, createMetrics, type Metrics } from './metrics.js';
import { createPace, type PaceOptions, type Recipient } from './pace.js';
import type { AnswerEnd, Ask, Delta, ServedModel, Service } from './service.js';
import { stopText } from './stop-text.js';
import { ModelError } from '../../../model/errors.js';
import type { Answer, Asked, TextSource } from '../text/source.js';

export interface ServiceOptions extends Omit<PaceOptions, 'onLag'> {
  driver: Driver;
  model: ServedModel;
  text: TextSource;
  streamInterval: StreamInterval;
  limits: HttpLimits;
  /** The number of the next request, above all before; shared where several models are served. */
  nextId?: () => number;
}

interface Running {
  recipient: Answering;
  /** Of its answer, at most. */
  tokens: number;
}

export interface SimulatedService extends Service {
  /** Answers that have not ended. */
  open(): number;
  /** Answers that are over, by why they ended. */
  finished(): Record<string, number>;
  /** Gives up what runs, and stops the clock. */
  stop(): void;
}

export function simulatedService(options: ServiceOptions): SimulatedService {
  const { driver, model, text, streamInterval, limits } = options;
  const metrics = createMetrics();
  const lag = (seconds: number) => count(metrics, 'wafersim:delivery_lag_seconds', seconds);
  const pace = createPace({ ...options, onLag: lag });
  const running = new Map<number, Running>();
  let promised = 0;
  const nextId = options.nextId ?? counter();
  /** Sessions that may keep something here. */
  const sessions = new Set<number>();

  const remove = (id: number) => {
    const one = running.get(id);
    promised -= one?.tokens ?? 0;
    running.delete(id);
    return one;
  };
  const cancel = (id: number) => {
    const one = remove(id);
    if (one === undefined) return;
    one.recipient.close();
    countFinish(metrics, 'abort');
    pace.cancel(id);
  };
  const start = (ask: Ask, take: (delta: Delta) => void) => {
    if (running.size >= limits.responses)
      throw queueFull(`${running.size} responses are open already`, 1);
    const maxTokens = outputTokens(model, ask);
    const { sampling, sample, generate = true } = ask;
    const { seed, ignoreEos, stops } = sampling;
    const asked = { prompt: ask.prompt, maxTokens, seed, choice: sample, ignoreEos };
    const words = generate ? answerOf(text, asked) : undefined;
    const tokens = lengthOf(words, maxTokens, stops);
    if (promised + tokens > limits.tokens)
      throw queueFull(`Answers of ${promised} tokens are being written already`, 1);
    const id = nextId();
    if (ask.turn !== undefined) sessions.add(ask.turn.session);
    const recipient = answering({
      ...{ words, stops, streamInterval },
      take(delta) {
        if (delta.end !== undefined) ended(id, delta.end);
        take(delta);
      },
      finish: () => pace.finish(id),
      onWord: (ns) => pace.handedLate(ns),
      fail(error) {
        cancel(id);
        take({ text: '', calls: [], tokens: 0, tokenNs: [], end: { failed: error } });
      },
    });
    pace.submit(requestOf(id, ask, tokens), counting(metrics, recipient), ask.since);
    count(metrics, 'vllm:request_params_max_tokens', maxTokens);
    running.set(id, { recipient, tokens });
    promised += tokens;
    return { id, cancel: () => cancel(id) };
  };
  const ended = (id: number, end: AnswerEnd) => {
    remove(id);
    if (!('finish' in end)) return countFinish(metrics, 'error');
    countFinish(metrics, end.finish);
    countServed(metrics, end.served);
  };
  return {
    model,
    clock: options.now,
    count: (prompt) => text.count(prompt).tokens,
    start,
    closeSession(session) {
      if (sessions.delete(session)) pace.closeSession(session);
    },
    measured: () => ({ model, metrics, status: driver.status() }),
    open: () => running.size,
    finished: () => ({ ...metrics.finished }),
    stop() {
      for (const id of [...running.keys()]) cancel(id);
      pace.stop();
    },
  };
}

/** 0, 1, 2, ... */
export function counter(): () => number {
  let next = 0;
  return () => next++;
}

/** @throws ApiError on token ids that the model does not have */
function answerOf(text: TextSource, asked: Asked): Answer {
  try {
    return text.answer(asked);
  } catch (error) {
    if (error instanceof ModelError) throw badRequest(error.message, 'prompt');
    throw error;
  }
}

/** Tokens that an answer may have. @throws ApiError if the context has no room for them */
function outputTokens({ maxModelLen }: ServedModel, ask: Ask): number {
  const { promptTokens, sampling, generate = true } = ask;
  if (!generate) {
    if (promptTokens > maxModelLen) throw contextTooLong(maxModelLen, promptTokens, 0, 'input');
    return 0;
  }
  const room = maxModelLen - promptTokens;
  // Where the request does not say: as many as there is room for, at least one.
  const asked = sampling.maxTokens ?? Math.max(1, Math.min(room, sampling.defaultTokens ?? room));
  if (asked > room) throw contextTooLong(maxModelLen, promptTokens, asked, 'prompt');
  return asked;
}

/** Tokens up to the end of the text, a stop string or the limit, where that is known ahead; else the limit. */
function lengthOf(words: Answer | undefined, most: number, stops: Sampling['stops']): number {
  if (words === undefined) return 0;
  if (words.tokens === undefined) return most;
  const stop = stopText(stops);
  const stopped = words.tokens.findIndex(
    ({ text, call }) => call === undefined && stop.push(text).stopped,
  );
  // Whatever is said takes at least a token.
  return Math.max(1, stopped < 0 ? words.tokens.length : stopped + 1);
}

function requestOf(id: number, { promptTokens, turn }: Ask, tokens: number): Request {
  const request = {
    id,
    arrivalNs: 0,
    promptTokens: Math.max(1, promptTokens),
    outputTokens: tokens,
  };
  return turn === undefined ? request : { ...request, ...turn, keep: true };
}

/** The same with its tokens counted. */
function counting(metrics: Metrics, recipient: Recipient): Recipient {
  let before = NaN;
  return {
    token(token: Token) {
      if (token.index >= 0) metrics.generationTokens++;
      if (token.index > 0)
        count(metrics, 'vllm:inter_token_latency_seconds', (token.ns - before) / 1e9);
      before = token.ns;
      recipient.token(token);
    },
    flush: () => recipient.flush(),
  };
}
