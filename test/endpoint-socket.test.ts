/** Responses over a WebSocket, by the client of OpenAI and by hand. */
import { ResponsesWS } from 'openai/resources/responses/ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MODEL, startEndpoint, type Running, type RunningOptions } from './helpers/endpoint.js';

type Event = Record<string, unknown> & {
  type: string;
  response: {
    id: string;
    usage: Usage;
    output: unknown[];
    status: string;
    simulated_times: { arrival_ns: number; token_ns: number[] };
  };
  error: { code: string; message: string };
};
interface Usage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number };
  output_tokens: number;
}

let running: Running;
let sockets: WebSocket[] = [];

async function start(options: RunningOptions = {}) {
  running = await startEndpoint(options);
}
beforeEach(() => void (sockets = []));
afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  await running.close();
});

/** A connection: sends requests, and gives events one after the other. */
async function connect(headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/responses`, { headers });
  sockets.push(socket);
  const events: Event[] = [];
  const waiting: (() => void)[] = [];
  socket.on('message', (data) => {
    events.push(JSON.parse(String(data)) as Event);
    waiting.shift()?.();
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const next = async (): Promise<Event> => {
    if (events.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    return events.shift()!;
  };
  const send = (fields: object) =>
    socket.send(JSON.stringify({ type: 'response.create', model: MODEL, ...fields }));
  /** The event that ends a response. */
  const ended = async () => {
    for (;;) {
      const event = await next();
      if (/^(response\.(completed|incomplete|failed)|error)$/.test(event.type)) return event;
    }
  };
  return { socket, next, send, ended };
}

const prompt = (tokens: number) => Array.from({ length: tokens }, () => 'word').join(' ');

describe('a WebSocket on /v1/responses', () => {
  it('gives the events of the API to the client of OpenAI', async () => {
    await start();
    const socket = new ResponsesWS(running.client);
    sockets.push(socket.socket.platformSocket);
    socket.send({ type: 'response.create', model: MODEL, input: 'one two' });
    const types: string[] = [];
    let text = '';
    for await (const event of socket) {
      if (event.type !== 'message') continue;
      if (event.message.type === 'response.output_text.delta') text += event.message.delta;
      types.push(event.message.type);
      if (event.message.type === 'response.completed') break;
    }
    expect(types[0]).toBe('response.created');
    expect(text).toBe(' w0 w1 w2 w3 w4 w5 w6 w7 w8 w9');
    socket.close();
  });

  it('keeps the cache of the last response: a turn that continues it reads only what is new', async () => {
    await start();
    const { send, ended } = await connect();
    send({ input: prompt(1000) });
    const first = (await ended()).response;
    expect(first.usage).toMatchObject({ input_tokens: 1000, output_tokens: 10 });
    send({ input: prompt(5), previous_response_id: first.id });
    const next = (await ended()).response;
    expect(next.usage.input_tokens).toBe(1015);
    expect(next.usage.input_tokens_details.cached_tokens).toBe(1010);
  });

  it('reads all again where tools or instructions in front have changed', async () => {
    await start();
    const { send, ended } = await connect();
    send({ input: prompt(100), instructions: 'be brief' });
    const first = (await ended()).response;
    send({ input: 'a', previous_response_id: first.id, instructions: 'be brief' });
    const same = (await ended()).response;
    expect(same.usage.input_tokens_details.cached_tokens).toBe(112);
    send({ input: 'a', previous_response_id: same.id, instructions: 'be very brief' });
    const other = (await ended()).response;
    expect(other.usage).toMatchObject({ input_tokens: 3 + 100 + 10 + 1 + 10 + 1 });
    expect(other.usage.input_tokens_details.cached_tokens).toBe(0);
  });

  it('reads the prompt ahead with generate: false, and says nothing', async () => {
    await start();
    const { send, ended } = await connect();
    send({ input: prompt(500), generate: false });
    const warm = (await ended()).response;
    expect(warm).toMatchObject({ status: 'completed', output: [] });
    expect(warm.usage).toMatchObject({ input_tokens: 500, output_tokens: 0 });
    send({ input: prompt(3), previous_response_id: warm.id });
    const next = (await ended()).response;
    expect(next.usage.input_tokens_details.cached_tokens).toBe(500);
  });

  it('continues a stored response of another connection without its cache, and none that was not stored', async () => {
    await start();
    const [one, other] = [await connect(), await connect()];
    one.send({ input: prompt(50) });
    const stored = (await one.ended()).response;
    other.send({ input: 'x', previous_response_id: stored.id });
    expect((await other.ended()).response.usage).toMatchObject({
      input_tokens: 61,
      input_tokens_details: { cached_tokens: 0 },
    });
    one.send({ input: prompt(50), store: false });
    const unstored = (await one.ended()).response;
    other.send({ input: 'x', previous_response_id: unstored.id });
    expect(await other.ended()).toMatchObject({
      type: 'error',
      status: 400,
      error: {
        code: 'previous_response_not_found',
        message: `Previous response with id '${unstored.id}' not found.`,
        param: 'previous_response_id',
      },
    });
    // On its own connection it can be continued.
    one.send({ input: 'x', previous_response_id: unstored.id, store: false });
    expect((await one.ended()).response.usage.input_tokens_details.cached_tokens).toBe(60);
  });

  it('forgets what a turn that failed would have continued', async () => {
    await start({ maxModelLen: 100 });
    const { send, ended } = await connect();
    send({ input: prompt(50), store: false });
    const { id } = (await ended()).response;
    send({ input: prompt(60), previous_response_id: id });
    expect((await ended()).error.code).toBe('context_length_exceeded');
    await expect.poll(() => running.driver.status()).toMatchObject({ keptSessions: 0, kvKept: 0 });
    send({ input: 'x', previous_response_id: id });
    expect((await ended()).error.code).toBe('previous_response_not_found');
  });

  it('runs requests of one lane one after the other, and those of others at once, with their names', async () => {
    await start({ speed: 0.01 });
    const { send, next } = await connect();
    for (const stream_id of ['a', 'a', 'b']) send({ stream_id, input: 'x', simulated_times: true });
    const responses: { lane: unknown; begins: number; ends: number }[] = [];
    while (responses.length < 3) {
      const { type, response, stream_id: lane } = await next();
      expect(['a', 'b']).toContain(lane);
      if (type !== 'response.completed') continue;
      const { arrival_ns: begins, token_ns: tokens } = response.simulated_times;
      responses.push({ lane, begins, ends: tokens.at(-1)! });
    }
    const [first, second] = responses.filter(({ lane }) => lane === 'a');
    const [other] = responses.filter(({ lane }) => lane === 'b');
    expect(second.begins).toBeGreaterThanOrEqual(first.ends);
    expect(other.begins).toBeLessThan(first.ends);
  });

  it('lets a conversation be forked onto another lane, which reads it again', async () => {
    await start();
    const { send, ended } = await connect();
    send({ stream_id: 'main', input: prompt(20), store: false });
    const { id } = (await ended()).response;
    send({ stream_id: 'critic', input: 'x', previous_response_id: id, store: false });
    const fork = await ended();
    expect(fork['stream_id']).toBe('critic');
    expect(fork.response.usage).toMatchObject({
      input_tokens: 31,
      input_tokens_details: { cached_tokens: 0 },
    });
    send({ stream_id: 'main', input: 'x', previous_response_id: id, store: false });
    expect((await ended()).response.usage.input_tokens_details.cached_tokens).toBe(30);
  });

  it('refuses names of lanes that are none, and one too many', async () => {
    await start();
    const { send, ended } = await connect();
    for (const stream_id of ['', 'a b', 'x'.repeat(257), 7]) {
      send({ stream_id, input: 'x' });
      expect((await ended()).error.code).toBe('invalid_stream_id');
    }
    for (let i = 0; i < 32; i++) {
      send({ stream_id: `lane-${i}`, input: 'x' });
      expect((await ended()).type).toBe('response.completed');
    }
    send({ stream_id: 'one.more', input: 'x' });
    expect(await ended()).toMatchObject({
      stream_id: 'one.more',
      error: { code: 'websocket_stream_limit_reached' },
    });
    send({ input: 'x' });
    expect((await ended()).type).toBe('response.completed');
  });

  it('has at most so many responses in flight, and takes more in their turn', async () => {
    await start({ limits: { socketResponses: 2 }, speed: 0.1 });
    const { send, next } = await connect();
    for (let i = 0; i < 6; i++) send({ stream_id: `lane${i}`, input: 'x' });
    let [open, most, ends] = [0, 0, 0];
    while (ends < 6) {
      const { type } = await next();
      if (type === 'response.created') most = Math.max(most, ++open);
      if (type !== 'response.completed') continue;
      open--;
      ends++;
    }
    expect(most).toBe(2);
  });

  it('ends at its age, with the error that is published', async () => {
    await start({ limits: { socketMs: 50 } });
    const { socket, ended } = await connect();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    expect(await ended()).toMatchObject({
      status: 400,
      error: { type: 'invalid_request_error', code: 'websocket_connection_limit_reached' },
    });
    expect(await closed).toBe(1001);
  });

  it('says what is wrong with a message and goes on', async () => {
    await start();
    const { socket, send, ended } = await connect();
    for (const message of ['no json', '[]', '7', '{}', '{"type":"response.cancel"}']) {
      socket.send(message);
      expect(await ended()).toMatchObject({ type: 'error', status: 400 });
    }
    socket.send(Buffer.from([1, 2, 3]));
    expect(await ended()).toMatchObject({ status: 400 });
    send({ model: 'another', input: 'x' });
    expect(await ended()).toMatchObject({ status: 404, error: { code: 'model_not_found' } });
    send({ input: 'x' });
    expect((await ended()).type).toBe('response.completed');
  });

  it('frees what its connection held: the request that runs, those that wait, the caches that stay', async () => {
    await start({ speed: 0.01 });
    const { socket, send, next, ended } = await connect();
    send({ input: prompt(30), max_output_tokens: 1 });
    await ended();
    expect(running.driver.status()).toMatchObject({ keptSessions: 1, kvKept: 31 });
    for (const stream_id of ['a', 'a', 'b']) send({ stream_id, input: prompt(30) });
    while ((await next()).type !== 'response.output_text.delta');
    expect(running.driver.status().kvUsed).toBeGreaterThan(0);
    socket.terminate();
    await expect
      .poll(() => running.driver.status())
      .toMatchObject({ running: 0, waiting: 0, kvUsed: 0, kvKept: 0, keptSessions: 0 });
  });

  it('is open to those who have the key, and to no page of another site', async () => {
    await start({ apiKey: 'secret' });
    await expect(connect()).rejects.toThrow('401');
    await expect(connect({ authorization: 'Bearer wrong' })).rejects.toThrow('401');
    const authorization = 'Bearer secret';
    await expect(connect({ authorization, origin: 'https://example.com' })).rejects.toThrow('403');
    await connect({ authorization, origin: 'http://localhost:3000' });
  });
});
