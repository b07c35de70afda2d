/** Which route answers a request. */
import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.js';
import { chatRoute } from './chat-route.js';
import { completionsRoute } from './completions-route.js';
import type { Route } from './exchange.js';
import { modelRoute, modelsRoute } from './models-route.js';
import { responsesRoute } from './responses-route.js';
import { sendJson } from './send-answers.js';

export const SOCKET_PATH = '/v1/responses';

const ROUTES: Record<string, Record<string, Route>> = {
  '/v1/models': { GET: modelsRoute },
  '/v1/models/': { GET: modelRoute },
  '/v1/chat/completions': { POST: chatRoute },
  '/v1/completions': { POST: completionsRoute },
  [SOCKET_PATH]: { POST: responsesRoute },
  '/health': { GET: ({ response }) => sendJson(response, 200, { status: 'ok' }) },
  '/metrics': {
    async GET({ services, response }) {
      const { type, text } = await services.metrics();
      response.writeHead(200, { 'content-type': type }).end(text);
    },
  },
};

/** Routes that ask for no key, as those who watch a service have none. */
const OPEN = new Set(['/health', '/metrics']);

/** @throws ApiError 404, 405 */
export function routeOf({ url = '', method = '' }: IncomingMessage): {
  route: Route;
  open: boolean;
} {
  const [path] = url.split('?', 1);
  const name = /^\/v1\/models\/./.test(path) ? '/v1/models/' : path;
  const methods = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined;
  if (methods === undefined)
    throw new ApiError(404, `Unknown request URL: ${method} ${path.slice(0, 80)}.`, {
      code: 'unknown_url',
    });
  const asked = method === 'HEAD' ? 'GET' : method;
  if (!Object.hasOwn(methods, asked)) {
    const allow = Object.keys(methods).join(', ');
    throw new ApiError(405, `${method} is not allowed here: expected ${allow}.`, {
      headers: { allow },
    });
  }
  return { route: methods[asked], open: OPEN.has(path) };
}
