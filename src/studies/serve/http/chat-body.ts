/** The body of `POST /v1/chat/completions`: https://platform.openai.com/docs/api-reference/chat/create */
import * as z from 'zod';
import { callText, content, textOf } from './content.js';
import { flag, parsed, sampling, samplingOf, text, tokens, type Sampling } from './fields.js';
import type { Message, Prompt } from '../text/source.js';

const call = z.looseObject({
  function: z.looseObject({ name: text, arguments: text.nullish() }).nullish(),
});

const message = z.looseObject(
  {
    role: text,
    content: content.nullish(),
    tool_calls: z.array(call, { error: 'expected a list of calls' }).nullish(),
  },
  { error: 'expected a message' },
);

const body = z.object(
  {
    ...sampling,
    messages: z
      .array(message, { error: 'expected a list of messages' })
      .min(1, { error: 'expected at least one message' }),
    max_completion_tokens: tokens,
    tools: z.array(z.unknown(), { error: 'expected a list of tools' }).nullish(),
    parallel_tool_calls: flag,
  },
  { error: 'expected an object' },
);

export interface ChatRequest {
  model: string | undefined;
  prompt: Prompt;
  samples: number;
  sampling: Sampling;
  stream: boolean;
  includeUsage: boolean;
}

/** @throws ApiError (400) */
export function chatRequest(given: unknown): ChatRequest {
  const chat = parsed(body, given);
  const max = chat.max_completion_tokens ?? chat.max_tokens;
  return {
    model: chat.model ?? undefined,
    prompt: { messages: [...toolsOf(chat.tools), ...chat.messages.map(messageOf)] },
    samples: chat.n ?? 1,
    sampling: samplingOf({ ...chat, max_tokens: max }),
    stream: chat.stream ?? false,
    includeUsage: chat.stream_options?.include_usage ?? false,
  };
}

function messageOf(given: z.infer<typeof message>, index: number): Message {
  const calls = (given.tool_calls ?? []).map(({ function: called }) =>
    callText(called?.name ?? '', called?.arguments ?? ''),
  );
  const said = textOf(given.content, `messages[${index}].content`);
  return { role: given.role, text: [said, ...calls].filter((one) => one !== '').join('\n') };
}

/** Descriptions of tools stand in front of a conversation, as the model reads them. */
export function toolsOf(tools: readonly unknown[] | null | undefined): Message[] {
  if (tools === null || tools === undefined || tools.length === 0) return [];
  return [{ role: 'system', text: JSON.stringify(tools) }];
}
