/** The body of `POST /v1/responses` and of `response.create`: https://platform.openai.com/docs/api-reference/responses/create */
import * as z from 'zod';
import { toolsOf } from './chat-body.js';
import { callText, content, textOf } from './content.js';
import { flag, parsed, sampling, samplingOf, text, tokens, type Sampling } from './fields.js';
import type { Message } from '../text/source.js';

/** Any item of a conversation; which of its fields there are depends on its type. */
const item = z.looseObject(
  {
    type: text.nullish(),
    role: text.nullish(),
    content: content.nullish(),
    name: text.nullish(),
    arguments: text.nullish(),
    output: content.nullish(),
    summary: content.nullish(),
  },
  { error: 'expected an item' },
);

const fields = {
  model: sampling.model,
  seed: sampling.seed,
  stream: flag,
  ignore_eos: flag,
  simulated_times: flag,
  input: z.union([text, z.array(item)], { error: 'expected a text or a list of items' }).nullish(),
  instructions: text.nullish(),
  previous_response_id: text.nullish(),
  max_output_tokens: tokens,
  tools: z.array(z.unknown(), { error: 'expected a list of tools' }).nullish(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: flag,
  metadata: z.record(z.string(), text, { error: 'expected texts by name' }).nullish(),
  temperature: z.number({ error: 'expected a number' }).nullish(),
  top_p: z.number({ error: 'expected a number' }).nullish(),
  store: flag,
  background: flag,
  generate: flag,
};

const body = z.object(fields, { error: 'expected an object' });

export interface ResponsesRequest {
  model: string | undefined;
  /** Tools and instructions, which stand in front of the conversation, and what this turn adds to it. */
  preface: Message[];
  input: Message[];
  previous: string | undefined;
  sampling: Sampling;
  stream: boolean;
  store: boolean;
  generate: boolean;
  /** Fields that a response repeats. */
  repeated: ReturnType<typeof repeatedOf>;
}

/** @throws ApiError (400) */
export function responsesRequest(given: unknown): ResponsesRequest {
  const asked = parsed(body, given);
  const instructions = asked.instructions ?? '';
  return {
    model: asked.model ?? undefined,
    preface: [
      ...toolsOf(asked.tools),
      ...(instructions === '' ? [] : [{ role: 'developer', text: instructions }]),
    ],
    input: inputOf(asked.input),
    previous: asked.previous_response_id ?? undefined,
    sampling: samplingOf({
      ...asked,
      max_tokens: asked.max_output_tokens,
      stop: undefined,
      stream_options: undefined,
    }),
    stream: asked.stream ?? false,
    store: asked.store ?? true,
    generate: asked.generate ?? true,
    repeated: repeatedOf(asked),
  };
}

function repeatedOf(asked: z.infer<typeof body>) {
  return {
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    metadata: asked.metadata ?? {},
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: asked.previous_response_id ?? null,
    store: asked.store ?? true,
    temperature: asked.temperature ?? null,
    tool_choice: asked.tool_choice ?? 'auto',
    tools: asked.tools ?? [],
    top_p: asked.top_p ?? null,
  };
}

function inputOf(input: z.infer<typeof body>['input']): Message[] {
  if (typeof input === 'string') return [{ role: 'user', text: input }];
  return (input ?? []).map((one, index) => {
    const param = `input[${index}]`;
    switch (one.type ?? 'message') {
      case 'function_call':
        return { role: 'assistant', text: callText(one.name ?? '', one.arguments ?? '') };
      case 'function_call_output':
        return { role: 'tool', text: textOf(one.output, `${param}.output`) };
      case 'reasoning':
        return { role: 'assistant', text: textOf(one.summary, `${param}.summary`) };
      default:
        return { role: one.role ?? 'user', text: textOf(one.content, `${param}.content`) };
    }
  });
}
