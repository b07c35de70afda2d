/** Other clients: agents, the AI SDK, a parser of events, and the rules by which load generators read streams. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { generateText, jsonSchema, stepCountIs, streamText, tool as aiTool } from 'ai';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scriptSource } from '../src/studies/serve/text/script.js';
import { MODEL, startEndpoint, type Running } from './helpers/endpoint.js';

setTracingDisabled(true);

const SCRIPT = [
  { match: '21 degrees', role: 'tool', text: 'Warm enough.' },
  {
    match: 'walk',
    role: 'user',
    tool_calls: [{ name: 'temperature', arguments: { city: 'Bern' } }],
  },
  { text: 'I know of walks only.' },
];

let plain: Running;
let scripted: Running;
beforeAll(async () => {
  plain = await startEndpoint({ streamInterval: 1 });
  const lines = SCRIPT.map((line) => JSON.stringify(line)).join('\n');
  scripted = await startEndpoint({ text: scriptSource(lines, 'script.jsonl') });
});
afterAll(async () => {
  for (const one of [plain, scripted]) {
    await one.close();
  }
});

const schema = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const } },
  required: ['city'],
  additionalProperties: false as const,
};

describe('an agent of @openai/agents', () => {
  it.each([true, false])('uses its tool and ends, by responses: %s', async (useResponses) => {
    const asked: unknown[] = [];
    const temperature = tool({
      ...{ name: 'temperature', description: 'of a city', parameters: schema },
      execute: (given) => {
        asked.push(given);
        return 'It is 21 degrees.';
      },
    });
    const provider = new OpenAIProvider({
      ...{ apiKey: 'none', baseURL: `${scripted.url}/v1`, useResponses },
    });
    const runner = new Runner({ modelProvider: provider });
    const agent = new Agent({ name: 'guide', model: MODEL, tools: [temperature] });
    const result = await runner.run(agent, 'A walk?');
    expect(result.finalOutput).toBe('Warm enough.');
    expect(asked).toEqual([{ city: 'Bern' }]);
    const streamed = await runner.run(agent, 'A walk?', { stream: true });
    let text = '';
    for await (const piece of streamed.toTextStream()) text += piece;
    expect(text).toBe('Warm enough.');
    expect(result.rawResponses.every(({ usage }) => usage.outputTokens > 0)).toBe(true);
  });
});

describe("the AI SDK's openai-compatible provider", () => {
  const model = (running: Running) =>
    createOpenAICompatible({ name: 'wafersim', baseURL: `${running.url}/v1`, includeUsage: true })(
      MODEL,
    );

  it('generates and streams text, and says what was used', async () => {
    const whole = await generateText({
      model: model(plain),
      prompt: 'one two',
      maxOutputTokens: 4,
    });
    expect(whole.text).toBe(' w0 w1 w2 w3');
    expect(whole.finishReason).toBe('length');
    expect(whole.usage).toMatchObject({ inputTokens: 2, outputTokens: 4 });
    const stream = streamText({ model: model(plain), prompt: 'one two' });
    let text = '';
    for await (const piece of stream.textStream) text += piece;
    expect(text).toBe(' w0 w1 w2 w3 w4 w5 w6 w7 w8 w9');
    expect(await stream.usage).toMatchObject({ inputTokens: 2, outputTokens: 10 });
    expect(await stream.finishReason).toBe('stop');
  });

  it('runs a loop with a tool', async () => {
    const tools = {
      temperature: aiTool({
        description: 'of a city',
        inputSchema: jsonSchema<{ city: string }>(schema),
        execute: async () => 'It is 21 degrees.',
      }),
    };
    const stream = streamText({
      ...{ model: model(scripted), prompt: 'A walk?', tools, stopWhen: stepCountIs(5) },
    });
    expect(await stream.text).toBe('Warm enough.');
    expect((await stream.steps).map(({ finishReason }) => finishReason)).toEqual([
      'tool-calls',
      'stop',
    ]);
  });

  it('sees errors as such', async () => {
    const other = createOpenAICompatible({ name: 'wafersim', baseURL: `${plain.url}/v1` })('other');
    const asked = generateText({ model: other, prompt: 'x', maxRetries: 0 });
    await expect(asked).rejects.toMatchObject({ statusCode: 404 });
  });
});

/** The bytes of a stream, in the pieces in which they come. */
async function* bytesOf(path: string, fields: object): AsyncGenerator<string> {
  const response = await fetch(`${plain.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: MODEL, stream: true, stream_options: { include_usage: true }, ...fields },
    }),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>)
    yield decoder.decode(bytes, { stream: true });
}

const PART = [{ role: 'user', content: [{ type: 'text', text: 'one two three' }] }];
const CHAT = '/v1/chat/completions';

interface Data {
  object: string;
  choices?: { delta?: { content?: string }; text?: string }[];
  usage?: { completion_tokens: number } | null;
}

describe('streams', () => {
  it('are events to eventsource-parser, of a chat and of a response', async () => {
    const read = async (path: string, fields: object) => {
      const events: { event?: string | undefined; data: string }[] = [];
      const errors: unknown[] = [];
      const parser = createParser({
        onEvent: ({ event, data }) => void events.push({ event, data }),
        onError: (error) => void errors.push(error),
      });
      for await (const piece of bytesOf(path, fields)) parser.feed(piece);
      expect(errors).toEqual([]);
      return events;
    };
    const chat = await read(CHAT, { messages: PART });
    expect(chat.at(-1)?.data).toBe('[DONE]');
    expect(chat).toHaveLength(10 + 1 + 1);
    const response = await read('/v1/responses', { input: 'one' });
    for (const { event, data } of response) expect(JSON.parse(data)).toHaveProperty('type', event);
    expect(response.at(-1)?.event).toBe('response.completed');
  });

  // vllm/benchmarks/lib/endpoint_request_func.py: a chunk with choices is a token, one without says how many there were.
  it.each([
    ['/v1/completions', { prompt: 'one two three', max_tokens: 10, logprobs: null }],
    [CHAT, { messages: PART, max_completion_tokens: 10 }],
  ])('of %s are counted right by the rules of vllm bench serve', async (path, fields) => {
    let buffer = '';
    let text = '';
    let [chunks, tokens, first] = [0, 0, false];
    const message = (line: string) => {
      const chunk = line.replace(/^data:/, '').trim();
      if (chunk === '[DONE]') return;
      const { choices, usage } = JSON.parse(chunk) as Data;
      if (choices !== undefined && choices.length > 0) {
        chunks++;
        first ||= true;
        text += (path === CHAT ? choices[0].delta!.content : choices[0].text) ?? '';
      } else if (usage) tokens = usage.completion_tokens;
    };
    const all = { repetition_penalty: 1, ignore_eos: true, ...fields };
    for await (const piece of bytesOf(path, all)) {
      buffer += piece;
      for (let at = buffer.indexOf('\n\n'); at >= 0; at = buffer.indexOf('\n\n')) {
        for (const line of buffer.slice(0, at).trim().split('\n'))
          if (line.startsWith('data:')) message(line);
        buffer = buffer.slice(at + 2);
      }
    }
    expect([first, chunks, tokens]).toEqual([true, 10, 10]);
    expect(text.split(' ')).toHaveLength(11);
  });

  // aiperf/endpoints/openai_chat.py: what has an object, choices and content is a response; usage may come alone.
  it('of a chat are read right by the rules of AIPerf', async () => {
    const parsed: { content?: string | undefined; usage?: object | undefined }[] = [];
    let buffer = '';
    const all = { messages: PART, max_completion_tokens: 10 };
    for await (const piece of bytesOf(CHAT, all)) buffer += piece;
    for (const message of buffer.split('\n\n')) {
      const data = /^data: ?(.*)$/m.exec(message)?.[1];
      if (data === undefined || data === '[DONE]') continue;
      const json = JSON.parse(data) as Data;
      const isChunk = json.object === 'chat.completion.chunk' && (json.choices ?? []).length > 0;
      const content = isChunk ? (json.choices![0].delta?.content ?? '') : '';
      const usage = json.usage ?? undefined;
      if (content !== '' || usage !== undefined) parsed.push({ content, usage });
    }
    const withContent = parsed.filter(({ content }) => content !== '');
    expect(withContent).toHaveLength(10);
    expect(parsed.at(-1)).toMatchObject({ content: '', usage: { completion_tokens: 10 } });
    expect(parsed).toHaveLength(11);
  });
});
