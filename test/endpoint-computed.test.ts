/** Answers whose words are computed one by one, while their tokens are due already. */
import { describe, expect, it } from 'vitest';
import type { TextToken } from '../src/studies/serve/text/source.js';
import { MODEL, saying, startEndpoint } from './helpers/endpoint.js';

/** A word takes so long; after the last one the answer ends, or fails. */
function computed(words: string[], { milliseconds = 2, fails = false } = {}) {
  let closed = 0;
  const text = saying(() => ({
    token: (index) =>
      new Promise<TextToken | undefined>((resolve, reject) => {
        setTimeout(() => {
          if (fails && index === words.length) reject(new Error('no more cycles'));
          else resolve(index < words.length ? { id: index, text: words[index] } : undefined);
        }, milliseconds);
      }),
    finish: () => 'stop',
    calls: [],
    close: () => void closed++,
  }));
  return { text, closed: () => closed };
}

const hello = { model: MODEL, messages: [{ role: 'user' as const, content: 'hello' }] };

describe('words that are computed', () => {
  it('come in their order, and their end ends the request', async () => {
    const { text, closed } = computed(['Once', ' upon', ' a', ' time']);
    const running = await startEndpoint({ text });
    const answer = await running.client.chat.completions.create({ ...hello, max_tokens: 500 });
    expect(answer.choices[0]).toMatchObject({
      ...{ message: { content: 'Once upon a time' }, finish_reason: 'stop' },
    });
    expect(answer.usage?.completion_tokens).toBe(4);
    expect(closed()).toBe(1);
    expect(running.driver.status()).toMatchObject({ running: 0, kvUsed: 0 });
    await running.close();
  });

  it('end with a stop string, or with the limit', async () => {
    const running = await startEndpoint({ text: computed(['a', 'b', 'c', 'd', 'e', 'f']).text });
    const stopped = await running.client.chat.completions.create({ ...hello, stop: 'cd' });
    expect(stopped.choices[0]).toMatchObject({ message: { content: 'ab' }, finish_reason: 'stop' });
    const cut = await running.client.chat.completions.create({ ...hello, max_tokens: 3 });
    expect(cut.choices[0].message.content).toBe('abc');
    expect(cut.usage?.completion_tokens).toBe(3);
    await running.close();
  });

  it('that fail are an error, and the request is over', async () => {
    const { text, closed } = computed(['a'], { fails: true });
    const running = await startEndpoint({ text });
    const asked = running.client.chat.completions.create({ ...hello, max_tokens: 50 });
    await expect(asked).rejects.toMatchObject({ status: 500 });
    await expect.poll(() => running.driver.status()).toMatchObject({ running: 0, kvUsed: 0 });
    expect(closed()).toBe(1);
    await running.close();
  });

  it('that come late are said to make the host the limit, once', async () => {
    const running = await startEndpoint({ text: computed(Array(150).fill('x') as string[]).text });
    await running.client.chat.completions.create(hello);
    expect(running.hostLimits).toHaveLength(1);
    await running.close();
    const few = await startEndpoint({ text: computed(Array(20).fill('x') as string[]).text });
    await few.client.chat.completions.create(hello);
    expect(few.hostLimits).toEqual([]);
    await few.close();
  });

  it('are given up with their reader', async () => {
    const { text, closed } = computed(Array(1000).fill('x') as string[], { milliseconds: 5 });
    const running = await startEndpoint({ text });
    const stream = await running.client.chat.completions.create({ ...hello, stream: true });
    for await (const _ of stream) break;
    stream.controller.abort();
    await expect.poll(closed).toBe(1);
    await expect.poll(() => running.driver.status()).toMatchObject({ running: 0, kvUsed: 0 });
    await running.close();
  });
});
