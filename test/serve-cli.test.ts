/** `wafersim serve` as a process: it says where it serves, answers, records, and ends as it is told to. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { seededRandom } from '../src/numeric/random.js';
import { wafersim } from './helpers/command-line.js';
import { count, FULL } from './helpers/full.js';

const MAIN = resolve('dist/cli/main.js');
const CONFIG = resolve('configs/serving-tiny.yaml');
/** Few contexts, so that their steps are simulated in a second or two. */
const SHORT = ['--max-model-len', '96'];

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-serve-'));
});
afterAll(() => rmSync(home, { recursive: true }));

interface Server {
  url: string;
  said(): string;
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

const children: { kill(signal: 'SIGKILL'): void }[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Starts to serve at any port; ready once it says so. */
async function serve(...args: string[]): Promise<Server> {
  const child = spawn(process.execPath, [MAIN, 'serve', CONFIG, ...SHORT, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  child.stderr.on('data', (data) => (said += String(data)));
  const code = new Promise<number | null>((done) => child.on('exit', done));
  await expect
    .poll(() => (child.exitCode === null ? said : 'ended'), { timeout: 50_000 })
    .toMatch(/ serving /);
  return {
    url: /http:\S+\/v1/.exec(said)![0],
    said: () => said,
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return code;
    },
  };
}

const clientOf = ({ url }: Server, apiKey = 'none') =>
  new OpenAI({ baseURL: url, apiKey, maxRetries: 0 });
const hello = { messages: [{ role: 'user' as const, content: 'hello there' }] };

/** So slow that clients that give up do so in the middle of an answer. */
const SLOW = FULL ? '0.05' : '0.25';

describe('wafersim serve', () => {
  it('says in a line where it serves what, answers, and ends with a signal', async () => {
    const server = await serve('--served-model-name', 'mine', '--api-key', 'k', '--seed', 'a');
    const [line] = server
      .said()
      .split('\n')
      .filter((one) => one.includes(' serving '));
    expect(line).toMatch(
      /^wafersim: serving mine at http:\/\/127\.0\.0\.1:\d+\/v1 \([\d,]+ tokens\/s for one user, contexts up to 96 tokens, text lorem, transport none\)$/,
    );
    const client = clientOf(server, 'k');
    expect((await client.models.list()).data).toMatchObject([{ id: 'mine', max_model_len: 96 }]);
    const ask = () => client.chat.completions.create({ model: 'mine', ...hello, max_tokens: 8 });
    const answer = await ask();
    expect(answer.choices[0].message.content).toMatch(/^( [a-z]+){8}$/);
    // The same words for the same prompt and seed.
    expect((await ask()).choices[0].message).toEqual(answer.choices[0].message);
    await expect(clientOf(server).models.list()).rejects.toMatchObject({ status: 401 });
    expect(await server.end('SIGINT')).toBe(130);
    expect(server.said()).toMatch(
      /\nwafersim: interrupted; 2 requests completed, 0 given up, 0 rejected\n$/,
    );
  });

  it('says 503 while it simulates, and ends then too', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => free.once('listening', done));
    const { port } = free.address() as AddressInfo;
    await new Promise((done) => free.close(done));
    const args = [CONFIG, '--port', String(port), '--no-cache', '--shards', '1'];
    const child = spawn(process.execPath, [MAIN, 'serve', ...args], { stdio: 'ignore' });
    children.push(child);
    const code = new Promise((done) => child.on('exit', done));
    const status = () =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        (one) => one.status,
        () => 0,
      );
    await expect.poll(status, { timeout: 30_000 }).toBe(503);
    child.kill('SIGTERM');
    expect(await code).toBe(143);
  });

  it('records what it serves, which run gives again to the nanosecond', async () => {
    const record = join(home, 'record');
    const server = await serve('--record', record, '--speed', SLOW, '--transport', 'http');
    const sessions = count(12, 100);
    await Promise.all(Array.from({ length: sessions }, (_, i) => session(server, i)));
    expect(await server.end()).toBe(143);
    expect(readdirSync(record).toSorted()).toEqual(['run.yaml', 'trace.ndjson']);
    const { status, stdout, stderr } = await wafersim('run', join(record, 'run.yaml'), '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { serving } = JSON.parse(stdout) as {
      serving: { replay: { requests: number; tokens: number; differing: number } };
    };
    expect(serving.replay.requests).toBeGreaterThan(sessions);
    expect(serving.replay.tokens).toBeGreaterThan(10 * sessions);
    expect(serving.replay.differing).toBe(0);
    const lines = readFileSync(join(record, 'trace.ndjson'), 'utf8');
    expect(lines).toContain('cancel');
  }, 120_000);

  it.each([
    [['--text', 'poem'], /poem/],
    [['--text', 'script:missing.jsonl'], /missing\.jsonl/],
    [['--speed', '0'], /--speed <x>.*a number above 0/],
    [['--port', '70000'], /--port <n>.*a port from 0 to 65535/],
    [['--transport', 'pigeon'], /--transport <kind>.*none, http, websocket/],
    [['--stream-interval', '0'], /--stream-interval <n>.*auto or a whole number/],
    [['--max-model-len', '1'], /at least 2/],
    [
      ['--host', 'no.such.host.invalid'],
      /--host no\.such\.host\.invalid: expected an address of this host/,
    ],
  ])('refuses %j in a line', async (args, says) => {
    const { status, stderr } = await wafersim('serve', CONFIG, '--port', '0', ...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('refuses a port that is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => taken.once('listening', done));
    const { port } = taken.address() as AddressInfo;
    const { status, stderr } = await wafersim('serve', CONFIG, '--port', String(port));
    expect(status).toBe(2);
    expect(stderr).toBe(
      `--port ${port}: expected a port that is free, found one that is in use: choose another, or 0 for any that is free\n`,
    );
    taken.close();
  });
});

/** A client with a few requests over HTTP, or turns over a WebSocket, some of which it gives up. */
async function session(server: Server, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const turns = 1 + Math.floor(random() * 3);
  await new Promise((done) => setTimeout(done, random() * 500));
  if (seed % 2 === 0) await overHttp(server, random, turns);
  else await overSocket(server, random, turns);
}

async function overHttp(server: Server, random: () => number, turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) {
    const stream = await clientOf(server).chat.completions.create({
      ...{ model: 'tiny', ...hello, max_tokens: 10 + Math.floor(random() * 40) },
      stream: true,
    });
    const leaves = random() < 0.3;
    for await (const _ of stream) if (leaves) break;
  }
}

async function overSocket(server: Server, random: () => number, turns: number): Promise<void> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/responses`);
  const ends: ((id: string) => void)[] = [];
  socket.on('message', (data) => {
    const { type, response } = JSON.parse(String(data)) as {
      type: string;
      response: { id: string };
    };
    if (/completed|incomplete|error/.test(type)) ends.shift()?.(response?.id);
  });
  await new Promise((done) => socket.once('open', done));
  let previous: string | undefined;
  for (let i = 0; i < turns; i++) {
    const done = new Promise<string>((end) => ends.push(end));
    const fields = { input: 'and on', max_output_tokens: 10, previous_response_id: previous };
    socket.send(JSON.stringify({ type: 'response.create', ...fields }));
    if (random() < 0.3) {
      await new Promise((end) => setTimeout(end, 5));
      break;
    }
    previous = await done;
  }
  socket.close();
  await new Promise((done) => socket.once('close', done));
}
