/** `POST /v1/chat/completions` */
import { chatRequest } from './chat-body.js';
import { chatChunk, chatCompletion, chatUsage } from './chat-objects.js';
import type { Exchange } from './exchange.js';
import { newId } from './ids.js';
import { checkModel } from './models-route.js';
import { sendAnswers } from './send-answers.js';
import { timeInfoOf } from './usage.js';

export async function chatRoute(exchange: Exchange): Promise<void> {
  const asked = chatRequest(await exchange.body());
  const { service, unixSeconds: created } = exchange;
  const model = checkModel(service, asked.model);
  const head = { id: newId('chatcmpl-'), created, model };
  const { simulatedTimes } = asked.sampling;
  sendAnswers(
    exchange,
    { ...asked, prompts: [asked.prompt] },
    {
      whole: (answers) => chatCompletion(head, answers, simulatedTimes),
      chunk: (index, delta, first) => chatChunk(head, index, delta, { first, simulatedTimes }),
      usage: (answers) => chatUsage(head, answers),
      timeInfo: (answers) => timeInfoOf(answers, created),
    },
  );
}
