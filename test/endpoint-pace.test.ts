/** The pace of an endpoint: what clients see next to what is simulated, under load, and when the host is too slow. */
import { Agent, request as httpRequest } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { seededRandom } from '../src/numeric/random.js';
import type { Driver } from '../src/serving/driver.js';
import { createPace } from '../src/studies/serve/http/pace.js';
import { host } from '../src/host.js';
import type { Request } from '../src/serving/request.js';
import type { Prompt } from '../src/studies/serve/text/source.js';
import { MODEL, startEndpoint, words, type Running } from './helpers/endpoint.js';
import { count, FULL } from './helpers/full.js';
import { pipeline } from './serving-helpers.js';

interface Times {
  arrival_ns: number;
  token_ns: number[];
}

const prompt = (tokens: number) => Array.from({ length: tokens }, () => 'word').join(' ');
const ttftNs = ({ arrival_ns: arrival, token_ns: [first] }: Times) => first - arrival;
/** By how much timers of this process come late, one in ten by more: a host with other work cannot keep a pace. */
async function hostLagMs(): Promise<number> {
  const late: number[] = [];
  for (let i = 0; i < 40; i++) {
    const begun = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    late.push(performance.now() - begun - 5);
  }
  return late.toSorted((a, b) => a - b)[Math.floor(0.9 * late.length)];
}

const CALM_MS = 2;
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** One turn over a WebSocket: the response, and when its first text came. */
async function turn(socket: WebSocket, fields: object) {
  const sent = performance.now();
  let first = NaN;
  socket.send(
    JSON.stringify({ type: 'response.create', model: MODEL, simulated_times: true, ...fields }),
  );
  for (;;) {
    const data = await new Promise((resolve) => socket.once('message', resolve));
    const { type, response } = JSON.parse(String(data)) as {
      type: string;
      response: { id: string; simulated_times: Times; usage: { input_tokens: number } };
    };
    if (type === 'response.output_text.delta' && Number.isNaN(first)) first = performance.now();
    if (type === 'response.completed') return { ...response, seenMs: first - sent };
  }
}

describe('a session of 20,000 tokens of context', () => {
  it('has its second first token in a tenth of the time over a WebSocket, over HTTP after all of it', async () => {
    const running = await startEndpoint({ streamInterval: 'auto', speed: FULL ? 1 : 20 });
    const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/responses`);
    // Turns follow one another too closely for listeners that come and go: all messages go through one.
    const queue: unknown[] = [];
    socket.on('message', (data) => queue.push(data));
    await new Promise((resolve) => socket.once('open', resolve));
    const first = await turnOf(socket, queue, { input: prompt(20_000) });
    const second = await turnOf(socket, queue, {
      ...{ input: prompt(50), previous_response_id: first.id },
    });
    expect(second.usage.input_tokens).toBe(20_000 + 10 + 50);
    expect(ttftNs(second.simulated_times)).toBeLessThan(ttftNs(first.simulated_times) / 10);
    // 50 new tokens at 0.02 ms, and the last one through the whole pipeline.
    expect(ttftNs(second.simulated_times)).toBe(49 * 20_000 + 200_000);
    if (FULL && (await hostLagMs()) < CALM_MS)
      expect(second.seenMs).toBeLessThan(first.seenMs / 10);
    const again = await running.client.responses.create({
      ...{ model: MODEL, input: prompt(50), previous_response_id: first.id },
      ...({ simulated_times: true } as object),
    });
    const overHttp = (again as unknown as { simulated_times: Times }).simulated_times;
    expect(ttftNs(overHttp)).toBeGreaterThanOrEqual(ttftNs(first.simulated_times));
    expect(again.usage?.input_tokens_details.cached_tokens).toBe(0);
    socket.terminate();
    await running.close();
  });
});

async function turnOf(socket: WebSocket, queue: unknown[], fields: object) {
  const relay = Object.assign(Object.create(socket) as WebSocket, {
    once(_event: string, take: (data: unknown) => void) {
      const next = () => {
        if (queue.length > 0) take(queue.shift());
        else setTimeout(next, 1);
      };
      next();
      return socket;
    },
    send: (data: string) => socket.send(data),
  });
  return turn(relay, fields);
}

/** A streamed chat: when its first and last text came, and the simulated times. */
async function seen({ client }: Running, tokens: number, promptTokens: number) {
  const sent = performance.now();
  const stream = await client.chat.completions.create({
    ...{ model: MODEL, max_tokens: tokens, stream: true as const },
    messages: [{ role: 'user', content: prompt(promptTokens) }],
    ...({ ignore_eos: true, simulated_times: true } as object),
  });
  let [first, last] = [NaN, NaN];
  const times: Times = { arrival_ns: NaN, token_ns: [] };
  for await (const chunk of stream) {
    last = performance.now();
    if (Number.isNaN(first)) first = last;
    const own = (chunk.choices[0] as unknown as { simulated_times: Times }).simulated_times;
    times.token_ns.push(...own.token_ns);
    times.arrival_ns = own.arrival_ns;
  }
  const simulated = (times.token_ns.at(-1)! - times.token_ns[0]) / 1e6 / (tokens - 1);
  return {
    ttftMs: first - sent,
    tpotMs: (last - first) / (tokens - 1),
    simulatedTtftMs: ttftNs(times) / 1e6,
    simulatedTpotMs: simulated,
  };
}

describe.runIf(FULL)('the times that a client sees', () => {
  it.for([
    { speed: 0.1, tokens: 300 },
    { speed: 1, tokens: 4000 },
  ])('are the simulated ones at --speed $speed', async ({ speed, tokens }, { skip }) => {
    const before = await hostLagMs();
    // 0.5 ms per token, as of a model of 8B on a wafer.
    const running = await startEndpoint({ speed, stepTime: pipeline(50, 10_000) });
    await seen(running, 10, 10);
    const all: Awaited<ReturnType<typeof seen>>[] = [];
    for (let i = 0; i < 7; i++) all.push(await seen(running, tokens, 2000));
    const [{ simulatedTpotMs, simulatedTtftMs }] = all;
    const [tpot, ttft] = [simulatedTpotMs / speed, simulatedTtftMs / speed];
    expect(tpot).toBeCloseTo(0.5 / speed, 6);
    // Never early. How late depends on what else the host does, so that the best of them counts.
    for (const { ttftMs } of all) expect(ttftMs).toBeGreaterThan(ttft * 0.97);
    const lag = Math.max(before, await hostLagMs());
    if (lag > CALM_MS) {
      await running.close();
      skip(`the host is too busy to keep a pace: its timers come ${lag.toFixed(1)} ms late`);
    }
    expect(Math.min(...all.map(({ ttftMs }) => ttftMs))).toBeLessThan(ttft * 1.03 + 5);
    expect(Math.min(...all.map(({ tpotMs }) => Math.abs(tpotMs / tpot - 1)))).toBeLessThan(0.03);
    await running.close();
  });
});

describe('two hundred users at once', () => {
  it('have all their requests accounted for, and memory stays flat', async () => {
    const seconds = count(2, 12);
    const running = await startEndpoint({
      ...{ maxUsers: 20, maxWaiting: 40, text: words(64), stepTime: pipeline(50, 10_000) },
      speed: 0.05,
    });
    const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
    const outcomes = { completed: 0, rejected: 0, cancelled: 0 };
    let sent = 0;
    const until = performance.now() + seconds * 1000;
    const user = async (_: unknown, index: number) => {
      const random = seededRandom(index);
      while (performance.now() < until) {
        sent++;
        const leavesAfter = random() < 0.2 ? Math.floor(random() * 4) : Infinity;
        const outcome = await ask(running, agent, leavesAfter);
        outcomes[outcome]++;
        const pause = (outcome === 'rejected' ? 500 : 50) * random();
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    };
    const heaps: number[] = [];
    const watch = setInterval(() => heaps.push(heap()), 1000);
    await Promise.all(Array.from({ length: 200 }, user));
    clearInterval(watch);
    await expect.poll(() => running.service.open()).toBe(0);
    const { stop = 0, error = 0, abort = 0 } = running.service.finished();
    expect(stop + error + abort).toBe(sent);
    expect(outcomes.completed + outcomes.rejected + outcomes.cancelled).toBe(sent);
    expect(error).toBe(outcomes.rejected);
    // A client may leave when all of its answer is already on its way.
    expect(abort).toBeLessThanOrEqual(outcomes.cancelled);
    expect(abort).toBeGreaterThan(0);
    for (const one of Object.values(outcomes)) expect(one).toBeGreaterThan(0);
    expect(running.driver.status()).toMatchObject({ running: 0, waiting: 0, kvUsed: 0 });
    expect(running.faults).toEqual([]);
    if (FULL) {
      expect(heaps.length).toBeGreaterThan(6);
      const [early, late] = [heaps.slice(1, 4), heaps.slice(-3)].map(median);
      expect(late).toBeLessThan(early * 1.2);
    }
    agent.destroy();
    await running.close();
  }, 120_000);
});

/** Bytes of the heap, garbage left out. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** A streamed request, which its client gives up after so many pieces of it. */
function ask(
  { endpoint }: Running,
  agent: Agent,
  leavesAfter: number,
): Promise<'completed' | 'rejected' | 'cancelled'> {
  const body = JSON.stringify({ model: MODEL, prompt: 'one two', max_tokens: 64, stream: true });
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...{ agent, port: endpoint.port, host: '127.0.0.1', path: '/v1/completions', method: 'POST' },
      headers: { 'content-type': 'application/json' },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const isRejected = response.statusCode === 429;
      let pieces = 0;
      let text = '';
      response.on('data', (data) => {
        text += String(data);
        // Its last piece may have come already: then it is complete.
        if (isRejected || ++pieces <= leavesAfter || text.endsWith('[DONE]\n\n')) return;
        response.destroy();
        resolve('cancelled');
      });
      response.on('error', () => {});
      response.on('end', () => resolve(isRejected ? 'rejected' : 'completed'));
    });
    request.end(body);
  });
}

describe('a host that is too slow', () => {
  it('is said once, and not of a tick or two', async () => {
    const said: number[] = [];
    let ticks = 0;
    let lateTicks = 10;
    const driver: Driver = {
      ...{ submit: () => 0, cancel: () => 0, finish: () => 0, close: () => 0 },
      nextNs: () => (ticks < 200 ? 0 : Infinity),
      advance: (until) => {
        const late = ticks++ % 100 < lateTicks;
        return [{ id: 0, index: 0, ns: late ? until - 1e8 : until, waferNs: 0 }];
      },
      status: () => ({
        ...{ running: 0, waiting: 0, kvTokens: 1, kvUsed: 0, kvKept: 0 },
        ...{ keptSessions: 0, evictions: 0 },
      }),
    };
    const options = { driver, speed: 1, now: () => 10, onLag() {}, onFault() {} };
    const run = async () => {
      ticks = 0;
      const pace = createPace({ ...options, onHostLimit: (seconds) => said.push(seconds) });
      pace.closeSession(0);
      await expect.poll(() => ticks).toBe(200);
      pace.stop();
    };
    await run();
    expect(said).toEqual([]);
    lateTicks = 90;
    await run();
    expect(said).toEqual([0.1]);
  });
});

describe('a request', () => {
  it('has come before it is read', async () => {
    let counted = NaN;
    const text = words();
    const count = (prompt: Prompt) => {
      counted = host.now();
      return text.count(prompt);
    };
    const running = await startEndpoint({ text: { ...text, count } });
    const { service, client } = running;
    const before: number[] = [];
    const start = service.start.bind(service);
    service.start = (ask, take) => {
      before.push(counted - ask.since!);
      return start(ask, take);
    };
    const asked = { model: MODEL, max_tokens: 1 };
    await client.completions.create({ ...asked, prompt: 'word' });
    await client.chat.completions.create({
      ...asked,
      messages: [{ role: 'user', content: 'word' }],
    });
    await client.responses.create({ model: MODEL, max_output_tokens: 16, input: 'word' });
    expect(before).toHaveLength(3);
    for (const seconds of before) expect(seconds).toBeGreaterThan(0);
    await running.close();
  });

  it('arrives at the simulated instant at which it had come', () => {
    const arrived: number[] = [];
    const submit = (_request: Request, now: number) => arrived.push(now);
    const driver = { submit, nextNs: () => Infinity } as unknown as Driver;
    let seconds = 10;
    const now = () => seconds;
    const options = { driver, speed: 2, now, onLag() {}, onFault() {}, onHostLimit() {} };
    const pace = createPace(options);
    seconds = 13;
    const request = { id: 0, arrivalNs: 0, promptTokens: 1, outputTokens: 1 };
    pace.submit(request, { token() {}, flush() {} }, 12);
    pace.submit(request, { token() {}, flush() {} });
    expect(arrived).toEqual([4e9, 6e9]);
    pace.stop();
  });
});
