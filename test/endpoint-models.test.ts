/** One endpoint of several models: requests go to the one that they name, and each has caches, times and counts of its own. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import OpenAI from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../src/config.js';
import { host } from '../src/host.js';
import { serveHttp, type ServeOptions } from '../src/studies/serve/http/serve-http.js';
import { serveAll } from '../src/studies/serve/serve-all.js';
import { stepCache } from '../src/studies/steps/step-cache.js';
import { OPTIONS } from './helpers/options.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-models-'));
afterAll(() => rmSync(home, { recursive: true }));

/** The endpoint keeps the pace of the host's clock. */
const STEPS = { ...OPTIONS, ...host, steps: stepCache() };
/** One model under two names: its steps are simulated once. */
const TINY = `{ config: ${resolve('models/tiny.json')}, dtype: f32 }`;

function file(second: string, wafers = 'auto'): string {
  const path = join(home, 'models.yaml');
  writeFileSync(
    path,
    `hardware: { extends: ${resolve('configs/hardware/small.yaml')}, wafers: ${wafers} }
workload: { kind: serving, context: 64, arrivals: { rate: 10 }, prompt: { mean: 9 }, output: { mean: 9 } }
serving: { tolerance: 0.5, minContext: 62 }
transport: { kind: none }
deployments:
  - { name: first, model: ${TINY}, share: 1 }
  - { name: ${second}, model: ${TINY}, share: 1 }
`,
  );
  return path;
}

const faults: unknown[] = [];
const asked = (more: Partial<ServeOptions> = {}): ServeOptions => ({
  ...{ host: '127.0.0.1', port: 0, speed: 1, streamInterval: 'auto', seed: '1', text: 'lorem' },
  ...{ transport: 'none', maxWaiting: 8, maxModelLen: 64, unixSeconds: () => 1 },
  onNote: () => {},
  onFault: (error) => void faults.push(error),
  ...more,
});

const started = (path: string, more: Partial<ServeOptions> = {}) =>
  serveHttp({ path, sets: [] }, asked(more), STEPS);

interface Ended {
  type: string;
  response: {
    id: string;
    model: string;
    usage: { input_tokens: number; input_tokens_details: { cached_tokens: number } };
  };
  error: { code: string };
}

/** A connection on which one turn follows the other. */
async function conversation(url: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/responses`);
  await new Promise((ready, failed) => socket.once('open', ready).once('error', failed));
  return {
    close: () => socket.close(),
    turn(fields: object): Promise<Ended> {
      socket.send(JSON.stringify({ type: 'response.create', max_output_tokens: 2, ...fields }));
      return new Promise((done) =>
        socket.on('message', function take(data) {
          const event = JSON.parse(String(data)) as Ended;
          if (!/^(response\.(completed|incomplete)|error)$/.test(event.type)) return;
          socket.off('message', take);
          done(event);
        }),
      );
    },
  };
}

describe('an endpoint of several models', () => {
  it('lists all, answers as the one that is asked for, and counts each by its name', async () => {
    const record = join(home, 'record');
    const serving = await started(file('second'), { record });
    const { url, models, model } = serving.document;
    expect(model).toBe('first');
    expect(models!.map((one) => one.model)).toEqual(['first', 'second']);
    const client = new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 });
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['first', 'second']);
    expect((await client.models.retrieve('second')).id).toBe('second');
    const say = async (name: string) =>
      client.completions.create({ model: name, prompt: [1, 2, 3], max_tokens: 4 });
    expect((await say('second')).model).toBe('second');
    expect((await say('second')).model).toBe('second');
    expect((await say('first')).model).toBe('first');
    await expect(say('third')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    const unnamed = await fetch(`${url}/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: [1], max_tokens: 1 }),
    });
    expect(await unnamed.json()).toMatchObject({ model: 'first' });
    const metrics = await (await fetch(url.replace(/v1$/, 'metrics'))).text();
    const tokens = (name: string) =>
      metrics.includes(`vllm:generation_tokens_total{model_name="${name}",engine="0"}`) &&
      Number(
        new RegExp(`generation_tokens_total\\{model_name="${name}".*\\} (\\d+)`).exec(metrics)![1],
      );
    expect([tokens('first'), tokens('second')]).toEqual([5, 8]);
    expect(metrics.match(/# TYPE vllm:generation_tokens_total/g)).toHaveLength(1);
    expect(await serving.close()).toMatchObject({ length: 4 });
    // Each has a record of its own, which is served again.
    expect(readdirSync(record).toSorted()).toEqual(['first', 'second']);
    const path = join(record, 'second', 'run.yaml');
    const again = await serveAll(loadConfig(path), path, [], STEPS);
    expect(again.document.serving.replay).toMatchObject({ requests: 2, tokens: 8, differing: 0 });
    expect(faults).toEqual([]);
  });

  it('keeps the caches of a connection apart: another model reads the whole conversation', async () => {
    const serving = await started(file('second'));
    const talk = await conversation(serving.document.url);
    const cached = ({ response }: Ended) => response.usage.input_tokens_details.cached_tokens;
    const one = await talk.turn({ model: 'first', input: 'here are some words to read' });
    const two = await talk.turn({
      ...{ model: 'first', input: 'and more' },
      previous_response_id: one.response.id,
    });
    expect(cached(two)).toBeGreaterThan(4);
    const other = await talk.turn({
      ...{ model: 'second', input: 'and you?' },
      previous_response_id: two.response.id,
    });
    expect(other.response.model).toBe('second');
    expect(cached(other)).toBe(0);
    expect(other.response.usage.input_tokens).toBeGreaterThan(two.response.usage.input_tokens);
    // What the first model kept of the connection is still there.
    const back = await talk.turn({
      ...{ model: 'first', input: 'and more' },
      previous_response_id: two.response.id,
    });
    expect(back.type).toMatch(/completed|incomplete/);
    const unknown = await talk.turn({ model: 'third', input: 'x' });
    expect(unknown.error.code).toBe('model_not_found');
    talk.close();
    await serving.close();
    expect(faults).toEqual([]);
  });

  it('is refused where it cannot be', async () => {
    await expect(started(file('second', '1'))).rejects.toThrow(
      /deployments need 2 wafers .* it would fit with hardware\.wafers=2/,
    );
    await expect(started(file('second'), { servedModelName: 'x' })).rejects.toThrow(
      /^--served-model-name: expected none, as deployments have names of their own, found x$/,
    );
    const unnameable = started(file('"../up"'), { record: join(home, 'other') });
    await expect(unnameable).rejects.toThrow(/^--record: expected deployments whose names can be/);
  });
});
