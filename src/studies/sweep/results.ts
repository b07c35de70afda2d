/** What a store says of each point of its plan: a status, and the metrics of its run. */
import { METRICS, SERVED, type Metric } from '../../report/metrics.js';
import type { AnyRun } from '../../report/serving-document.js';
import type { ErrorStatus, SweepStore } from '../../store/sweep-store.js';
import { parsed } from '../../config/json.js';
import type { AxisValue, FrozenPoint } from './point.js';

/** `damaged`: a file of the store that is no whole one; the point counts as missing. */
export type Status = 'ok' | 'check failed' | ErrorStatus | 'missing' | 'damaged';

export interface PointResult {
  index: number;
  key: string;
  axes: Record<string, AxisValue>;
  status: Status;
  /** As of a command that simulates this point alone; null if it has not run. */
  exitCode: number | null;
  /** Why it has no run. */
  message: string | null;
  /** By the names that benchmarks and plans have for them; none where there is no run. */
  metrics: Partial<Record<MetricName, number | null>>;
  /** Cycles of a token by operator, in program order; absent where there is no run. */
  operators?: Record<string, number>;
}

export type MetricName = keyof typeof METRICS | keyof typeof SERVED;

/** Every metric that a point may have, in the order of the results' columns. */
export const METRIC_NAMES = [...Object.keys(METRICS), ...Object.keys(SERVED)] as MetricName[];

export function metricOf(
  name: MetricName,
): Pick<Metric<never>, 'title' | 'unit' | 'better' | 'text'> {
  return name in METRICS
    ? METRICS[name as keyof typeof METRICS]
    : SERVED[name as keyof typeof SERVED];
}

/** What the store has of a point. */
export function resultOf(store: SweepStore, { index, key, axes }: FrozenPoint): PointResult {
  const point = { index, key, axes };
  const none = (status: Status, exitCode: number | null = null, message: string | null = null) => ({
    ...{ ...point, status, exitCode, message, metrics: {} },
  });
  const state = store.stateOf(key);
  if (state === 'missing') return none('missing');
  if (state === 'error') {
    const error = store.readError(key);
    return error === undefined
      ? none('damaged')
      : none(error.status, error.exitCode, error.message);
  }
  const run = runIn(store.readRun(key), key);
  if (run === undefined) return none('damaged');
  const failed = run.document.check?.passed === false;
  const status = failed ? 'check failed' : 'ok';
  const { metrics, operators } = run;
  return { ...point, status, exitCode: failed ? 1 : 0, message: null, metrics, operators };
}

/** Whether a point waits to be run. */
export function isOpen({ status }: PointResult): boolean {
  return status === 'missing' || status === 'damaged';
}

/** Whether it is run again where failures are: not if it would be the same again. */
export function isToRetry({ status }: PointResult): boolean {
  return status === 'failed' || status === 'limit reached';
}

/** Whether it has neither a result nor is still to run. */
export function isFailed(status: Status): boolean {
  return status === 'failed' || status === 'check failed';
}

/** A run and its metrics; undefined unless the text is that of a whole run with this key. */
function runIn(text: string | undefined, key: string) {
  const document = parsed(text ?? '') as AnyRun | undefined | null;
  if (document?.schema !== 'wafersim.run/1' || document.key !== key) return undefined;
  try {
    const metrics: PointResult['metrics'] = {};
    const put = (name: string, value: number | null | undefined) => {
      if (value === undefined) return;
      metrics[name as MetricName] = value !== null && Number.isFinite(value) ? value : null;
    };
    for (const [name, metric] of Object.entries<Metric<AnyRun>>(METRICS))
      put(name, metric.of(document));
    const { serving } = document;
    if (serving) for (const [name, metric] of Object.entries(SERVED)) put(name, metric.of(serving));
    const operators = Object.fromEntries(
      Object.entries(document.decode.breakdown).map(([name, { cycles }]) => [name, cycles]),
    );
    return { document, metrics, operators };
  } catch {
    // A field is missing that every run has.
    return undefined;
  }
}
