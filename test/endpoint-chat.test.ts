/** Chat completions as the client of OpenAI sees them. */
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, saying, startEndpoint, words, type Running } from './helpers/endpoint.js';

let running: Running;
beforeAll(async () => void (running = await startEndpoint()));
afterAll(() => running.close());

type Chunk = OpenAI.ChatCompletionChunk;
type Params = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, 'model' | 'stream'>;

const hello = [{ role: 'user' as const, content: 'hello there my friend' }];
const WHOLE = ' w0 w1 w2 w3 w4 w5 w6 w7 w8 w9';

const create = (params: Partial<Params> & Record<string, unknown> = {}) =>
  running.client.chat.completions.create({ model: MODEL, messages: hello, ...params });

async function stream(params: Record<string, unknown> = {}, from = running): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  const body = { model: MODEL, messages: hello, ...params, stream: true as const };
  for await (const chunk of await from.client.chat.completions.create(body)) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks: Chunk[], index = 0) =>
  chunks
    .flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
    .map(({ delta }) => delta.content ?? '')
    .join('');

describe('a whole chat completion', () => {
  it('has its text, why it ended, what it used and its simulated times', async () => {
    const answer = await create();
    expect(answer).toMatchObject({ object: 'chat.completion', model: MODEL });
    expect(answer.choices[0].message).toEqual({ role: 'assistant', content: WHOLE, refusal: null });
    expect(answer.choices[0].finish_reason).toBe('stop');
    expect(answer.usage).toMatchObject({
      prompt_tokens: 4,
      completion_tokens: 10,
      total_tokens: 14,
    });
    // 4 tokens of prompt pass at 0.02 ms each, the last takes the whole pipeline; then 9 tokens at 0.2 ms.
    const { time_info } = answer as unknown as { time_info: Record<string, number> };
    expect(time_info['queue_time']).toBe(0);
    expect(time_info['prompt_time']).toBeCloseTo(0.00026, 9);
    expect(time_info['completion_time']).toBeCloseTo(0.0018, 9);
    expect(time_info['total_time']).toBeCloseTo(0.00206, 9);
  });

  it('ends at max_tokens, and max_completion_tokens goes before it', async () => {
    const short = await create({ max_tokens: 3 });
    expect(short.choices[0]).toMatchObject({
      message: { content: ' w0 w1 w2' },
      finish_reason: 'length',
    });
    const shorter = await create({ max_tokens: 5, max_completion_tokens: 2 });
    expect(shorter.choices[0].message.content).toBe(' w0 w1');
    expect(shorter.usage?.completion_tokens).toBe(2);
  });

  it('goes on to max_tokens where the end is to be ignored', async () => {
    const answer = await create({ max_tokens: 20, ignore_eos: true });
    expect(answer.usage?.completion_tokens).toBe(20);
    expect(answer.choices[0].finish_reason).toBe('length');
  });

  it('ends before a stop string, of which it shows nothing', async () => {
    const answer = await create({ stop: 'w3 w4' });
    expect(answer.choices[0]).toMatchObject({
      message: { content: ' w0 w1 w2 ' },
      finish_reason: 'stop',
    });
    // The token that completes the stop string was made; none after it.
    expect(answer.usage?.completion_tokens).toBe(5);
    const first = await create({ stop: ['w8', 'w2'] });
    expect(first.choices[0].message.content).toBe(' w0 w1 ');
  });

  it('ends on the wafer with the token that completes a stop string, and says so', async () => {
    // All tokens that there could be are due with the first tick.
    const other = await startEndpoint({ speed: 1000 });
    const answer = await other.client.chat.completions.create({
      ...{ model: MODEL, messages: hello, stop: 'w3 w4', max_tokens: 20 },
      ...({ ignore_eos: true } as object),
    });
    expect(answer.choices[0].finish_reason).toBe('stop');
    const metrics = await (await fetch(`${other.url}/metrics`)).text();
    expect(metrics).toMatch(/^vllm:generation_tokens_total\{.*\} 5$/m);
    await other.close();
  });

  it('has n choices, whose prompt counts once', async () => {
    const answer = await create({ n: 3, max_tokens: 2 });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(answer.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 6 });
  });

  it('reads content as text, as parts and as what tools said', async () => {
    const messages = [
      { role: 'system', content: [{ type: 'text', text: 'be brief' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'one two' },
          { type: 'text', text: ' three' },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: 'four five' },
    ] as Params['messages'];
    const answer = await create({ messages });
    expect(answer.usage?.prompt_tokens).toBe(2 + 3 + 1 + 2);
  });

  it('tells when each token came, if it is asked to', async () => {
    const answer = await create({ simulated_times: true, max_tokens: 3 });
    const { arrival_ns: arrival, token_ns: tokens } = (
      answer.choices[0] as unknown as {
        simulated_times: { arrival_ns: number; token_ns: number[] };
      }
    ).simulated_times;
    expect(tokens.map((ns) => ns - arrival)).toEqual([260_000, 460_000, 660_000]);
    expect((await create()).choices[0]).not.toHaveProperty('simulated_times');
  });

  it('ignores fields that it does not know, and null', async () => {
    const answer = await create({
      temperature: 2,
      logit_bias: { 1: 2 },
      stop: null,
      strange: [[]],
    });
    expect(answer.choices[0].message.content).toBe(WHOLE);
  });
});

describe('a chat completion as a stream', () => {
  it('has its role in the first content chunk, its end in the last, and no chunk without tokens', async () => {
    const chunks = await stream();
    expect(textOf(chunks)).toBe(WHOLE);
    expect(chunks.every(({ choices }) => choices.length === 1 && choices[0].delta.content)).toBe(
      true,
    );
    expect(chunks.map(({ choices }) => choices[0].delta.role !== undefined).indexOf(true)).toBe(0);
    expect(chunks.filter(({ choices }) => choices[0].delta.role !== undefined)).toHaveLength(1);
    expect(chunks.map(({ choices }) => choices[0].finish_reason)).toEqual([
      ...chunks.slice(1).map(() => null),
      'stop',
    ]);
    expect(chunks.at(-1)).toHaveProperty('time_info.completion_time', 0.0018);
    expect(chunks.every(({ usage }) => usage === undefined)).toBe(true);
  });

  it('says what it used in a chunk without choices, if it is asked to', async () => {
    const chunks = await stream({ stream_options: { include_usage: true } });
    const last = chunks.at(-1)!;
    expect(last.choices).toEqual([]);
    expect(last.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 10 });
    expect(last).toHaveProperty('time_info');
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
  });

  it('sends nothing of a stop string that comes in several chunks', async () => {
    const chunks = await stream({ stop: ['w3 w4 w5 w6'] });
    expect(textOf(chunks)).toBe(' w0 w1 w2 ');
    expect(chunks.at(-1)!.choices[0].finish_reason).toBe('stop');
  });

  it('sends the beginning of a stop string that does not come to its end', async () => {
    const chunks = await stream({ stop: ['w3 w5', 'w9 w10'] });
    expect(textOf(chunks)).toBe(WHOLE);
  });

  it('mixes the chunks of n choices', async () => {
    const chunks = await stream({ n: 2, max_tokens: 4 });
    expect([textOf(chunks, 0), textOf(chunks, 1)]).toEqual([' w0 w1 w2 w3', ' w0 w1 w2 w3']);
    const ends = chunks.filter(({ choices }) => choices[0].finish_reason !== null);
    expect(ends.map(({ choices }) => choices[0].index)).toEqual([0, 1]);
  });

  it('has a token in an event with --stream-interval 1, and so many with another', async () => {
    for (const streamInterval of [1, 4]) {
      const other = await startEndpoint({ streamInterval });
      const chunks = await stream({}, other);
      const sizes = chunks.map(({ choices }) => choices[0].delta.content!.split(' ').length - 1);
      expect(sizes).toEqual(streamInterval === 1 ? Array(10).fill(1) : [1, 4, 4, 1]);
      await other.close();
    }
  });

  it('has several in an event where more than one is due', async () => {
    // 5 simulated ms, a thousand times as fast, are over with the first tick.
    const other = await startEndpoint({ speed: 1000, text: words(25) });
    const chunks = await stream({}, other);
    expect(chunks.length).toBeLessThan(5);
    expect(textOf(chunks).split(' ')).toHaveLength(26);
    await other.close();
  });
});

describe('calls of tools', () => {
  const calls = [
    { name: 'weather', arguments: '{"city":"Zurich"}' },
    { name: 'time', arguments: '{}' },
  ];
  const tokens = [
    { id: 0, text: 'Let me see.' },
    { id: 1, text: 'wea', call: 0, isName: true },
    { id: 2, text: 'ther', call: 0, isName: true },
    { id: 3, text: '{"city":', call: 0 },
    { id: 4, text: '"Zurich"}', call: 0 },
    { id: 5, text: 'time', call: 1, isName: true },
    { id: 6, text: '{}', call: 1 },
  ];
  const text = saying(() => ({
    tokens,
    token: (index) => tokens[index],
    finish: () => 'tool_calls',
    calls,
    close() {},
  }));

  it('come whole, and in pieces that add up to the same', async () => {
    for (const streamInterval of ['auto', 1] as const) {
      const other = await startEndpoint({ text, streamInterval });
      const body = { model: MODEL, messages: hello };
      const whole = await other.client.chat.completions.create(body);
      const [{ message, finish_reason }] = whole.choices;
      expect(finish_reason).toBe('tool_calls');
      expect(message.content).toBe('Let me see.');
      expect(message.tool_calls?.map((one) => one.type === 'function' && one.function)).toEqual(
        calls,
      );
      expect(whole.usage?.completion_tokens).toBe(7);
      // The client's own helper puts the pieces together, and refuses what does not fit.
      const streamed = await other.client.chat.completions.stream(body).finalChatCompletion();
      const [choice] = streamed.choices;
      expect(choice.finish_reason).toBe('tool_calls');
      expect(choice.message.content).toBe('Let me see.');
      expect(
        choice.message.tool_calls?.map((one) => ({
          name: one.type === 'function' && one.function.name,
          arguments: one.type === 'function' && one.function.arguments,
        })),
      ).toEqual(calls);
      await other.close();
    }
  });
});
