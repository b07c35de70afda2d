/** A configuration as an endpoint: it listens at once, says 503 until its steps are known, and then serves. */
import type { Source } from '../../../config.js';
import { ConfigError } from '../../../config/errors.js';
import type { SimulateOptions } from '../../../decode/options.js';
import type { GridWork } from '../../steps/step-times.js';
import { prepareEndpoint, type EndpointOptions } from '../endpoint.js';
import type { StreamInterval } from './answering.js';
import { openEndpoint } from './endpoint.js';
import { simulatedService } from './simulated-service.js';
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

/** `wafersim.serve/1`: where it serves what. */
export interface ServeDocument {
  schema: 'wafersim.serve/1';
  url: string;
  model: string;
  text: string;
  transport: string;
  speed: number;
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
    const { modelName, maxModelLen, text, driver, notes } = prepared;
    const { speed, streamInterval, onFault, onNote, unixSeconds } = options;
    const { now } = simulateOptions;
    const model = { id: modelName, created: unixSeconds(), maxModelLen };
    await warmUp(prepared.spare(), { model, now, streamInterval }, onFault);
    const service = simulatedService({
      ...{ driver, text, streamInterval, speed, onFault, limits: endpoint.limits },
      ...{ model, now },
      onHostLimit: (seconds) =>
        onNote(
          `tokens go out ${Math.round(seconds * 1000)} ms late: the host, not the wafer, is the limit; ` +
            'a lower --speed or fewer users give the times of the wafer',
        ),
    });
    endpoint.serve(service);
    const { kvTokens, maxUsers, maxWaiting, aloneTokensPerSecond } = prepared;
    return {
      document: {
        schema: 'wafersim.serve/1',
        url: `http://${hostOf(options.host)}:${endpoint.port}/v1`,
        model: modelName,
        text: text.name,
        transport: options.transport,
        ...{ speed, maxModelLen, kvTokens, maxUsers, maxWaiting, aloneTokensPerSecond },
      },
      notes,
      async close() {
        service.stop();
        await endpoint.close();
        await prepared.close();
        return service.finished();
      },
    };
  } catch (error) {
    await endpoint.close();
    throw error;
  }
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
