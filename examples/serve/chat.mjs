/**
 * A chat as a stream by OpenAI's SDK, and how its pace compares with the simulated one.
 *
 *     node examples/serve/chat.mjs "Where is the time?"
 */
import OpenAI from 'openai';

const client = new OpenAI();
const [{ id: model }] = (await client.models.list()).data;
const question = process.argv[2] ?? 'Where is the time?';

const begun = performance.now();
let [first, last] = [NaN, NaN];
let end;
const stream = await client.chat.completions.create({
  model,
  messages: [{ role: 'user', content: question }],
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  const text = chunk.choices[0]?.delta.content ?? '';
  process.stdout.write(text);
  if (text !== '') last = performance.now();
  if (Number.isNaN(first)) first = last;
  // The last chunk has no choices, but what was used, and the seconds that the wafer took.
  if (chunk.usage) end = chunk;
}

const { usage, time_info: simulated } = end;
const perToken = (ms) => (ms / (usage.completion_tokens - 1)).toFixed(3);
process.stdout.write(`
${usage.prompt_tokens} tokens of prompt, ${usage.completion_tokens} of answer
simulated  first token after ${((simulated.queue_time + simulated.prompt_time) * 1000).toFixed(3)} ms, then ${perToken(simulated.completion_time * 1000)} ms per token
seen here  first token after ${(first - begun).toFixed(3)} ms, then ${perToken(last - first)} ms per token
`);
