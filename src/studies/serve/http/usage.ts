/** What answers say of tokens and of simulated time. */
import type { Served } from '../../../serving/request.js';
import type { Answer } from './samples.js';
import type { Delta, Finish } from './service.js';

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number };
}

/** Samples of a prompt share it: it counts once. */
export function usageOf(answers: readonly Answer[], samples: number): Usage {
  let [prompt, cached, completion] = [0, 0, 0];
  answers.forEach(({ promptTokens, served, tokens }, i) => {
    if (i % samples === 0) {
      prompt += promptTokens;
      cached += served?.cachedTokens ?? 0;
    }
    completion += tokens;
  });
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

/** Seconds of simulated time in each part of a request, as inference services on wafers name them. */
export interface TimeInfo {
  queue_time: number;
  prompt_time: number;
  completion_time: number;
  /** On the simulated network and in the simulated server's work outside the model. */
  transport_time: number;
  total_time: number;
  created: number;
}

/** Of several samples, that which took longest. */
export function timeInfoOf(answers: readonly Answer[], created: number): TimeInfo {
  const total = ({ queueNs, prefillNs, decodeNs, transportNs }: Served) =>
    queueNs + prefillNs + decodeNs + transportNs;
  const [longest] = answers
    .flatMap(({ served }) => served ?? [])
    .toSorted((a, b) => total(b) - total(a));
  return {
    queue_time: longest.queueNs / 1e9,
    prompt_time: longest.prefillNs / 1e9,
    completion_time: longest.decodeNs / 1e9,
    transport_time: longest.transportNs / 1e9,
    total_time: total(longest) / 1e9,
    created,
  };
}

/** Instants of simulated time, in ns since the endpoint began to serve. */
export interface SimulatedTimes {
  arrival_ns?: number;
  token_ns: readonly number[];
}

/** Tokens of an answer, all or some, and how it ended if these are its last. */
type Said = Pick<Answer, 'finish' | 'served'> & { tokenNs: readonly number[] };

export function timesOf({ served, tokenNs }: Said): SimulatedTimes {
  return { ...(served && { arrival_ns: served.arrivalNs }), token_ns: tokenNs };
}

/** The last fields of a choice. */
export interface ChoiceEnd {
  logprobs: null;
  finish_reason: Finish | null;
  simulated_times?: SimulatedTimes;
}

export function choiceEnd(said: Said, simulatedTimes: boolean): ChoiceEnd {
  return {
    logprobs: null,
    finish_reason: said.finish ?? null,
    ...(simulatedTimes && { simulated_times: timesOf(said) }),
  };
}

/** What is new of a choice, its end included. */
export function deltaEnd({ tokenNs, end }: Delta, simulatedTimes: boolean): ChoiceEnd {
  const ended = end !== undefined && 'finish' in end ? end : {};
  return choiceEnd({ tokenNs, ...ended }, simulatedTimes);
}
