/** Objects of the Responses API: https://platform.openai.com/docs/api-reference/responses/object */
import type { ResponsesRequest } from './responses-body.js';
import type { Answer } from './samples.js';
import { timeInfoOf, timesOf, usageOf, type SimulatedTimes, type TimeInfo } from './usage.js';

export interface OutputText {
  type: 'output_text';
  text: string;
  annotations: [];
  logprobs: [];
}

type Status = 'in_progress' | 'completed' | 'incomplete';

export interface MessageItem {
  type: 'message';
  id: string;
  role: 'assistant';
  status: Status;
  content: OutputText[];
}

export interface CallItem {
  type: 'function_call';
  id: string;
  call_id: string;
  name: string;
  arguments: string;
  status: Status;
}

export type OutputItem = MessageItem | CallItem;

export type ResponseObject = {
  id: string;
  object: 'response';
  created_at: number;
  completed_at: number | null;
  model: string;
  status: Status | 'failed';
  error: { code: string; message: string } | null;
  incomplete_details: { reason: 'max_output_tokens' } | null;
  output: OutputItem[];
  background: false;
  reasoning: { effort: null; summary: null };
  text: { format: { type: 'text' } };
  truncation: 'disabled';
  usage: ResponseUsage | null;
  time_info?: TimeInfo;
  simulated_times?: SimulatedTimes;
} & ResponsesRequest['repeated'];

export interface ResponseUsage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: 0 };
  total_tokens: number;
}

export function outputText(text: string): OutputText {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

/** A response that has just begun. */
export function responseObject(
  id: string,
  model: string,
  created: number,
  { repeated }: ResponsesRequest,
): ResponseObject {
  return {
    id,
    object: 'response',
    created_at: created,
    completed_at: null,
    model,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    output: [],
    background: false,
    reasoning: { effort: null, summary: null },
    text: { format: { type: 'text' } },
    truncation: 'disabled',
    usage: null,
    ...repeated,
  };
}

/** The same at its end. */
export function endedResponse(
  begun: ResponseObject,
  output: OutputItem[],
  answer: Answer,
  { unixSeconds, simulatedTimes }: { unixSeconds: number; simulatedTimes: boolean },
): ResponseObject {
  const cut = answer.finish === 'length';
  const usage = usageOf([answer], 1);
  return {
    ...begun,
    status: cut ? 'incomplete' : 'completed',
    completed_at: cut ? null : unixSeconds,
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    output,
    usage: {
      input_tokens: usage.prompt_tokens,
      input_tokens_details: usage.prompt_tokens_details,
      output_tokens: usage.completion_tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.total_tokens,
    },
    time_info: timeInfoOf([answer], begun.created_at),
    ...(simulatedTimes && { simulated_times: timesOf(answer) }),
  };
}
