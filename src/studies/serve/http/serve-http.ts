/** A configuration as an endpoint: it listens at once, says 503 until its steps are known, and then serves. */
import type { Source } from '../../../config.js';
import { ConfigError } from '../../../config/errors.js';
import type { SimulateOptions } from '../../../decode/options.js';
import type { GridWork } from '../../steps/step-times.js';
import { prepareEndpoint, type EndpointOptions, type PreparedEndpoint } from '../endpoint.js';
import type { StreamInterval } from './answering.js';
import { openEndpoint } from './endpoint.js';
import { servicesOf } from './services.js';
import { counter, simulatedService } from './simulated-service.js';
import { warmUp } from './warm-up.js';

export interface ServeOptions extends EndpointOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Simulated seconds in a second of the wall clock. */
  speed: number;
  streamInterval: StreamInterval;
  /** What clients have to send; undefined: nothing. */
  apiKey?: string | undefined;
  /** Receives faults of the endpoint's own. */
  onFault: (error: unknown) => void;
  /** Seconds since 1970. */
  unixSeconds: () => number;
}

/** An endpoint that serves. */
export interface Serving {
  document: ServeDocument;
  /** What a person should know, one line each. */
  notes: string[];
  /** Gives up what runs, ends connections and the record; says how many requests there were, by why they ended. */
  close(): Promise<Record<string, number>>;
}

/** `wafersim.serve/1`: where it serves what; of several models the first one, and all of them in `models`. */
export interface ServeDocument extends ServedModelDocument {
  schema: 'wafersim.serve/1';
  url: string;
  text: string;
  transport: string;
  speed: number;
  models?: ServedModelDocument[];
}

export interface ServedModelDocument {
  model: string;
  maxModelLen: number;
  /** Positions of the KV cache, for all users together; users that decode at once, and that may wait. */
  kvTokens: number;
  maxUsers: number;
  maxWaiting: number;
  /** Tokens per simulated second of one user alone, with the shortest and with the longest context. */
  aloneTokensPerSecond: [shortest: number, longest: number];
}

/** @throws what `prepareEndpoint` throws; ConfigError if it cannot listen there */
export async function serveHttp(
  source: Source,
  options: ServeOptions,
  simulateOptions: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<Serving> {
  const endpoint = await openEndpoint(options).catch((error: unknown) => {
    throw whyNotListening(error, options);
  });
  try {
    const prepared = await prepareEndpoint(source, options, simulateOptions);
    const { speed, streamInterval, onFault, onNote, unixSeconds } = options;
    const { now } = simulateOptions;
    const created = unixSeconds();
    const onHostLimit = (seconds: number) =>
      onNote(
        `tokens go out ${Math.round(seconds * 1000)} ms late: the host, not the wafer, is the limit; ` +
          'a lower --speed or fewer users give the times of the wafer',
      );
    const models = prepared.map(({ modelName: id, maxModelLen }) => ({ id, created, maxModelLen }));
    const warming = { model: models[0], now, streamInterval };
    await warmUp(prepared[0].spare(), warming, onFault);
    // A session may talk to all models, so no two requests have the same number.
    const nextId = counter();
    const services = prepared.map(({ driver, text }, i) =>
      simulatedService({
        ...{ driver, text, streamInterval, speed, onFault, limits: endpoint.limits },
        ...{ model: models[i], now, onHostLimit, nextId },
      }),
    );
    endpoint.serve(servicesOf(services, now));
    const all = prepared.map(modelDocument);
    return {
      document: {
        schema: 'wafersim.serve/1',
        url: `http://${hostOf(options.host)}:${endpoint.port}/v1`,
        text: prepared[0].text.name,
        transport: options.transport,
        speed,
        ...all[0],
        ...(all.length > 1 && { models: all }),
      },
      notes: prepared.flatMap(({ modelName, notes }) =>
        all.length > 1 ? notes.map((note) => `${modelName}: ${note}`) : notes,
      ),
      async close() {
        for (const service of services) service.stop();
        await endpoint.close();
        await Promise.all(prepared.map((one) => one.close()));
        return added(services.map((service) => service.finished()));
      },
    };
  } catch (error) {
    await endpoint.close();
    throw error;
  }
}

function modelDocument(prepared: PreparedEndpoint): ServedModelDocument {
  const { modelName: model, maxModelLen, kvTokens, maxUsers, maxWaiting } = prepared;
  const { aloneTokensPerSecond } = prepared;
  return { model, maxModelLen, kvTokens, maxUsers, maxWaiting, aloneTokensPerSecond };
}

/** Counts of all models together. */
function added(all: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [reason, many] of all.flatMap((one) => Object.entries(one)))
    sum[reason] = (sum[reason] ?? 0) + many;
  return sum;
}

/** An address of IPv6 stands in brackets. */
function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'one that is in use: choose another, or 0 for any that is free',
  EACCES: 'one that only the system may use: choose one above 1023',
};

function whyNotListening(error: unknown, { host, port }: ServeOptions): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (Object.hasOwn(REASONS, code))
    return new ConfigError(`--port ${port}: expected a port that is free, found ${REASONS[code]}`);
  if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL' || code === 'EAI_AGAIN')
    return new ConfigError(`--host ${host}: expected an address of this host, found ${message}`);
  return error;
}
