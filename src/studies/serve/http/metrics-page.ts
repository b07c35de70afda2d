/** `/metrics` in the format of Prometheus, by prom-client, which is loaded with the first question. */
import type { MetricValue } from 'prom-client';
import type { Status } from '../../../serving/driver.js';
import { HISTOGRAMS, type HistogramName, type Metrics } from './metrics.js';
import type { ServedModel } from './service.js';

type Labels = Record<string, string | number>;
type Sample = MetricValue<string> & { metricName?: string };
type Kind = 'counter' | 'gauge' | 'histogram';

export async function metricsPage(
  metrics: Metrics,
  { running, waiting, kvTokens, kvUsed, kvKept, evictions }: Status,
  model: ServedModel,
): Promise<{ type: string; text: string }> {
  const { Registry } = await import('prom-client');
  const registry = new Registry();
  const labels: Labels = { model_name: model.id, engine: '0' };
  const add = (type: Kind, name: string, help: string, values: Sample[]) => {
    // What a registry asks of a metric is this; those of the library could not be given counts from outside.
    const metric = { name, help, type, values, aggregator: 'sum' };
    const asked = { ...metric, get: async () => metric };
    registry.registerMetric(asked as unknown as Parameters<typeof registry.registerMetric>[0]);
  };
  const one = (type: Kind, name: string, help: string, value: number) =>
    add(type, name, help, [{ labels, value }]);
  one('gauge', 'vllm:num_requests_running', 'Requests that have started', running);
  one('gauge', 'vllm:num_requests_waiting', 'Requests that wait', waiting);
  one(
    'gauge',
    'vllm:kv_cache_usage_perc',
    'Share of the KV cache in use by requests, 0 to 1',
    kvUsed / kvTokens,
  );
  one(
    'gauge',
    'wafersim:kv_cache_kept_perc',
    'Share of the KV cache kept for idle connections, 0 to 1',
    kvKept / kvTokens,
  );
  one('counter', 'wafersim:kv_evictions_total', 'Kept caches that were evicted', evictions);
  one('counter', 'vllm:prompt_tokens_total', 'Prompt tokens', metrics.promptTokens);
  one('counter', 'vllm:generation_tokens_total', 'Output tokens', metrics.generationTokens);
  one(
    'counter',
    'vllm:prefix_cache_queries_total',
    'Prompt tokens of requests that continue a conversation',
    metrics.queriedTokens,
  );
  one(
    'counter',
    'vllm:prefix_cache_hits_total',
    'Prompt tokens found in the cache of a connection',
    metrics.cachedTokens,
  );
  add(
    'counter',
    'vllm:request_success_total',
    'Requests by why they ended',
    Object.entries(metrics.finished).map(([finished_reason, value]) => ({
      labels: { ...labels, finished_reason },
      value,
    })),
  );
  for (const [name, [help]] of Object.entries(HISTOGRAMS))
    add(
      'histogram',
      name,
      help,
      samplesOf(name, metrics.histograms[name as HistogramName], labels),
    );
  return { type: registry.contentType, text: await registry.metrics() };
}

function samplesOf(
  name: string,
  { bounds, counts, sum, count }: Metrics['histograms'][HistogramName],
  labels: Labels,
): Sample[] {
  let below = 0;
  const buckets = [...bounds, '+Inf'].map((le, i) => {
    below += counts[i];
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
