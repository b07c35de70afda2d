/** Fields that bodies of several routes have, and how they are read: unknown ones are ignored, `null` is absence. */
import * as z from 'zod';
import { badRequest } from './api-error.js';

/** @throws ApiError (400) that names the first field that is wrong */
export function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const { path, message } = deepest(result.error.issues[0]);
  const field = path.reduce<string>(
    (text, key) =>
      typeof key === 'number'
        ? `${text}[${key}]`
        : text === ''
          ? String(key)
          : `${text}.${String(key)}`,
    '',
  );
  if (field === '') throw badRequest(`Invalid body: ${message}`);
  throw badRequest(`Invalid value for '${field}': ${message}`, field);
}

type Issue = Pick<z.core.$ZodIssue, 'path' | 'message'>;

/** Of alternatives, what is wrong with the one that was closest. */
function deepest(issue: z.core.$ZodIssue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors
    .flatMap((issues) => issues.map(deepest))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  if (inner === undefined || inner.path.length === 0) return issue;
  return { path: [...issue.path, ...inner.path], message: inner.message };
}

const MOST_TOKENS = 1e9;

const expected = (what: string) => ({ error: `expected ${what}` });

export const flag = z.boolean(expected('true or false')).nullish();
export const text = z.string(expected('a text'));
export const tokens = z
  .int(expected('a whole number of tokens'))
  .min(1, expected('at least 1'))
  .max(MOST_TOKENS, expected(`at most ${MOST_TOKENS}`))
  .nullish();
export const tokenId = z
  .int(expected('a token id'))
  .min(0, expected('a token id'))
  .max(2 ** 31);

const MOST_STOPS = 64;
const stopText = text.min(1, expected('a text that is not empty')).max(1024);

/** What chat and completions have in common. */
export const sampling = {
  model: text.nullish(),
  stream: flag,
  stream_options: z.object({ include_usage: flag }, expected('an object')).nullish(),
  max_tokens: tokens,
  stop: z
    .union([stopText, z.array(stopText).max(MOST_STOPS)], expected('a text or a list of texts'))
    .nullish(),
  n: z.int(expected('a whole number')).min(1, expected('at least 1')).nullish(),
  seed: z.number(expected('a number')).nullish(),
  ignore_eos: flag,
  simulated_times: flag,
};

/** How an answer is to be made, whatever the route. */
export interface Sampling {
  /** At most so many tokens, where the request says. */
  maxTokens: number | undefined;
  /** Where the request does not say, as many, or as many as there is room for. */
  defaultTokens?: number;
  stops: readonly string[];
  seed: number | undefined;
  /** Go on to the last token, whether the text has come to its end or not. */
  ignoreEos: boolean;
  /** Whether the answer says when each token came. */
  simulatedTimes: boolean;
}

type SamplingBody = z.infer<z.ZodObject<typeof sampling>>;

export function samplingOf(body: Omit<SamplingBody, 'model' | 'n'>): Sampling {
  const { stop, seed, ignore_eos, simulated_times, max_tokens } = body;
  return {
    maxTokens: max_tokens ?? undefined,
    stops: typeof stop === 'string' ? [stop] : (stop ?? []),
    seed: seed ?? undefined,
    ignoreEos: ignore_eos ?? false,
    simulatedTimes: simulated_times ?? false,
  };
}
