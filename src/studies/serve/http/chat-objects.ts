/** Objects of chat completions: https://platform.openai.com/docs/api-reference/chat/object */
import { newId } from './ids.js';
import type { Answer } from './samples.js';
import type { CallPiece, Delta } from './service.js';
import { choiceEnd, deltaEnd, timeInfoOf, usageOf } from './usage.js';
import type { ChoiceEnd, TimeInfo, Usage } from './usage.js';

/** What all objects of one answer share. */
export interface ChatHead {
  id: string;
  created: number;
  model: string;
}

interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export interface ChatCompletion extends ChatHead {
  object: 'chat.completion';
  choices: ({
    index: number;
    message: {
      role: 'assistant';
      content: string | null;
      refusal: null;
      tool_calls?: ToolCall[];
    };
  } & ChoiceEnd)[];
  usage: Usage;
  time_info: TimeInfo;
}

interface ChunkDelta {
  role?: 'assistant';
  content?: string;
  tool_calls?: (Partial<Omit<ToolCall, 'function'>> & {
    index: number;
    function: { name?: string; arguments: string };
  })[];
}

export interface ChatChunk extends ChatHead {
  object: 'chat.completion.chunk';
  choices: ({ index: number; delta: ChunkDelta } & ChoiceEnd)[];
  /** With `include_usage`: null but in the last chunk. */
  usage?: Usage | null;
  time_info?: TimeInfo;
}

export function chatCompletion(
  head: ChatHead,
  answers: readonly Answer[],
  simulatedTimes: boolean,
): ChatCompletion {
  return {
    ...head,
    object: 'chat.completion',
    choices: answers.map((answer, index) => ({
      index,
      message: {
        role: 'assistant',
        content: answer.text === '' && answer.calls.length > 0 ? null : answer.text,
        refusal: null,
        ...(answer.calls.length > 0 && { tool_calls: answer.calls.map(toolCall) }),
      },
      ...choiceEnd(answer, simulatedTimes),
    })),
    usage: usageOf(answers, answers.length),
    time_info: timeInfoOf(answers, head.created),
  };
}

function toolCall(call: Answer['calls'][number]): ToolCall {
  return { id: newId('call_'), type: 'function', function: call };
}

/** What is new of a choice; `first`: nothing of it has been sent before. */
export function chatChunk(
  head: ChatHead,
  index: number,
  delta: Delta,
  { first, simulatedTimes }: { first: boolean; simulatedTimes: boolean },
): ChatChunk {
  const { text, calls } = delta;
  return {
    ...head,
    object: 'chat.completion.chunk',
    choices: [
      {
        index,
        delta: {
          ...(first && { role: 'assistant' }),
          ...((text !== '' || calls.length === 0) && { content: text }),
          ...(calls.length > 0 && { tool_calls: calls.map(callDelta) }),
        },
        ...deltaEnd(delta, simulatedTimes),
      },
    ],
  };
}

function callDelta({ index, name, text }: CallPiece) {
  const call = { index, function: { ...(name !== undefined && { name }), arguments: text } };
  return name === undefined ? call : { ...call, id: newId('call_'), type: 'function' as const };
}

/** What ends a stream that says how many tokens it had. */
export function chatUsage(head: ChatHead, answers: readonly Answer[]): ChatChunk {
  return {
    ...head,
    object: 'chat.completion.chunk',
    choices: [],
    usage: usageOf(answers, answers.length),
    time_info: timeInfoOf(answers, head.created),
  };
}
