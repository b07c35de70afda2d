/** Chat completions as the client of OpenAI sees them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, startEndpoint, type Running } from './helpers/endpoint.js';

let running: Running;
beforeAll(async () => void (running = await startEndpoint()));
afterAll(async () => {
  expect(running.faults).toEqual([]);
  await running.close();
});

const hello = [{ role: 'user' as const, content: 'hello there my friend' }];

describe('chat completions', () => {
  it('come whole, with what they used', async () => {
    const answer = await running.client.chat.completions.create({ model: MODEL, messages: hello });
    expect(answer.choices[0].message.content).toBe(' w0 w1 w2 w3 w4 w5 w6 w7 w8 w9');
    expect(answer.choices[0].finish_reason).toBe('stop');
    expect(answer.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 10, total_tokens: 14 });
  });
});
