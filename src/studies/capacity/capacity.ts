/** The highest request rate of a serving configuration that meets limits on its percentiles. */
import { ConfigError } from '../../config/errors.js';
import { runIdentity, scenariosIdentity } from '../../identity.js';
import type { SimulateOptions } from '../../decode/options.js';
import { loadConfig, type Source } from '../../config.js';
import { prepareDeployments, together } from '../serve/deployments.js';
import { costServed, gpusOf, isServing, prepare, scenariosOf } from '../serve/serve.js';
import type { Prepared } from '../serve/serve.js';
import type { GridWork } from '../steps/step-times.js';
import { hostOfSteps, withThreads } from '../steps/work.js';
import type { CapacityDocument } from './table.js';
import type { GpuResult } from '../../report/serving-document.js';
import { highestLoad } from '../../serving/capacity-search.js';
import type { CostResult } from '../../serving/cost.js';
import { metricsOf, type ServingMetrics } from '../../serving/metrics.js';
import type { Request } from '../../serving/request.js';
import { serve, type ServeResult } from '../../serving/server.js';

type Metric = 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2elMs';
type Statistic = 'mean' | 'p50' | 'p90' | 'p99';

/** A limit such as `ttft.p99<=500ms`. */
export interface Slo {
  text: string;
  metric: Metric;
  statistic: Statistic;
  limitMs: number;
}

/**
 * Limits of MLPerf Inference for Llama 2 70B: server since v4.0, interactive since v5.0
 * (mlcommons.org/2025/04/llm-inference-v5). Meeting them here is a what-if, not a result.
 */
export const SLO_PRESETS: Record<string, string[]> = {
  'mlperf-server': ['ttft.p99<=2000ms', 'tpot.p99<=200ms'],
  'mlperf-interactive': ['ttft.p99<=450ms', 'tpot.p99<=40ms'],
};

/** What has to stand next to a rate that meets a preset. */
const WHAT_IF =
  'the limits are those of MLPerf Inference for Llama 2 70B, as a what-if: another model and other ' +
  'requests, simulated; no MLPerf result';

const SLO = /^(ttft|tpot|itl|e2el)\.(mean|p50|p90|p99)<=(\d+(?:\.\d+)?)(us|ms|s)$/;
const MS: Record<string, number> = { us: 0.001, ms: 1, s: 1000 };

/** @throws ConfigError if the text is no limit */
export function readSlo(text: string): Slo {
  const match = SLO.exec(text.replaceAll(/\s/g, ''));
  if (!match)
    throw new ConfigError(
      `--slo: expected a limit such as ttft.p99<=500ms (ttft, tpot, itl, e2el; mean, p50, p90, p99), found ${JSON.stringify(text)}`,
    );
  const [, name, statistic, amount, unit] = match;
  const limitMs = Number(amount) * MS[unit];
  return { text, metric: `${name}Ms` as Metric, statistic: statistic as Statistic, limitMs };
}

export interface CapacityResult {
  slos: string[];
  /** Requests per second: highest rate known to meet the limits, lowest known to break them. */
  requestsPerSecond: { meets: number; breaks: number | null };
  tried: number;
  /** Metrics at the rate that meets the limits, of all models together; null if none does. */
  metrics: ServingMetrics | null;
  /** Of several models each: its part of the rate, and its own metrics at the rate that meets the limits. */
  deployments?: { name: string; share: number; metrics: ServingMetrics | null }[];
  /** Where prices are given: what output tokens cost at that rate. */
  cost?: CostResult;
  /** The GPUs that the configuration compares with (`serving.gpus`), sent the same requests, and whether the limits hold. */
  gpus?: (GpuResult & { meets: boolean })[];
  /** Rows of the trace that could not be used and were left out. */
  skippedRows: number;
  notes: string[];
}

export interface CapacityAsked {
  /** Limits as they are typed, and the name of a list of them in `SLO_PRESETS`. */
  slo: readonly string[];
  preset?: string | undefined;
  /** Width of the bracket, as a share. */
  tolerance: number;
}

/**
 * The highest rate at which the first scenario of a configuration meets limits, or each of its deployments does with
 * its part of the requests.
 * @throws ConfigError for limits that are none, and for a workload that serves nothing
 */
export async function capacity(
  { path, sets }: Source,
  { slo, preset, tolerance }: CapacityAsked,
  options: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<CapacityDocument> {
  const known = preset === undefined ? [] : SLO_PRESETS[preset];
  if (known === undefined)
    throw new ConfigError(
      `--preset: expected ${Object.keys(SLO_PRESETS).join(' or ')}, found ${preset}`,
    );
  const slos = [...known, ...slo].map(readSlo);
  if (slos.length === 0)
    throw new ConfigError('capacity: expected --slo or --preset, found neither');
  const base = loadConfig(path, sets);
  if (!isServing(base))
    throw new ConfigError(`${path}: workload.kind: expected serving, found decode`);
  const all = scenariosOf(base, path, sets);
  const isOne = base.deployments === undefined;
  const asked = isOne ? all.slice(0, 1) : all;
  const begun = options.now();
  const prepared = await withThreads(options, async (work) =>
    isOne
      ? [await prepare(asked[0].scenario, asked[0].config, work)]
      : prepareDeployments(base, asked, work, new Map()),
  );
  options.onProgress?.({ done: 1, total: 1, what: 'serving' });
  const result = capacityOf(prepared, slos, tolerance);
  const notes = [...result.notes, ...(preset === undefined ? [] : [WHAT_IF])];
  const limits = slos.map(({ text: _, ...limit }) => limit);
  const [{ scenario, config }] = asked;
  const of = { limits, tolerance };
  const identity = isOne ? runIdentity(config, of) : scenariosIdentity(base, asked, of);
  const host = hostOfSteps(options, begun);
  return {
    schema: 'wafersim.capacity/1',
    ...{ ...identity, scenario: isOne ? scenario : '', ...result, notes, host },
  };
}

/** Requests may not pile up: a burst that drains in time says nothing of a rate that continues. */
const KEEPS_UP = 0.9;
const KEEPS_UP_NOTE =
  'A rate counts only if requests are completed at 90 % of it, the time after the last arrival included; ' +
  'the more requests there are, the less that leaves out.';

/**
 * Sends the same requests faster or slower until the limits just hold for each model. A rate is the number of
 * requests of all models over the time between the first and the last arrival.
 * @param prepared the models that get requests, each with its own
 * @throws ConfigError for a closed loop, whose rate follows from the server
 */
export function capacityOf(
  prepared: readonly Prepared[],
  slos: Slo[],
  tolerance: number,
): CapacityResult {
  const asked = prepared.filter(({ source }) => source.requests.length > 0);
  const last = asked.reduce((latest, one) => Math.max(latest, lastOf(one)), 0);
  if (asked.some(isClosed) || last === 0)
    throw new ConfigError(
      'capacity: expected arrivals over time, found a closed loop or one instant',
    );
  const rateOf = ({ source }: Prepared) => (source.requests.length / last) * 1e9;
  const rate = asked.reduce((sum, one) => sum + rateOf(one), 0);
  const meets = (factor: number) =>
    asked.every((one) => {
      const metrics = metricsOf(servedAt(one, factor));
      const keepsUp = metrics.requestThroughput >= KEEPS_UP * factor * rateOf(one);
      return keepsUp && meetsAll(metrics, slos);
    });
  const { low, high, tried } = highestLoad(meets, tolerance);
  const runs = low > 0 ? asked.map((one) => servedAt(one, low)) : undefined;
  const metrics = runs ? metricsOf(runs.length === 1 ? runs[0] : together(runs)) : null;
  return {
    slos: slos.map(({ text }) => text),
    requestsPerSecond: { meets: low * rate, breaks: high === Infinity ? null : high * rate },
    tried,
    metrics,
    ...(metrics && besides(prepared, metrics, low, slos)),
    ...(prepared.length > 1 && {
      deployments: asked.map((one, i) => ({
        name: one.scenario,
        share: rateOf(one) / rate,
        metrics: runs ? metricsOf(runs[i]) : null,
      })),
    }),
    skippedRows: skippedIn(prepared),
    notes: [...new Set(prepared.flatMap(({ source }) => source.notes)), KEEPS_UP_NOTE],
  };
}

function isClosed({ config }: Prepared): boolean {
  return config.workload.arrivals?.process === 'closed';
}

/** When the last request comes that follows no other. */
function lastOf({ source }: Prepared): number {
  return source.requests.reduce(
    (latest, { after, arrivalNs }) => (after === undefined ? Math.max(latest, arrivalNs) : latest),
    0,
  );
}

function servedAt({ source, serve: options }: Prepared, factor: number): ServeResult {
  return serve(faster(source.requests, factor), options);
}

/** Rows of all traces that were left out; that of a router is read once for all models. */
function skippedIn(prepared: readonly Prepared[]): number {
  const byTrace = new Map(
    prepared.map(({ scenario, source }) => [
      source.originals === undefined ? scenario : undefined,
      source.skippedRows,
    ]),
  );
  return [...byTrace.values()].reduce((sum, rows) => sum + rows, 0);
}

/** What tokens cost at the rate, and what GPUs do with the same requests, of one model. */
function besides(
  prepared: readonly Prepared[],
  metrics: ServingMetrics,
  factor: number,
  slos: Slo[],
): Pick<CapacityResult, 'cost' | 'gpus'> {
  const [first] = prepared;
  const wafers = prepared.reduce((sum, { deployment }) => sum + deployment.placement.wafers, 0);
  const gpus =
    prepared.length > 1
      ? []
      : gpusOf(first, faster(first.source.requests, factor), (of) => ({
          meets: meetsAll(of, slos),
        }));
  return { ...costServed(first.config, wafers, metrics), ...(gpus.length > 0 && { gpus }) };
}

function meetsAll(metrics: ServingMetrics, slos: Slo[]): boolean {
  const { completed, rejected } = metrics.requests;
  if (completed === 0 || rejected > completed) return false;
  return slos.every(({ metric, statistic, limitMs }) => metrics[metric][statistic] <= limitMs);
}

function faster(requests: readonly Request[], factor: number): Request[] {
  return requests.map((one) => ({ ...one, arrivalNs: Math.round(one.arrivalNs / factor) }));
}
