/** Requests to an endpoint that are wrong in one way or another, from a seed: bodies, heads, frames, connections. */
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { seededRandom } from '../../src/numeric/random.js';
import { MODEL } from './endpoint.js';

type Random = () => number;

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)];

const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/responses'];

/** Values that no field expects, and some that most do. */
function value(random: Random, depth = 0): unknown {
  const kinds: (() => unknown)[] = [
    () => null,
    () => true,
    () => Math.floor((random() - 0.5) * 1e6),
    () => random() * 1e300,
    () => -1,
    () => 2 ** 53,
    () => '',
    () => 'text '.repeat(Math.floor(random() * 50)),
    () => '\u0000\ud800\uffff',
    () => Array.from({ length: Math.floor(random() * 4) }, () => value(random, depth + 1)),
    () => ({ type: value(random, depth + 1), text: value(random, depth + 1) }),
    () => ({ __proto__: { a: 1 }, constructor: 1, toString: null }),
  ];
  return pick(random, depth > 3 ? kinds.slice(0, 9) : kinds)();
}

const FIELDS = [
  ...['model', 'messages', 'prompt', 'input', 'max_tokens', 'max_completion_tokens', 'stream'],
  ...['max_output_tokens', 'n', 'stop', 'stream_options', 'seed', 'ignore_eos', 'tools', 'store'],
  ...['instructions', 'previous_response_id', 'generate', 'metadata', 'simulated_times', 'type'],
  ...['stream_id', 'content', 'role', '__proto__', 'constructor'],
];

/** A body that is right but for some fields. */
export function body(random: Random): string {
  const fields: Record<string, unknown> = {
    model: MODEL,
    type: 'response.create',
    messages: [{ role: 'user', content: 'hello' }],
    prompt: 'hello',
    input: 'hello',
    max_tokens: 3,
    stream: random() < 0.5,
  };
  const wrong = 1 + Math.floor(random() * 3);
  for (let i = 0; i < wrong; i++) fields[pick(random, FIELDS)] = value(random);
  const text = JSON.stringify(fields);
  const at = Math.floor(random() * text.length);
  return pick(random, [
    text,
    text,
    text,
    text.slice(0, at),
    `${text.slice(0, at)}${pick(random, ['"', '{', ']', '\\', '\u0001', 'é'])}${text.slice(at)}`,
    '['.repeat(Math.floor(random() * 20_000)),
    `{"messages":${'['.repeat(500)}${']'.repeat(500)}}`,
    '',
  ]);
}

/** Bytes of a request as a client would not send it. */
function request(random: Random): Buffer {
  const content = Buffer.from(body(random));
  const length = pick(random, [
    ...Array<number>(8).fill(content.length),
    ...[content.length + 7, 3, -1, 1e15],
  ]);
  const path = pick(random, [
    ...PATHS,
    ...PATHS,
    '/v1/models',
    '/health',
    '/metrics',
    '/',
    '*',
    '//',
    '/%',
    '/v1/models/%ff',
    `/${'x'.repeat(5000)}`,
  ]);
  const method = pick(random, [
    ...Array<string>(10).fill('POST'),
    'GET',
    'PUT',
    'DELETE',
    'OPTIONS',
    'HEAD',
    'TRACE',
    'get',
    'CONNECT',
    'FOO',
  ]);
  const headers = pick(random, [
    ...Array<string>(12).fill('content-type: application/json'),
    'content-type: text/plain',
    'content-type: multipart/form-data; boundary=x',
    'content-encoding: gzip',
    'transfer-encoding: chunked',
    'transfer-encoding: chunked, chunked',
    'expect: 100-continue',
    'expect: something',
    'upgrade: h2c\r\nconnection: upgrade',
    `x: ${'y'.repeat(20_000)}`,
    'authorization: Bearer \u0000',
    ': empty',
    'x y: z',
    Array.from({ length: 3000 }, (_, i) => `x${i}: y`).join('\r\n'),
  ]);
  const version = pick(random, [
    'HTTP/1.1',
    'HTTP/1.1',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    'HTTP',
  ]);
  const host = random() < 0.9 ? 'host: localhost\r\n' : '';
  const head = `${method} ${path} ${version}\r\n${host}content-length: ${length}\r\n${headers}\r\n\r\n`;
  const whole = Buffer.concat([Buffer.from(head, 'latin1'), content]);
  if (random() < 0.2) return whole.subarray(0, Math.floor(random() * whole.length));
  return random() < 0.05 ? randomBytes(Math.floor(random() * 500)) : whole;
}

/** The handshake of a WebSocket, right or nearly. */
function handshake(random: Random): Buffer {
  const lines = [
    `GET ${pick(random, ['/v1/responses', '/v1/responses', '/v1/responses?x=y', '/v1', '/'])} HTTP/1.1`,
    'host: localhost',
    `upgrade: ${pick(random, ['websocket', 'websocket', 'websocket', 'h2c'])}`,
    'connection: upgrade',
    `sec-websocket-key: ${createHash('md5').update(String(random())).digest('base64')}`,
    `sec-websocket-version: ${pick(random, ['13', '13', '13', '13', '8', 'x'])}`,
  ];
  if (random() < 0.2) lines.splice(1 + Math.floor(random() * (lines.length - 1)), 1);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

/** A frame of a WebSocket: its header may be wrong, and its message is. */
function frame(random: Random): Buffer {
  const content =
    random() < 0.8 ? Buffer.from(body(random)) : randomBytes(Math.floor(random() * 300));
  const opcode = pick(random, [1, 1, 1, 1, 2, 0, 3, 8, 9, 10, 15]);
  const first = (random() < 0.9 ? 0x80 : 0) | (random() < 0.05 ? 0x70 : 0) | opcode;
  const masked = random() < 0.95 ? 0x80 : 0;
  const mask = randomBytes(4);
  const length = random() < 0.95 ? content.length : 2 ** 40;
  const head =
    length < 126
      ? Buffer.from([first, masked | length])
      : length < 65_536
        ? Buffer.from([first, masked | 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([first, masked | 127]), lengthBytes(length)]);
  const bytes = masked ? content.map((byte, i) => byte ^ mask[i % 4]) : content;
  return Buffer.concat([head, masked ? mask : Buffer.alloc(0), bytes]);
}

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

/**
 * Sends request number `seed` to a port of this host, and ends it in one of several ways.
 * @returns the status of the answer, if there was one, once the connection is closed
 */
export function sendBadRequest(port: number, seed: number): Promise<number | undefined> {
  const random = seededRandom(seed);
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    let status: number | undefined;
    socket.on('close', () => resolve(status));
    const ends = pick(random, [answered, answered, answered, end, reset, leave, readNothing]);
    if (ends !== readNothing)
      socket.on('data', (data) => {
        const [, first] = /^HTTP\/1\.1 (\d+)/.exec(String(data)) ?? [];
        status ??= Number(first);
      });
    // Some end at once, most when what they have sent has been read for some time.
    const wait = random() < 0.2 ? undefined : Math.floor(random() * 12);
    socket.on('connect', () => {
      const isSocket = random() < 0.3;
      if (isSocket) {
        socket.write(handshake(random));
        const frames = 1 + Math.floor(random() * 4);
        for (let i = 0; i < frames; i++) socket.write(frame(random));
      } else socket.write(request(random));
      if (wait === undefined || ends === answered) ends(socket);
      else socket.write('', () => setTimeout(() => ends(socket), wait));
    });
  });
}

/** It waits for an answer, for a while. */
function answered(socket: Socket): void {
  setTimeout(() => socket.destroy(), 500).unref();
  socket.once('data', () => socket.destroy());
}

/** It has nothing more to say; whatever comes is still read, for a while. */
function end(socket: Socket): void {
  socket.end();
  setTimeout(() => socket.destroy(), 200);
}

function reset(socket: Socket): void {
  socket.resetAndDestroy();
}

function leave(socket: Socket): void {
  socket.destroy();
}

function readNothing(socket: Socket): void {
  setTimeout(() => socket.destroy(), 20);
}
