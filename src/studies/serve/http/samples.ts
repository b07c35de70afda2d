/** The answers to one request: all samples of all its prompts run at once, and are given up together. */
import { ApiError, asApiError, badRequest, queueFull } from './api-error.js';
import type { Sampling } from './fields.js';
import type { HttpLimits } from './limits.js';
import type { Prompt } from '../text/source.js';
import type { AnswerEnd, Delta, Finish, Service, Started } from './service.js';
import type { Served } from '../../../serving/request.js';

/** An answer as far as it has come. */
export interface Answer {
  promptTokens: number;
  text: string;
  calls: { name: string; arguments: string }[];
  tokens: number;
  tokenNs: number[];
  finish?: Finish;
  served?: Served;
}

export interface Samples {
  prompts: readonly Prompt[];
  samples: number;
  sampling: Sampling;
  /** As of an `Ask`. */
  since?: number | undefined;
}

export interface Reader {
  /** What is new of answer `index`, which holds it already. */
  delta(index: number, delta: Delta): void;
  /** All answers are complete. */
  end(): void;
  /** Nothing more comes. */
  fail(error: ApiError): void;
}

/**
 * @returns the answers, and what gives them up
 * @throws ApiError if one of them cannot be begun; then none is
 */
export function startSamples(
  service: Service,
  { prompts, samples, sampling, since }: Samples,
  limits: HttpLimits,
  reader: Reader,
): { answers: Answer[]; cancel: () => void } {
  if (prompts.length * samples > limits.samples)
    throw badRequest(`Expected at most ${limits.samples} answers to a request.`, 'n');
  const running: Started[] = [];
  const answers: Answer[] = [];
  let open = prompts.length * samples;
  let over = false;
  const cancel = () => {
    over = true;
    for (const one of running) one.cancel();
  };
  const take = (index: number, delta: Delta) => {
    if (over) return;
    const { end } = delta;
    if (end !== undefined && !('finish' in end)) {
      cancel();
      return reader.fail(failureOf(end));
    }
    add(answers[index], delta, sampling.simulatedTimes);
    reader.delta(index, delta);
    if (end !== undefined && --open === 0 && !over) {
      over = true;
      reader.end();
    }
  };
  try {
    for (const prompt of prompts) {
      const promptTokens = service.count(prompt);
      for (let sample = 0; sample < samples; sample++) {
        const index = answers.push(emptyAnswer(promptTokens)) - 1;
        const ask = { prompt, promptTokens, sampling, sample, since };
        running.push(service.start(ask, (delta) => take(index, delta)));
      }
    }
  } catch (error) {
    cancel();
    throw asApiError(error);
  }
  return { answers, cancel };
}

export function emptyAnswer(promptTokens: number): Answer {
  return { promptTokens, text: '', calls: [], tokens: 0, tokenNs: [] };
}

/** Adds what is new to an answer. */
export function add(answer: Answer, delta: Delta, withTimes: boolean): void {
  answer.text += delta.text;
  answer.tokens += delta.tokens;
  if (withTimes) answer.tokenNs.push(...delta.tokenNs);
  for (const { index, name, text } of delta.calls) {
    answer.calls[index] ??= { name: name ?? '', arguments: '' };
    answer.calls[index].arguments += text;
  }
  if (delta.end !== undefined && 'finish' in delta.end) {
    answer.finish = delta.end.finish;
    answer.served = delta.end.served;
  }
}

/** Why there is no answer: the simulated server has turned it away, or its words could not be computed. */
export function failureOf(end: Exclude<AnswerEnd, { finish: Finish }>): ApiError {
  if ('failed' in end) return asApiError(end.failed);
  const { rejection: kind, reason = 'rejected' } = end.rejected;
  if (kind === 'queue') return queueFull(reason, 1);
  return new ApiError(400, reason, { code: 'context_length_exceeded' });
}
