/** What the endpoint takes at most. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { continued, conversationsWithin } from '../src/studies/serve/http/conversations.js';
import { LIMITS } from '../src/studies/serve/http/limits.js';
import { stopText } from '../src/studies/serve/http/stop-text.js';
import {
  MODEL,
  startEndpoint,
  words,
  type Running,
  type RunningOptions,
} from './helpers/endpoint.js';

let running: Running | undefined;
const start = async (options: RunningOptions) => (running = await startEndpoint(options));
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const HEAD = 'POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

/** A connection that sends these bytes, and what has come back until it ends. */
function open({ endpoint }: Running, bytes: string) {
  const socket = connect(endpoint.port, '127.0.0.1', () => socket.write(bytes));
  let text = '';
  socket.on('data', (data) => (text += String(data)));
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return { socket, closed };
}

describe('limits of an endpoint', () => {
  it('end a request whose headers or body do not come', async () => {
    const one = await start({ limits: { headersMs: 100, requestMs: 200 } });
    const [headers, body] = [
      open(one, 'GET / HTTP/1.1\r\nx: '),
      open(one, `${HEAD}content-length: 9\r\n\r\n{`),
    ];
    expect(await headers.closed).toMatch(/^HTTP\/1.1 408 [^]*"error"/);
    expect(await body.closed).toMatch(/^HTTP\/1.1 408 |^$/);
    expect(one.service.open()).toBe(0);
  });

  it('keep a connection without a request longer than clients do, and not for ever', async () => {
    const one = await start({});
    const { headers } = await fetch(`${one.url}/health`);
    // Longer than aiohttp does, and far longer than users pause.
    expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive')!)![1])).toBeGreaterThan(15);
    await one.close();
    const other = await start({ limits: { idleMs: 100 } });
    expect(await open(other, 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n').closed).toMatch(
      /^HTTP\/1.1 200 /,
    );
  });

  it('bound the connections', async () => {
    const one = await start({ limits: { connections: 2 } });
    const two = [open(one, 'GET'), open(one, 'GET')];
    await expect.poll(() => one.endpoint.connections()).toBe(2);
    expect(await open(one, 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n').closed).toBe('');
    for (const { socket } of two) socket.destroy();
    await expect.poll(() => one.endpoint.connections()).toBe(0);
    expect((await fetch(`${one.url}/health`)).status).toBe(200);
  });

  it('bound the bodies that are read together, and forget those that are over', async () => {
    const one = await start({ limits: { allBodiesBytes: 1000 } });
    const first = open(one, `${HEAD}content-length: 900\r\n\r\n${' '.repeat(800)}`);
    const ask = () =>
      fetch(`${one.url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: 'x'.repeat(500), max_tokens: 1 }),
      }).then(({ status }) => status);
    await expect.poll(ask).toBe(503);
    first.socket.destroy();
    await expect.poll(ask).toBe(200);
  });

  it('bound the tokens of answers that are written together', async () => {
    const one = await start({ speed: 0.01, text: words(60), limits: { tokens: 100 } });
    const ask = { model: MODEL, prompt: 'x', max_tokens: 100 };
    const stream = await one.client.completions.create({ ...ask, stream: true });
    await expect(one.client.completions.create(ask)).rejects.toMatchObject({ status: 429 });
    stream.controller.abort();
    await expect.poll(() => one.service.open()).toBe(0);
    const next = await one.client.completions.create({ ...ask, stream: true });
    next.controller.abort();
  });

  it('end a WebSocket that answers no ping, and one with a message that is too large', async () => {
    const one = await start({ limits: { pingMs: 30, bodyBytes: 1000 } });
    const url = `${one.url.replace('http', 'ws')}/v1/responses`;
    const closed = (socket: WebSocket) =>
      new Promise<number>((resolve) => socket.on('close', resolve).on('error', () => {}));
    expect(await closed(new WebSocket(url, { autoPong: false }))).toBe(1006);
    const alive = new WebSocket(url);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(alive.readyState).toBe(WebSocket.OPEN);
    alive.send('x'.repeat(1001));
    expect(await closed(alive)).toBe(1009);
    await expect.poll(() => one.endpoint.connections()).toBe(0);
  });

  it('bound the requests of a WebSocket that wait for their turn', async () => {
    const one = await start({ speed: 0.01, limits: { socketQueue: 2 } });
    const socket = new WebSocket(`${one.url.replace('http', 'ws')}/v1/responses`);
    await new Promise((resolve) => socket.on('open', resolve));
    const error = new Promise((resolve) => socket.once('message', resolve));
    for (let i = 0; i < 4; i++)
      socket.send(JSON.stringify({ type: 'response.create', input: 'x' }));
    expect(JSON.parse(String(await error))).toMatchObject({
      status: 429,
      error: { code: 'rate_limit_exceeded' },
    });
    socket.terminate();
  });

  it('forget conversations, those that were not used for longest first', () => {
    const turn = (id: string, text: string, before?: Parameters<typeof continued>[0]) =>
      continued(before, {
        ...{ id, preface: [], messages: [{ role: 'user', text }] },
        ...{ spokenTokens: 1, tokens: 1, request: 0, model: 'tiny' },
      });
    const few = conversationsWithin({ ...LIMITS, conversations: 2 });
    for (const id of ['a', 'b']) few.keep(turn(id, 'x'));
    expect(few.find('a')?.id).toBe('a');
    few.keep(turn('c', 'x'));
    expect(['a', 'b', 'c'].filter((id) => few.find(id) !== undefined)).toEqual(['a', 'c']);
    const short = conversationsWithin({ ...LIMITS, conversationCharacters: 25 });
    const first = turn('a', 'x'.repeat(10));
    // What it continues is part of it.
    const second = turn('b', 'x'.repeat(10), first);
    expect(second.characters).toBe(20);
    short.keep(first);
    short.keep(second);
    expect([short.find('a'), short.find('b')]).toEqual([undefined, second]);
  });
});

describe('a stop string', () => {
  const letters = fc.constantFrom('a', 'b');
  const string = (most: number) => fc.string({ unit: letters, minLength: 1, maxLength: most });

  it('ends the text where it begins, however the text comes in pieces', () => {
    fc.assert(
      fc.property(
        fc.array(string(3), { maxLength: 12 }),
        fc.array(string(4), { maxLength: 3 }),
        (pieces, stops) => {
          const stop = stopText(stops);
          let sent = '';
          let seen = '';
          for (const piece of pieces) {
            const { text, stopped } = stop.push(piece);
            seen += piece;
            sent += text;
            const places = stops.map((one) => seen.indexOf(one)).filter((at) => at >= 0);
            expect(stopped).toBe(places.length > 0);
            if (stopped) {
              expect(sent).toBe(seen.slice(0, Math.min(...places)));
              return;
            }
            expect(seen.startsWith(sent)).toBe(true);
          }
          expect(sent + stop.rest()).toBe(seen);
        },
      ),
    );
  });
});
