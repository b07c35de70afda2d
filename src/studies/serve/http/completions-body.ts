/** The body of `POST /v1/completions`: https://platform.openai.com/docs/api-reference/completions/create */
import * as z from 'zod';
import { parsed, sampling, samplingOf, text, tokenId, type Sampling } from './fields.js';
import type { Prompt } from '../text/source.js';

const PROMPT = 'a text, a list of texts, token ids, or a list of them';
const ids = z.array(tokenId).min(1);

const body = z.object(
  {
    ...sampling,
    prompt: z
      .union([text, z.array(text).min(1), ids, z.array(ids).min(1)], {
        error: `expected ${PROMPT}`,
      })
      .nullish(),
  },
  { error: 'expected an object' },
);

export interface CompletionsRequest {
  model: string | undefined;
  prompts: Prompt[];
  samples: number;
  sampling: Sampling;
  stream: boolean;
  includeUsage: boolean;
}

/** Tokens of an answer where the request does not say, as OpenAI has it. */
const DEFAULT_TOKENS = 16;

/** @throws ApiError (400) */
export function completionsRequest(given: unknown): CompletionsRequest {
  const asked = parsed(body, given);
  return {
    model: asked.model ?? undefined,
    prompts: promptsOf(asked.prompt),
    samples: asked.n ?? 1,
    sampling: { ...samplingOf(asked), defaultTokens: DEFAULT_TOKENS },
    stream: asked.stream ?? false,
    includeUsage: asked.stream_options?.include_usage ?? false,
  };
}

function promptsOf(prompt: z.infer<typeof body>['prompt']): Prompt[] {
  if (typeof prompt === 'string' || prompt === null || prompt === undefined)
    return [ofText(prompt ?? '')];
  if (typeof prompt[0] === 'number') return [{ ids: prompt as number[], messages: [] }];
  return prompt.map((one) =>
    Array.isArray(one) ? { ids: one, messages: [] } : ofText(one as string),
  );
}

function ofText(prompt: string): Prompt {
  return { messages: [{ role: 'user', text: prompt }] };
}
