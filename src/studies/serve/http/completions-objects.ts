/** Objects of completions: https://platform.openai.com/docs/api-reference/completions/object */
import { timesOf } from './chat-objects.js';
import type { Answer } from './samples.js';
import type { Delta, Finish } from './service.js';
import { timeInfoOf, usageOf } from './usage.js';
import type { SimulatedTimes, TimeInfo, Usage } from './usage.js';

export interface CompletionHead {
  id: string;
  object: 'text_completion';
  created: number;
  model: string;
}

interface CompletionChoice {
  index: number;
  text: string;
  logprobs: null;
  finish_reason: Finish | null;
  simulated_times?: SimulatedTimes;
}

export interface Completion extends CompletionHead {
  choices: CompletionChoice[];
  /** In a stream with `include_usage`: null but in the last chunk. */
  usage?: Usage | null;
  time_info?: TimeInfo;
}

/** All answers: `samples` to each prompt. */
export function completion(
  head: CompletionHead,
  answers: readonly Answer[],
  samples: number,
  simulatedTimes: boolean,
): Completion {
  return {
    ...completionUsage(head, answers, samples),
    choices: answers.map((answer, index) => ({
      index,
      text: written(answer),
      logprobs: null,
      finish_reason: answer.finish ?? null,
      ...(simulatedTimes && { simulated_times: timesOf(answer) }),
    })),
  };
}

/** This route knows no calls of tools: they are text here. */
function written({ text, calls }: Answer): string {
  return text + calls.map(({ name, arguments: given }) => name + given).join('');
}

/** What is new of a choice. */
export function completionChunk(
  head: CompletionHead,
  index: number,
  { text, calls, tokenNs, end }: Delta,
  simulatedTimes: boolean,
): Completion {
  const ended = end !== undefined && 'finish' in end ? end : undefined;
  const called = calls.map(({ name = '', text: given }) => name + given).join('');
  return {
    ...head,
    choices: [
      {
        index,
        text: text + called,
        logprobs: null,
        finish_reason: ended?.finish ?? null,
        ...(simulatedTimes && {
          simulated_times: {
            ...(ended && { arrival_ns: ended.served.arrivalNs }),
            token_ns: tokenNs,
          },
        }),
      },
    ],
  };
}

export function completionUsage(
  head: CompletionHead,
  answers: readonly Answer[],
  samples: number,
): Completion {
  return {
    ...head,
    choices: [],
    usage: usageOf(answers, samples),
    time_info: timeInfoOf(answers, head.created),
  };
}
