/** `POST /v1/chat/completions` */
import { chatRequest } from './chat-body.js';
import { chatChunk, chatCompletion, chatUsage } from './chat-objects.js';
import type { Exchange } from './exchange.js';
import { newId } from './ids.js';
import { sendAnswers } from './send-answers.js';
import { serviceFor } from './services.js';
import { timeInfoOf } from './usage.js';

export async function chatRoute(exchange: Exchange): Promise<void> {
  const asked = chatRequest(await exchange.body());
  const { services, unixSeconds: created } = exchange;
  const service = serviceFor(services, asked.model);
  const head = { id: newId('chatcmpl-'), created, model: service.model.id };
  const { simulatedTimes } = asked.sampling;
  sendAnswers(
    exchange,
    service,
    { ...asked, prompts: [asked.prompt] },
    {
      whole: (answers) => chatCompletion(head, answers, simulatedTimes),
      chunk: (index, delta, first) => chatChunk(head, index, delta, { first, simulatedTimes }),
      usage: (answers) => chatUsage(head, answers),
      timeInfo: (answers) => timeInfoOf(answers, created),
    },
  );
}
