/** `GET /v1/models` and `GET /v1/models/{model}` */
import type { Exchange } from './exchange.js';
import { sendJson } from './send-answers.js';
import type { ServedModel } from './service.js';
import { serviceFor } from './services.js';

export function modelsRoute({ services, response }: Exchange): void {
  const data = services.all.map(({ model }) => modelObject(model));
  sendJson(response, 200, { object: 'list', data });
}

export function modelRoute({ services, request, response }: Exchange): void {
  const [path] = request.url!.split('?', 1);
  const { model } = serviceFor(services, decoded(path.slice('/v1/models/'.length)));
  sendJson(response, 200, modelObject(model));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function modelObject({ id, created, maxModelLen }: ServedModel) {
  return { id, object: 'model', created, owned_by: 'wafersim', max_model_len: maxModelLen };
}
