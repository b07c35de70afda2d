/** The examples of examples/serve, each against an endpoint. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { scriptSource } from '../src/studies/serve/text/script.js';
import { MODEL, startEndpoint, type Running } from './helpers/endpoint.js';

const FOLDER = 'examples/serve';
let running: Running;
beforeAll(async () => {
  const script = `${FOLDER}/script.jsonl`;
  running = await startEndpoint({ text: scriptSource(readFileSync(script, 'utf8'), script) });
});
afterAll(() => running.close());

async function example(name: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, OPENAI_BASE_URL: `${running.url}/v1`, OPENAI_API_KEY: 'none' };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [`${FOLDER}/${name}`, ...args],
    { env },
  );
  expect(stderr).toBe('');
  return stdout;
}

describe('the examples of an endpoint', () => {
  it("chat by OpenAI's SDK", async () => {
    const text = await example('chat.mjs', 'Where is the time?');
    expect(text).toMatch(/^Between two cores .* one after the other\.\n/);
    // 5 tokens of prompt by a quarter of their bytes pass at 0.02 ms each, the last one in 0.2 ms.
    expect(text).toContain('5 tokens of prompt');
    expect(text).toContain('simulated  first token after 0.280 ms, then 0.200 ms per token');
    expect(text).toMatch(/seen here {2}first token after \d+\.\d+ ms, then \d+\.\d+ ms per token/);
  });

  it('run an agent over a WebSocket, which finds its cache', async () => {
    const lines = (await example('agent.mjs')).trim().split('\n');
    expect(lines.slice(0, 2)).toEqual([
      'Good morning.',
      'It is warm enough for a walk. Take the path along the lake.',
    ]);
    const counts = lines.slice(2).map((line) => line.match(/\d+/g)!.map(Number));
    expect(counts).toHaveLength(3);
    // A turn finds all of the context of the turn before it, and of its answer.
    counts.slice(1).forEach(([context, cached], i) => {
      expect(cached).toBeGreaterThan(counts[i][0]);
      expect(cached).toBeLessThan(context);
    });
    expect(counts[0][1]).toBe(0);
  });

  it('test its load, and account for all that they send', async () => {
    const text = await example('load.mjs', '--users', '10', '--seconds', '1', '--tokens', '20');
    const [, sent, completed] = /: (\d+) sent = (\d+) completed \+ 0 rejected \+ 0 failed\n/.exec(
      text,
    )!;
    expect(Number(sent)).toBeGreaterThan(50);
    expect(completed).toBe(sent);
    expect(text).toMatch(/TTFT p50 .*\nTPOT p50 /);
    expect(running.service.open()).toBe(0);
  });

  it('scrape what the endpoint has', async () => {
    const config = parse(readFileSync(`${FOLDER}/prometheus.yaml`, 'utf8')) as {
      scrape_configs: { metrics_path: string; static_configs: { targets: string[] }[] }[];
    };
    const [
      {
        metrics_path: path,
        static_configs: [{ targets }],
      },
    ] = config.scrape_configs;
    expect(targets).toEqual(['127.0.0.1:8000']);
    const response = await fetch(`${running.url}${path}`);
    expect(await response.text()).toContain(`vllm:num_requests_running{model_name="${MODEL}"`);
  });
});
