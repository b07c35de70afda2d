/** Responses over HTTP as the client of OpenAI sees them. */
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, saying, startEndpoint, type Running } from './helpers/endpoint.js';

let running: Running;
beforeAll(async () => void (running = await startEndpoint()));
afterAll(() => running.close());

const WHOLE = ' w0 w1 w2 w3 w4 w5 w6 w7 w8 w9';

describe('a response', () => {
  it('has its output, its state and what it used', async () => {
    const response = await running.client.responses.create({
      ...{ model: MODEL, input: 'one two three', instructions: 'be brief' },
      metadata: { a: 'b' },
    });
    expect(response).toMatchObject({ status: 'completed', model: MODEL, metadata: { a: 'b' } });
    expect(response.output_text).toBe(WHOLE);
    expect(response.output).toMatchObject([
      { type: 'message', role: 'assistant', status: 'completed' },
    ]);
    expect(response.usage).toMatchObject({
      ...{ input_tokens: 5, output_tokens: 10, total_tokens: 15 },
      input_tokens_details: { cached_tokens: 0 },
    });
    expect(response).toHaveProperty('time_info.completion_time', 0.0018);
  });

  it('is incomplete where it is cut', async () => {
    const response = await running.client.responses.create({
      ...{ model: MODEL, input: 'one', max_output_tokens: 2 },
    });
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
    });
  });

  it('streams events in the order and numbering of the API, which add up to the response', async () => {
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    const stream = running.client.responses.stream({ model: MODEL, input: 'one' });
    for await (const event of stream) events.push(event);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i));
    const types = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const deltas = events.filter(({ type }) => type === 'response.output_text.delta');
    expect(deltas.map((event) => 'delta' in event && event.delta).join('')).toBe(WHOLE);
    expect((await stream.finalResponse()).output_text).toBe(WHOLE);
  });

  it('continues another, all of whose context it reads again', async () => {
    const first = await running.client.responses.create({ model: MODEL, input: 'one two three' });
    const next = await running.client.responses.create({
      ...{ model: MODEL, input: 'four', previous_response_id: first.id },
    });
    expect(next.usage?.input_tokens).toBe(3 + 10 + 1);
    expect(next.usage?.input_tokens_details.cached_tokens).toBe(0);
    expect(next.previous_response_id).toBe(first.id);
  });

  it('refuses to continue what it does not know, or what was not to be stored', async () => {
    const { client } = running;
    const unstored = await client.responses.create({ model: MODEL, input: 'one', store: false });
    for (const previous_response_id of ['resp_unknown', unstored.id])
      await expect(
        client.responses.create({ model: MODEL, input: 'x', previous_response_id }),
      ).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' });
  });

  it('calls tools, and reads what they said', async () => {
    const calls = [{ name: 'weather', arguments: '{"city":"Bern"}' }];
    const first = [
      { id: 0, text: 'weather', call: 0, isName: true },
      { id: 1, text: '{"city":', call: 0 },
      { id: 2, text: '"Bern"}', call: 0 },
    ];
    const then = [{ id: 3, text: 'It rains.' }];
    const other = await startEndpoint({
      text: saying(({ prompt }) => {
        const isAnswered = prompt.messages.some(({ role }) => role === 'tool');
        const tokens = isAnswered ? then : first;
        return {
          tokens,
          token: (index) => tokens[index],
          finish: () => (isAnswered ? 'stop' : 'tool_calls'),
          calls: isAnswered ? [] : calls,
          close() {},
        };
      }),
    });
    const asked = await other.client.responses
      .stream({ model: MODEL, input: 'weather in Bern?' })
      .finalResponse();
    expect(asked.output).toMatchObject([
      { type: 'function_call', status: 'completed', ...calls[0] },
    ]);
    const [call] = asked.output;
    const answer = await other.client.responses.create({
      model: MODEL,
      previous_response_id: asked.id,
      input: [
        {
          ...{ type: 'function_call_output', output: 'rain' },
          call_id: call.type === 'function_call' ? call.call_id : '',
        },
      ],
    });
    expect(answer.output_text).toBe('It rains.');
    await other.close();
  });
});
