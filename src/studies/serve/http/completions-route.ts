/** `POST /v1/completions` */
import { completionsRequest } from './completions-body.js';
import { completion, completionChunk, completionUsage } from './completions-objects.js';
import type { CompletionHead } from './completions-objects.js';
import type { Exchange } from './exchange.js';
import { newId } from './ids.js';
import { sendAnswers } from './send-answers.js';
import { serviceFor } from './services.js';
import { timeInfoOf } from './usage.js';

export async function completionsRoute(exchange: Exchange): Promise<void> {
  const asked = completionsRequest(await exchange.body());
  const { services, unixSeconds: created } = exchange;
  const service = serviceFor(services, asked.model);
  const model = service.model.id;
  const head: CompletionHead = { id: newId('cmpl-'), object: 'text_completion', created, model };
  const { simulatedTimes } = asked.sampling;
  sendAnswers(exchange, service, asked, {
    whole: (answers) => completion(head, answers, asked.samples, simulatedTimes),
    chunk: (index, delta) => completionChunk(head, index, delta, simulatedTimes),
    usage: (answers) => completionUsage(head, answers, asked.samples),
    timeInfo: (answers) => timeInfoOf(answers, created),
  });
}
