/**
 * An agent with a tool, over one WebSocket: a turn that continues another finds what came before in the KV cache.
 *
 *     node examples/serve/agent.mjs
 */
import { Agent, setTracingDisabled, tool, withResponsesWebSocketSession } from '@openai/agents';
import { WebSocket } from 'ws';

// Node 20 has no WebSocket of its own.
globalThis.WebSocket ??= WebSocket;
setTracingDisabled(true);

const base = process.env.OPENAI_BASE_URL;
const models = await fetch(`${base}/models`, {
  headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}` },
});
const [{ id: model }] = (await models.json()).data;

const temperature = tool({
  name: 'temperature',
  description: 'The temperature in a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  execute: ({ city }) => `The temperature is 21 degrees in ${city}.`,
});
const agent = new Agent({ name: 'guide', instructions: 'Be brief.', model, tools: [temperature] });

await withResponsesWebSocketSession(
  async ({ run }) => {
    const first = await run(agent, 'Good morning.');
    process.stdout.write(`${first.finalOutput}\n`);
    // From here on each turn continues a response: it sends what is new, first the question, then what the tool said.
    const next = await run(agent, 'Is it warm enough for a walk?', {
      previousResponseId: first.lastResponseId,
    });
    process.stdout.write(`${next.finalOutput}\n`);
    for (const { usage } of [...first.rawResponses, ...next.rawResponses]) {
      const { cached_tokens: cached = 0 } = usage.inputTokensDetails[0] ?? {};
      process.stdout.write(
        `${usage.inputTokens} tokens of context, ${cached} of them in the cache\n`,
      );
    }
  },
  { providerOptions: { baseURL: base, websocketBaseURL: base.replace(/^http/, 'ws') } },
);
