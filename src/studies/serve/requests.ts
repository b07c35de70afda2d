/** The requests of a configuration: a trace, open arrivals, a closed loop, or agent sessions. */
import type { ResolvedConfig } from '../../config.js';
import { servingOf } from '../../config/deployments.js';
import { readText } from '../../config/files.js';
import { ConfigError } from '../../config/errors.js';
import { agentSessions, closedLoop, openArrivals, type Length } from '../../serving/arrivals.js';
import type { RequestRecord } from '../../serving/recorded.js';
import type { Request } from '../../serving/request.js';
import { readTrace, TraceError, type Trace } from '../../serving/trace.js';

export interface RequestSource {
  requests: Request[];
  /** What it is, for people: `azure trace x.csv`, `poisson arrivals`. */
  name: string;
  notes: string[];
  /** Rows of the trace that could not be used and were left out. */
  skippedRows: number;
  /** Everything that was asked for, where it was recorded. */
  record?: RequestRecord;
  /** The requests as they came to a router, with the numbers that they had there. */
  originals?: readonly Request[];
}

const DEFAULT_REQUESTS = 1000;
const MAX_OUTPUT_TOKENS = 2e8;

/**
 * @param maxContext longest context that sessions grow to
 * @throws ConfigError if the workload names none or several of them, or the trace cannot be used
 */
export function requestsOf(config: ResolvedConfig, maxContext: number): RequestSource {
  const { trace, arrivals, sessions } = config.workload;
  const given = Object.entries({ trace, arrivals, sessions }).filter(([, v]) => v !== undefined);
  if (given.length !== 1)
    throw new ConfigError(
      `workload: expected one of trace, arrivals or sessions with kind: serving, found ` +
        (given.length === 0 ? 'none' : given.map(([key]) => key).join(' and ')),
    );
  if (trace === undefined && config.workload.skipInvalid === true)
    throw new ConfigError(
      `workload.skipInvalid: expected with workload.trace, found ${given[0][0]}, whose requests are all valid`,
    );
  const source = trace === undefined ? synthetic(config, maxContext) : fromTrace(config);
  const output = source.requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  // A record's answers may be given far more room than they take.
  if (output > MAX_OUTPUT_TOKENS && source.record === undefined)
    throw new ConfigError(
      `workload: expected at most ${MAX_OUTPUT_TOKENS} output tokens in all, found ${output}; ` +
        `take fewer with workload.requests`,
    );
  return source;
}

function fromTrace({ workload, traceFile, deployments }: ResolvedConfig): RequestSource {
  const path = traceFile!;
  const { trace, requests: limit = Infinity, skipInvalid = false } = workload;
  const { file, ...columns } = typeof trace === 'string' ? { file: trace } : trace!;
  if ('model' in columns && deployments === undefined)
    throw new ConfigError(
      `workload.trace.model: expected none without deployments, found ${columns.model}`,
    );
  const models = servingOf(deployments ?? []).map(({ name }) => name);
  try {
    const text = readText({ path, from: 'workload.trace' });
    const read = readTrace(text, path, { columns, models, limit, skipInvalid });
    if (read.record && deployments !== undefined)
      throw new ConfigError(
        `workload.trace: expected requests without what an endpoint recorded of one model, as there are deployments, found ${path}`,
      );
    return {
      requests: read.requests,
      name: `${read.format} trace ${file}`,
      notes: [
        ...(read.sorted ? [`${path} was not in the order of arrival and has been sorted`] : []),
        ...skippedNote(path, read.skipped),
      ],
      skippedRows: read.skipped.rows,
      ...(read.record && { record: read.record }),
    };
  } catch (error) {
    throw error instanceof TraceError ? new ConfigError(error.message) : error;
  }
}

function skippedNote(path: string, { rows, first }: Trace['skipped']): string[] {
  if (first === undefined) return [];
  const what = rows === 1 ? '1 row of' : `${rows} rows of`;
  return [
    `${what} ${path} cannot be used and ${rows === 1 ? 'is' : 'are'} left out; the first: ${first}`,
  ];
}

function synthetic({ workload }: ResolvedConfig, maxContext: number): RequestSource {
  const { requests: count = DEFAULT_REQUESTS, arrivals, sessions } = workload;
  const seed = String(workload.seed);
  if (sessions !== undefined) {
    const requests = agentSessions(count, { ...sessions, maxContext }, seed);
    return { requests, name: 'agent sessions', notes: [], skippedRows: 0 };
  }
  const lengths = { prompt: lengthOf(workload, 'prompt'), output: lengthOf(workload, 'output') };
  const { process, users, thinkSeconds, rate, burstiness } = arrivals!;
  const requests =
    process === 'closed'
      ? closedLoop(count, users, thinkSeconds, lengths, seed)
      : openArrivals(count, { process, rate, burstiness }, lengths, seed);
  const name = process === 'closed' ? `closed loop of ${users} users` : `${process} arrivals`;
  return { requests, name, notes: [], skippedRows: 0 };
}

function lengthOf(workload: ResolvedConfig['workload'], name: 'prompt' | 'output'): Length {
  const length = workload[name];
  if (typeof length !== 'object' || Array.isArray(length))
    throw new ConfigError(
      `workload.${name}: expected {mean, cv} with workload.arrivals, found nothing`,
    );
  return length;
}
