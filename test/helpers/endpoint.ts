/** An endpoint on loopback over a simulated server with simple step times, and words that are easy to foresee. */
import OpenAI from 'openai';
import { createDriver, type Driver } from '../../src/serving/driver.js';
import type { StepTime } from '../../src/serving/step-time.js';
import type { StreamInterval } from '../../src/studies/serve/http/answering.js';
import { openEndpoint, type Endpoint } from '../../src/studies/serve/http/endpoint.js';
import type { HttpLimits } from '../../src/studies/serve/http/limits.js';
import {
  simulatedService,
  type SimulatedService,
} from '../../src/studies/serve/http/simulated-service.js';
import { servicesOf } from '../../src/studies/serve/http/services.js';
import type { Answer, Asked, TextSource } from '../../src/studies/serve/text/source.js';
import { POLICIES } from '../../src/serving/policy.js';
import { host } from '../../src/host.js';
import { FREE, options, pipeline } from '../serving-helpers.js';

export const MODEL = 'tiny';

export interface Running {
  endpoint: Endpoint;
  service: SimulatedService;
  driver: Driver;
  url: string;
  client: OpenAI;
  faults: unknown[];
  hostLimits: number[];
  /** Throws if there was a fault of the endpoint's own. */
  close(): Promise<void>;
}

export interface RunningOptions {
  text?: TextSource;
  stepTime?: StepTime;
  speed?: number;
  maxModelLen?: number;
  maxWaiting?: number;
  maxUsers?: number;
  kvTokens?: number;
  streamInterval?: StreamInterval;
  apiKey?: string;
  limits?: Partial<HttpLimits>;
}

/** Ready to serve: a token takes 0.2 ms, and a prompt's 0.02 ms, unless told otherwise. */
export async function startEndpoint(given: RunningOptions = {}): Promise<Running> {
  const { maxModelLen = 32_768, speed = 1, apiKey, text = words() } = given;
  const faults: unknown[] = [];
  const hostLimits: number[] = [];
  const unixSeconds = () => 1_700_000_000;
  const onFault = (error: unknown) => void faults.push(error);
  const endpoint = await openEndpoint({
    ...{ host: '127.0.0.1', port: 0, apiKey, unixSeconds, onFault },
    limits: given.limits ?? {},
  });
  const driver = createDriver({
    ...options(given.stepTime ?? pipeline(10, 20_000), 'fcfs'),
    ...(given.maxUsers !== undefined && {
      policy: POLICIES.fcfs({ maxUsers: given.maxUsers, promptTokens: 256, floor: 1000 }),
    }),
    transport: FREE,
    maxContext: maxModelLen,
    kvTokens: given.kvTokens ?? 1e6,
    maxWaiting: given.maxWaiting,
  });
  const service = simulatedService({
    driver,
    text,
    model: { id: MODEL, created: 1_700_000_000, maxModelLen },
    streamInterval: given.streamInterval ?? 'auto',
    limits: endpoint.limits,
    ...{ speed, now: host.now, onFault },
    onHostLimit: (seconds) => hostLimits.push(seconds),
  });
  endpoint.serve(servicesOf([service], host.now));
  const url = `http://127.0.0.1:${endpoint.port}`;
  return {
    ...{ endpoint, service, driver, url, faults, hostLimits },
    client: new OpenAI({ baseURL: `${url}/v1`, apiKey: apiKey ?? 'none', maxRetries: 0 }),
    async close() {
      service.stop();
      await endpoint.close();
      if (faults.length > 0) throw new AggregateError(faults, `faults: ${faults.join(', ')}`);
    },
  };
}

/** Says " w0 w1 w2 ...", so many of them unless the client wants fewer or ignores the end. A prompt's words are its tokens. */
export function words(length = 10): TextSource {
  return saying(({ maxTokens, ignoreEos }) => {
    const count = ignoreEos ? maxTokens : Math.min(length, maxTokens);
    const cut = ignoreEos || length > maxTokens;
    const tokens = Array.from({ length: count }, (_, id) => ({ id, text: ` w${id}` }));
    return {
      tokens,
      token: (index) => tokens[index],
      finish: () => (cut ? 'length' : 'stop'),
      calls: [],
      close() {},
    };
  });
}

/** A source whose answers are made so. */
export function saying(answer: (asked: Asked) => Answer): TextSource {
  return {
    name: 'script',
    count({ ids, messages }) {
      const spoken = messages.flatMap(({ text }) =>
        text.split(/\s+/).filter((word) => word !== ''),
      );
      return { tokens: ids?.length ?? spoken.length, by: 'tokenizer' };
    },
    answer,
    close: async () => {},
  };
}
