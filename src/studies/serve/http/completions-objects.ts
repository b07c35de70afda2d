/** Objects of completions: https://platform.openai.com/docs/api-reference/completions/object */
import type { Answer } from './samples.js';
import type { Delta } from './service.js';
import { choiceEnd, deltaEnd, timeInfoOf, usageOf } from './usage.js';
import type { ChoiceEnd, TimeInfo, Usage } from './usage.js';

export interface CompletionHead {
  id: string;
  object: 'text_completion';
  created: number;
  model: string;
}

interface CompletionChoice extends ChoiceEnd {
  index: number;
  text: string;
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
      ...choiceEnd(answer, simulatedTimes),
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
  delta: Delta,
  simulatedTimes: boolean,
): Completion {
  const { text, calls } = delta;
  const called = calls.map(({ name = '', text: given }) => name + given).join('');
  return {
    ...head,
    choices: [
      {
        index,
        text: text + called,
        ...deltaEnd(delta, simulatedTimes),
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
