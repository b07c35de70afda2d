/**
 * Answers as a file has them, so that an agent's loop comes to an end: JSON lines with what the last message has
 * to contain (`match`; none fits any), whose it has to be (`role`), and a `text`, `tool_calls`, or both. The first
 * line that fits answers.
 */
import * as z from 'zod';
import { ConfigError, expected } from '../../../config/errors.js';
import { countBytes } from './count.js';
import { listed, piecesOf } from './listed.js';
import type { Asked, Message, TextSource, TextToken, ToolCall } from './source.js';

const text = z.string(expected('a text'));

const call = z.strictObject(
  {
    name: text,
    arguments: z.union(
      [z.string(), z.record(z.string(), z.unknown())],
      expected('a JSON object, or its text'),
    ),
  },
  expected('a mapping with name and arguments'),
);

const line = z
  .strictObject(
    {
      match: text.optional(),
      role: text.optional(),
      text: text.optional(),
      tool_calls: z.array(call, expected('a list of calls')).min(1).optional(),
    },
    expected('a JSON object with match, role, text or tool_calls'),
  )
  .refine(({ text: said, tool_calls: calls }) => said !== undefined || calls !== undefined, {
    message: 'expected text or tool_calls, found neither',
  });

type Line = z.infer<typeof line>;

/** What is said where no line fits. */
const NONE = 'No line of the script fits this message.';

/**
 * @param content of the file
 * @param file its name, for errors
 * @throws ConfigError one line on the first line that is none
 */
export function scriptSource(
  content: string,
  file: string,
  count: TextSource['count'] = countBytes,
): TextSource {
  const lines = linesOf(content, file);
  return {
    name: 'script',
    count,
    answer(asked) {
      const last = asked.prompt.messages.at(-1);
      return answerOf(lines.find((one) => fits(one, last)) ?? { text: NONE }, asked);
    },
    close: async () => {},
  };
}

function linesOf(content: string, file: string): Line[] {
  const lines = content.split('\n').flatMap((text, i) => {
    if (text.trim() === '') return [];
    const where = `${file}:${i + 1}`;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new ConfigError(`${where}: expected a JSON object, found ${text.slice(0, 60)}`);
    }
    const read = line.safeParse(json);
    if (read.success) return [read.data];
    const [{ path, message }] = read.error.issues;
    throw new ConfigError(
      [where, ...(path.length > 0 ? [path.join('.')] : []), message].join(': '),
    );
  });
  if (lines.length > 0) return lines;
  throw new ConfigError(
    `${file}: expected JSON lines such as {"match": "weather", "text": "It rains."}, found none`,
  );
}

function fits({ match = '', role }: Line, last: Message | undefined): boolean {
  return (last?.text ?? '').includes(match) && (role === undefined || role === last?.role);
}

function answerOf({ text = '', tool_calls: called = [] }: Line, asked: Asked) {
  const calls = called.map((call): ToolCall => {
    const { name, arguments: given } = call;
    return { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) };
  });
  const all = [
    ...piecesOf(text).map((piece): Omit<TextToken, 'id'> => ({ text: piece })),
    ...calls.flatMap((call, i) => tokensOf(call, i)),
  ].map((token, id) => ({ ...token, id }));
  // A line of no text still takes one token to say so.
  const whole = all.length > 0 ? all : [{ id: 0, text: '' }];
  const tokens = whole.slice(0, asked.maxTokens);
  return listed(tokens, { ends: tokens.length === whole.length, calls });
}

function tokensOf({ name, arguments: text }: ToolCall, call: number): Omit<TextToken, 'id'>[] {
  return [
    { text: name, call, isName: true },
    ...piecesOf(text).map((piece) => ({ text: piece, call })),
  ];
}
