/**
 * What a process does for the first time takes it ten times as long. So an endpoint asks another one for something,
 * over loopback and of all kinds, before it says that it serves: its first client is to see the wafer, not the host.
 */
import { request } from 'node:http';
import type { Driver } from '../../../serving/driver.js';
import { loremSource } from '../text/lorem.js';
import { openEndpoint } from './endpoint.js';
import { servicesOf } from './services.js';
import { simulatedService, type ServiceOptions } from './simulated-service.js';

const ROUNDS = 8;
const SPEED = 1000;
const TOKENS = 16;

const MESSAGES = [{ role: 'user', content: 'Where is the time?' }];
const PROMPT = Array.from({ length: 256 }, (_, i) => i);
const ASKED = [
  { path: '/v1/completions', body: { prompt: PROMPT, max_tokens: TOKENS } },
  { path: '/v1/chat/completions', body: { messages: MESSAGES, max_completion_tokens: TOKENS } },
  { path: '/v1/responses', body: { input: MESSAGES, max_output_tokens: TOKENS } },
];

/** @param driver of its own, which nobody else sees */
export async function warmUp(
  driver: Driver,
  options: Pick<ServiceOptions, 'model' | 'now' | 'streamInterval'>,
  onFault: (error: unknown) => void,
): Promise<void> {
  const own = { host: '127.0.0.1', port: 0, unixSeconds: () => 0, onFault };
  const endpoint = await openEndpoint(own);
  const { limits, port } = endpoint;
  const text = loremSource('');
  const service = simulatedService({
    ...{ ...options, driver, text, limits, onFault },
    speed: SPEED,
    onHostLimit: () => {},
  });
  endpoint.serve(servicesOf([service], options.now));
  for (let round = 0; round < ROUNDS; round++)
    for (const { path, body } of ASKED) await post(port, path, { ...body, stream: true });
  service.stop();
  await endpoint.close();
}

/** Asks, and reads what comes without looking at it. */
function post(port: number, path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) =>
      response.on('end', resolve).on('error', reject).resume(),
    )
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}
