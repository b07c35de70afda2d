/** Completions as the client of OpenAI sees them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, startEndpoint, type Running } from './helpers/endpoint.js';

let running: Running;
beforeAll(async () => void (running = await startEndpoint()));
afterAll(() => running.close());

describe('completions', () => {
  it('take a text, token ids, and lists of either', async () => {
    const create = (prompt: string | string[] | number[] | number[][]) =>
      running.client.completions.create({ model: MODEL, prompt, max_tokens: 2 });
    const one = await create('a b c');
    expect(one).toMatchObject({ object: 'text_completion', model: MODEL });
    expect(one.choices).toMatchObject([{ index: 0, text: ' w0 w1', finish_reason: 'length' }]);
    expect(one.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });
    expect((await create([5, 6, 7, 8])).usage?.prompt_tokens).toBe(4);
    const texts = await create(['a b', 'c d e']);
    expect(texts.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, ' w0 w1'],
      [1, ' w0 w1'],
    ]);
    expect(texts.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 4 });
    expect((await create([[1, 2], [3]])).usage?.prompt_tokens).toBe(3);
  });

  it('are 16 tokens long where the request does not say, or fewer where there is no room', async () => {
    const ask = (prompt: number[]) =>
      running.client.completions.create({
        ...{ model: MODEL, prompt },
        ...({ ignore_eos: true } as object),
      });
    expect((await ask([1])).usage?.completion_tokens).toBe(16);
    const long = await ask(Array.from({ length: 32_768 - 5 }, () => 1));
    expect(long.usage?.completion_tokens).toBe(5);
  });

  it('stream, with n choices to each prompt', async () => {
    const stream = await running.client.completions.create({
      ...{ model: MODEL, prompt: ['a', 'b'], n: 2, max_tokens: 3 },
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ['', '', '', ''];
    let usage;
    for await (const chunk of stream) {
      for (const { index, text } of chunk.choices) texts[index] += text;
      usage = chunk.usage ?? usage;
    }
    expect(texts).toEqual([' w0 w1 w2', ' w0 w1 w2', ' w0 w1 w2', ' w0 w1 w2']);
    expect(usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 12 });
  });
});
