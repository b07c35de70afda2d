/**
 * A load test: so many users, each with one request after the other. It counts what it sent, and what came of it.
 *
 *     node examples/serve/load.mjs --users 50 --seconds 10 --tokens 64
 */
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '10' },
    tokens: { type: 'string', default: '64' },
  },
});
const [users, seconds, tokens] = [values.users, values.seconds, values.tokens].map(Number);
const base = process.env.OPENAI_BASE_URL;
const headers = {
  'content-type': 'application/json',
  authorization: `Bearer ${process.env.OPENAI_API_KEY}`,
};
const [{ id: model }] = (await (await fetch(`${base}/models`, { headers })).json()).data;

const count = { sent: 0, completed: 0, rejected: 0, failed: 0 };
const ttft = [];
const tpot = [];
const until = performance.now() + seconds * 1000;
await Promise.all(Array.from({ length: users }, user));
const took = (performance.now() - until) / 1000 + seconds;

async function user() {
  while (performance.now() < until) {
    count.sent++;
    const outcome = await ask().catch(() => 'failed');
    count[outcome]++;
    if (outcome !== 'completed') await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function ask() {
  const begun = performance.now();
  const response = await fetch(`${base}/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({
      ...{ model, prompt: 'Count the wavelets.', max_tokens: tokens, ignore_eos: true },
      ...{ stream: true, stream_options: { include_usage: true } },
    }),
  });
  if (response.status === 429) return 'rejected';
  if (!response.ok) return 'failed';
  let [first, last, text] = [NaN, NaN, ''];
  for await (const bytes of response.body) {
    last = performance.now();
    if (Number.isNaN(first)) first = last;
    text += new TextDecoder().decode(bytes);
  }
  if (!text.endsWith('data: [DONE]\n\n')) return 'failed';
  const made = Number(/"completion_tokens":(\d+)/.exec(text)[1]);
  ttft.push(first - begun);
  if (made > 1) tpot.push((last - first) / (made - 1));
  return 'completed';
}

const at = (list, share) => list.toSorted((a, b) => a - b)[Math.floor(share * (list.length - 1))];
const line = (name, list) =>
  list.length > 0
    ? `${name} p50 ${at(list, 0.5).toFixed(3)} ms, p90 ${at(list, 0.9).toFixed(3)} ms\n`
    : '';
process.stdout.write(
  `${users} users, ${took.toFixed(1)} s: ${count.sent} sent = ${count.completed} completed + ` +
    `${count.rejected} rejected + ${count.failed} failed\n` +
    `${Math.round((count.completed * tokens) / took)} tokens/s of all users\n` +
    line('TTFT', ttft) +
    line('TPOT', tpot),
);
if (count.sent !== count.completed + count.rejected + count.failed) process.exitCode = 1;
