/** `/metrics` in the format of Prometheus, by prom-client, which is loaded with the first question. */
import type { MetricValue } from 'prom-client';
import { HISTOGRAMS, type HistogramName, type Metrics } from './metrics.js';
import type { Measured } from './service.js';

type Labels = Record<string, string | number>;
type Sample = MetricValue<string> & { metricName?: string };
type Kind = 'counter' | 'gauge' | 'histogram';

/** @param all models of one endpoint, told apart by the label `model_name` */
export async function metricsPage(
  all: readonly Measured[],
): Promise<{ type: string; text: string }> {
  const { Registry } = await import('prom-client');
  const registry = new Registry();
  const add = (type: Kind, name: string, help: string, of: (one: Measured) => Sample[]) => {
    const values = all.flatMap((one) =>
      of(one).map((sample) => ({ ...sample, labels: { ...labelsOf(one), ...sample.labels } })),
    );
    // What a registry asks of a metric is this; those of the library could not be given counts from outside.
    const metric = { name, help, type, values, aggregator: 'sum' };
    const asked = { ...metric, get: async () => metric };
    registry.registerMetric(asked as unknown as Parameters<typeof registry.registerMetric>[0]);
  };
  for (const [type, name, help, of] of NUMBERS)
    add(type, name, help, (one) => [{ labels: {}, value: of(one) }]);
  add('counter', 'vllm:request_success_total', 'Requests by why they ended', ({ metrics }) =>
    Object.entries(metrics.finished).map(([finished_reason, value]) => ({
      labels: { finished_reason },
      value,
    })),
  );
  for (const [name, [help]] of Object.entries(HISTOGRAMS))
    add('histogram', name, help, ({ metrics }) =>
      samplesOf(name, metrics.histograms[name as HistogramName]),
    );
  return { type: registry.contentType, text: await registry.metrics() };
}

function labelsOf({ model }: Measured): Labels {
  return { model_name: model.id, engine: '0' };
}

/** One number of a model each. */
const NUMBERS: [type: Kind, name: string, help: string, of: (one: Measured) => number][] = [
  [
    'gauge',
    'vllm:num_requests_running',
    'Requests that have started',
    ({ status }) => status.running,
  ],
  ['gauge', 'vllm:num_requests_waiting', 'Requests that wait', ({ status }) => status.waiting],
  [
    'gauge',
    'vllm:kv_cache_usage_perc',
    'Share of the KV cache in use by requests, 0 to 1',
    ({ status }) => status.kvUsed / status.kvTokens,
  ],
  [
    'gauge',
    'wafersim:kv_cache_kept_perc',
    'Share of the KV cache kept for idle connections, 0 to 1',
    ({ status }) => status.kvKept / status.kvTokens,
  ],
  [
    'counter',
    'wafersim:kv_evictions_total',
    'Kept caches that were evicted',
    ({ status }) => status.evictions,
  ],
  ['counter', 'vllm:prompt_tokens_total', 'Prompt tokens', ({ metrics }) => metrics.promptTokens],
  [
    'counter',
    'vllm:generation_tokens_total',
    'Output tokens',
    ({ metrics }) => metrics.generationTokens,
  ],
  [
    'counter',
    'vllm:prefix_cache_queries_total',
    'Prompt tokens of requests that continue a conversation',
    ({ metrics }) => metrics.queriedTokens,
  ],
  [
    'counter',
    'vllm:prefix_cache_hits_total',
    'Prompt tokens found in the cache of a connection',
    ({ metrics }) => metrics.cachedTokens,
  ],
];

function samplesOf(
  name: string,
  { bounds, counts, sum, count }: Metrics['histograms'][HistogramName],
): Sample[] {
  let below = 0;
  const buckets = [...bounds, '+Inf'].map((le, i) => {
    below += counts[i];
    return { metricName: `${name}_bucket`, labels: { le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
