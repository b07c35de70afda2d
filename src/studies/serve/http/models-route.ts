/** `GET /v1/models` and `GET /v1/models/{model}` */
import { unknownModel } from './api-error.js';
import type { Exchange } from './exchange.js';
import { sendJson } from './send-answers.js';
import type { ServedModel, Service } from './service.js';

export function modelsRoute({ service, response }: Exchange): void {
  sendJson(response, 200, { object: 'list', data: [modelObject(service.model)] });
}

export function modelRoute({ service, request, response }: Exchange): void {
  const [path] = request.url!.split('?', 1);
  checkModel(service, decoded(path.slice('/v1/models/'.length)));
  sendJson(response, 200, modelObject(service.model));
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

/**
 * The name of the model that serves a request: the one that it asks for, if it asks for any.
 * @throws ApiError (404) if it asks for another
 */
export function checkModel({ model }: Service, asked: string | undefined): string {
  if (asked !== undefined && asked !== model.id) throw unknownModel(asked);
  return model.id;
}
