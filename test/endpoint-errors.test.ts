/** Errors in OpenAI's form, limits, and readers that are slow or gone. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { openEndpoint } from '../src/studies/serve/http/endpoint.js';
import {
  MODEL,
  startEndpoint,
  words,
  type Running,
  type RunningOptions,
} from './helpers/endpoint.js';

let running: Running;
const start = async (options: RunningOptions = {}) => void (running = await startEndpoint(options));
afterEach(() => running.close());

const hello = { model: MODEL, messages: [{ role: 'user' as const, content: 'hello' }] };
const CHAT = '/v1/chat/completions';

/** Status, headers and body of a request. */
async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${running.url}${path}`, init);
  const body = (await response.json()) as { error: Record<string, unknown> };
  return { status: response.status, headers: response.headers, error: body.error };
}

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('an error', () => {
  it('has the fields of OpenAI and the class of its client', async () => {
    await start({ maxModelLen: 20 });
    const { client } = running;
    const long = client.chat.completions.create({ ...hello, max_tokens: 30 });
    await expect(long).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(long).rejects.toMatchObject({
      ...{ status: 400, code: 'context_length_exceeded', type: 'invalid_request_error' },
    });
    await expect(long).rejects.toThrow(
      "This model's maximum context length is 20 tokens. However, you requested 31 tokens",
    );
    const prompt = client.completions.create({
      model: MODEL,
      prompt: Array(20).fill(1) as number[],
    });
    await expect(prompt).rejects.toMatchObject({ code: 'context_length_exceeded' });
    const other = client.chat.completions.create({ ...hello, model: 'gpt-9' });
    await expect(other).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(other).rejects.toMatchObject({ code: 'model_not_found', param: 'model' });
    expect((await client.models.list()).data).toMatchObject([{ id: MODEL, max_model_len: 20 }]);
    expect(await client.models.retrieve(MODEL)).toMatchObject({ id: MODEL });
    await expect(client.models.retrieve('other/one')).rejects.toMatchObject({ status: 404 });
  });

  it.each([
    [{ messages: 'hello' }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ content: 'x' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: [{ text: 'x' }] }] }, 'messages[0].content[0].type'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages[0].content'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ max_tokens: '7' }, 'max_tokens'],
    [{ n: 0 }, 'n'],
    [{ n: 1000 }, 'n'],
    [{ stop: [''] }, 'stop[0]'],
    [{ stop: 7 }, 'stop'],
    [{ stream: 'yes' }, 'stream'],
    [{ model: 7 }, 'model'],
  ])('says which field of a chat is wrong: %j', async (fields, param) => {
    await start();
    const { status, error } = await ask(CHAT, post({ ...hello, ...fields }));
    expect(status).toBe(400);
    expect(error).toMatchObject({ type: 'invalid_request_error', param });
  });

  it.each([
    ['/v1/completions', { prompt: [] }, 'prompt'],
    ['/v1/completions', { prompt: [1, -1] }, 'prompt[1]'],
    ['/v1/completions', { prompt: ['a', 1] }, 'prompt[1]'],
    ['/v1/responses', { input: 7 }, 'input'],
    ['/v1/responses', { input: [{ type: 'message', content: 7 }] }, 'input[0].content'],
    ['/v1/responses', { input: 'x', generate: false }, 'generate'],
    ['/v1/responses', { input: 'x', max_output_tokens: -1 }, 'max_output_tokens'],
  ])('says which field of %s is wrong: %j', async (path, fields, param) => {
    await start();
    const { status, error } = await ask(path, post({ model: MODEL, ...fields }));
    expect([status, error['param']]).toEqual([400, param]);
  });

  it('is 404 for another route, 405 for another method, with those that there are', async () => {
    await start();
    expect(await ask('/v1/embeddings')).toMatchObject({
      status: 404,
      error: { code: 'unknown_url' },
    });
    expect((await ask('/v1/constructor')).status).toBe(404);
    const wrong = await ask(CHAT);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await ask('/v1/models', { method: 'DELETE' })).status).toBe(405);
  });

  it('is 415 for what is not JSON, 400 for what should be, 413 for what is too large', async () => {
    await start({ limits: { bodyBytes: 1000 } });
    expect((await ask(CHAT, post('{}', { 'content-type': 'text/plain' }))).status).toBe(415);
    expect((await ask(CHAT, post('{}', { 'content-encoding': 'gzip' }))).status).toBe(415);
    expect(await ask(CHAT, post('{"a":'))).toMatchObject({
      status: 400,
      error: { message: expect.stringContaining('could not parse the JSON body') as string },
    });
    expect(
      await ask(CHAT, post(`{"a":"[[\\"[","b":${'['.repeat(64)}${']'.repeat(64)}}`)),
    ).toMatchObject({
      status: 400,
      error: { message: expect.stringContaining('nested more than 64 deep') as string },
    });
    const strings = `{"a":"${'['.repeat(100)}\\"[["}`;
    expect((await ask(CHAT, post(strings))).error['param']).toBe('messages');
    const latin = Buffer.from('{"a":"\xe9"}', 'latin1');
    expect(await ask(CHAT, { ...post(''), body: latin })).toMatchObject({
      status: 400,
      error: { message: expect.stringContaining('not UTF-8') as string },
    });
    expect((await ask(CHAT, post('x'.repeat(1001)))).status).toBe(413);
    expect((await chunked('x'.repeat(5000))).status).toBe(413);
    expect(
      (await ask(CHAT, post(hello, { 'content-type': 'application/json; charset=utf-8' }))).status,
    ).toBe(200);
  });

  it('is 401 without the key or with another, but for those who watch', async () => {
    await start({ apiKey: 'secret' });
    expect((await running.client.models.list()).data).toHaveLength(1);
    const other = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
    await expect(other.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(other.models.list()).rejects.toMatchObject({ code: 'invalid_api_key' });
    expect((await ask('/v1/models')).status).toBe(401);
    expect((await fetch(`${running.url}/health`)).status).toBe(200);
    expect((await fetch(`${running.url}/metrics`)).status).toBe(200);
  });

  it('is 429 with retry-after where too many wait, or too many are open', async () => {
    await start({ maxUsers: 1, maxWaiting: 1, speed: 0.0001, limits: { responses: 3 } });
    const open = [1, 2].map(() => openStream());
    await expect.poll(() => running.driver.status()).toMatchObject({ running: 1, waiting: 1 });
    const queue = await ask(CHAT, post(hello));
    expect([queue.status, queue.headers.get('retry-after')]).toEqual([429, '1']);
    expect(queue.error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' });
    const client = running.client.chat.completions.create({ ...hello, n: 2 });
    await expect(client).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    expect(running.service.open()).toBe(2);
    for (const one of open) one.destroy();
    await expect.poll(() => running.service.open()).toBe(0);
  });

  it('is 503 while there is nothing to serve yet', async () => {
    const endpoint = await openEndpoint({
      ...{ host: '127.0.0.1', port: 0, unixSeconds: () => 0, onFault: () => {} },
    });
    const at = `http://127.0.0.1:${endpoint.port}`;
    const health = await fetch(`${at}/health`);
    expect([health.status, health.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await fetch(`${at}${CHAT}`, post(hello))).status).toBe(503);
    await endpoint.close();
    await start();
    expect((await fetch(`${running.url}/health`)).status).toBe(200);
  });

  it('is 431 for headers without end, and 400 for what is no HTTP', async () => {
    await start();
    expect(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 [^]*"message"/,
    );
    expect(await raw('hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*"message"/);
  });
});

/** A body of unknown length. */
function chunked(body: string): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${running.url}${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    request.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode! });
    });
    request.on('error', reject);
    request.write(body);
    request.end();
  });
}

/** What comes back for these bytes until the connection ends. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(running.endpoint.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (data) => (text += String(data)));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

/** A stream that is asked for over a connection of its own, and not read. */
function openStream(fields: object = {}) {
  const body = JSON.stringify({ ...hello, stream: true, ...fields });
  const socket = connect(running.endpoint.port, '127.0.0.1', () =>
    socket.write(
      `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    ),
  );
  socket.on('error', () => {});
  return socket;
}

describe('a reader', () => {
  const nothing = { running: 0, waiting: 0, kvUsed: 0 };

  it.each(['destroy', 'resetAndDestroy'] as const)(
    'that is gone (%s) leaves nothing on the wafer, whether it waited or read',
    async (how) => {
      await start({ speed: 0.001, maxUsers: 1 });
      const sockets = [openStream(), openStream({ stream: false }), openStream({ n: 3 })];
      await expect.poll(() => running.driver.status()).toMatchObject({ running: 1, waiting: 4 });
      for (const socket of sockets) socket[how]();
      await expect.poll(() => running.driver.status()).toMatchObject(nothing);
      expect(running.service.finished()).toEqual({ abort: 5 });
    },
  );

  it('that has ended its side is gone: a client that closes cannot be told from one that half-closes', async () => {
    await start({ speed: 0.001 });
    const socket = openStream();
    await expect.poll(() => running.driver.status()).toMatchObject({ running: 1 });
    socket.end();
    await expect.poll(() => running.driver.status()).toMatchObject(nothing);
    expect(running.service.finished()).toEqual({ abort: 1 });
    await expect.poll(() => running.endpoint.connections()).toBe(0);
  });

  it('that does not read is given up, and others are not held up', async () => {
    await start({
      speed: 100,
      text: words(30_000),
      limits: { unreadBytes: 10_000 },
      streamInterval: 1,
    });
    const socket = openStream();
    socket.pause();
    await expect.poll(() => running.service.finished(), { timeout: 20_000 }).toEqual({ abort: 1 });
    await expect.poll(() => running.driver.status()).toMatchObject(nothing);
    const answer = await running.client.chat.completions.create({ ...hello, max_tokens: 3 });
    expect(answer.usage?.completion_tokens).toBe(3);
    socket.destroy();
  });

  it('aborts by the client of OpenAI', async () => {
    await start({ speed: 0.01 });
    const stream = await running.client.chat.completions.create({ ...hello, stream: true });
    for await (const _ of stream) break;
    stream.controller.abort();
    await expect.poll(() => running.driver.status()).toMatchObject(nothing);
    expect(running.service.finished()).toEqual({ abort: 1 });
  });
});

describe('/metrics', () => {
  it("has vLLM's names, buckets that a wafer needs, and the lag of the endpoint", async () => {
    await start();
    await running.client.chat.completions.create(hello);
    await running.client.chat.completions.create({ ...hello, max_tokens: 4 });
    const response = await fetch(`${running.url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await response.text();
    const valueOf = (sample: string) => {
      const [name, labels = ''] = sample.split('{');
      const line = text
        .split('\n')
        .find((one) => one.startsWith(`${name}{`) && one.includes(labels));
      return Number(line?.split(' ').at(-1));
    };
    expect(text).toContain('# TYPE vllm:time_to_first_token_seconds histogram');
    expect(valueOf('vllm:generation_tokens_total')).toBe(14);
    expect(valueOf('vllm:prompt_tokens_total')).toBe(2);
    expect(valueOf('vllm:request_success_total{finished_reason="stop"')).toBe(1);
    expect(valueOf('vllm:request_success_total{finished_reason="length"')).toBe(1);
    // One token of prompt takes the pipeline's 0.2 ms, and so does each further token.
    expect(valueOf('vllm:time_to_first_token_seconds_bucket{le="0.0001"')).toBe(0);
    expect(valueOf('vllm:time_to_first_token_seconds_bucket{le="0.0002"')).toBe(2);
    expect(valueOf('vllm:inter_token_latency_seconds_count')).toBe(12);
    expect(valueOf('vllm:inter_token_latency_seconds_sum')).toBeCloseTo(12 * 0.0002, 9);
    expect(valueOf('vllm:request_time_per_output_token_seconds_bucket{le="0.00005"')).toBe(0);
    for (const part of ['queue', 'prefill', 'decode', 'inference'])
      expect(valueOf(`vllm:request_${part}_time_seconds_count`)).toBe(2);
    expect(valueOf('vllm:request_decode_time_seconds_sum')).toBeCloseTo(12 * 0.0002, 9);
    expect(valueOf('vllm:e2e_request_latency_seconds_sum')).toBeCloseTo(14 * 0.0002, 9);
    expect(valueOf('vllm:request_prompt_tokens_sum')).toBe(2);
    expect(valueOf('vllm:request_generation_tokens_sum')).toBe(14);
    expect(valueOf('vllm:num_requests_running')).toBe(0);
    expect(valueOf('wafersim:delivery_lag_seconds_count')).toBe(14);
    expect(valueOf('wafersim:delivery_lag_seconds_sum')).toBeGreaterThan(0);
  });
});
