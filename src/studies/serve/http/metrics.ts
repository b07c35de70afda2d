/**
 * What `/metrics` tells, counted as it happens: plain numbers, so that nothing is loaded and little is done as long
 * as nobody asks. Times are simulated seconds, but for the endpoint's own lag.
 */
import type { Served } from '../../../serving/request.js';
import { histogram, observe, type Histogram } from './histogram.js';

/** vLLM's begin at 1 ms and 10 ms; a token of a wafer takes less. */
const SECONDS = [
  ...[0.00005, 0.0001, 0.0002, 0.0003, 0.0004, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.005],
  ...[0.0075, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2.5, 5, 10, 30, 60],
  ...[120, 300, 600],
];
const TOKENS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6,
];

export interface Metrics {
  histograms: Record<HistogramName, Histogram>;
  promptTokens: number;
  cachedTokens: number;
  /** Prompt tokens of requests that continued a conversation: a cache was looked for. */
  queriedTokens: number;
  generationTokens: number;
  /** Requests by why they ended: `stop`, `length`, `tool_calls`, `abort`, `error`. */
  finished: Record<string, number>;
}

export const HISTOGRAMS = {
  'vllm:time_to_first_token_seconds': ['Time to first token', SECONDS],
  'vllm:inter_token_latency_seconds': ['Time between two tokens of a request', SECONDS],
  'vllm:request_time_per_output_token_seconds': [
    'Mean time per output token after the first, one value per request',
    SECONDS,
  ],
  'vllm:e2e_request_latency_seconds': ['From the arrival of a request to its last token', SECONDS],
  'vllm:request_queue_time_seconds': ['Time in the queue', SECONDS],
  'vllm:request_prefill_time_seconds': ['From the first prompt token to the first token', SECONDS],
  'vllm:request_decode_time_seconds': ['From the first token to the last', SECONDS],
  'vllm:request_inference_time_seconds': ['Prefill and decode together', SECONDS],
  'vllm:request_prompt_tokens': ['Tokens of a prompt', TOKENS],
  'vllm:request_generation_tokens': ['Tokens of an answer', TOKENS],
  'vllm:request_params_max_tokens': ['Tokens that a request allows its answer', TOKENS],
  'wafersim:delivery_lag_seconds': [
    "The endpoint's own lag: wall-clock time from a token's being due to its being handed to its connection",
    SECONDS,
  ],
} as const satisfies Record<string, readonly [help: string, bounds: readonly number[]]>;

export type HistogramName = keyof typeof HISTOGRAMS;

export function createMetrics(): Metrics {
  const all = Object.entries(HISTOGRAMS).map(([name, [, bounds]]) => [name, histogram(bounds)]);
  return {
    histograms: Object.fromEntries(all) as Metrics['histograms'],
    promptTokens: 0,
    cachedTokens: 0,
    queriedTokens: 0,
    generationTokens: 0,
    finished: {},
  };
}

export function count(metrics: Metrics, name: HistogramName, value: number): void {
  observe(metrics.histograms[name], value);
}

export function countFinish(metrics: Metrics, reason: string): void {
  metrics.finished[reason] = (metrics.finished[reason] ?? 0) + 1;
}

/** A request that is complete. */
export function countServed(metrics: Metrics, served: Served): void {
  const { request, arrivalNs, firstTokenNs, lastTokenNs, tokens } = served;
  const seconds = (name: HistogramName, ns: number) => count(metrics, name, ns / 1e9);
  if (tokens > 0) seconds('vllm:time_to_first_token_seconds', firstTokenNs - arrivalNs);
  if (tokens > 1)
    seconds(
      'vllm:request_time_per_output_token_seconds',
      (lastTokenNs - firstTokenNs) / (tokens - 1),
    );
  seconds('vllm:e2e_request_latency_seconds', lastTokenNs - arrivalNs);
  seconds('vllm:request_queue_time_seconds', served.queueNs);
  seconds('vllm:request_prefill_time_seconds', served.prefillNs);
  seconds('vllm:request_decode_time_seconds', served.decodeNs);
  seconds('vllm:request_inference_time_seconds', served.prefillNs + served.decodeNs);
  count(metrics, 'vllm:request_prompt_tokens', request.promptTokens);
  count(metrics, 'vllm:request_generation_tokens', tokens);
  metrics.promptTokens += request.promptTokens;
  if ((request.historyTokens ?? 0) > 0) {
    metrics.queriedTokens += request.promptTokens;
    metrics.cachedTokens += served.cachedTokens ?? 0;
  }
}
