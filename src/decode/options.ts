/** What a run is given in addition to its configuration, and where its programs run. */
import type { EngineName } from '../engine/engines.js';
import type { RunDetail } from '../report/detail.js';
import type { HostResult } from '../report/document.js';
import { createRunner, type Runner } from './runner.js';
import type { Shared } from './sharing.js';

export interface SimulateOptions {
  engine: EngineName;
  /** Worker threads. */
  shards: number;
  /** Where programs run, if several configurations share it; the caller that created it closes it. */
  runner?: Runner;
  /** Cycles that one program (a stage of a token, or a line tried for it) may take; else LimitError. */
  maxCycles?: number | undefined;
  /** Whether equal regions are simulated once. */
  memo: boolean;
  onProgress?: ((progress: { done: number; total: number; what: string }) => void) | undefined;
  /** Ends the simulation within some milliseconds, by rejecting with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Receives the last step core by core; without it none of that is collected. */
  onDetail?: ((detail: RunDetail) => void) | undefined;
  /** Receives the logits after each position that a run computes, those of a prompt first. */
  onLogits?: ((logits: ArrayLike<number>) => void) | undefined;
  /** Receives the text of the tokens that are chosen, bit by bit, where the model has a tokenizer. */
  onText?: ((text: string) => void) | undefined;
  /** What runs that differ in the places of their regions alone have in common; they fill it. */
  shared?: Shared;
  /** Seconds from any fixed instant, and bytes of memory in use at most; for `host` only. */
  now: () => number;
  rss: () => number;
}

/** What a document says of the host; `begun` is when the work began, by `options.now`. */
export function hostOf({ engine, shards, now, rss }: SimulateOptions, begun: number): HostResult {
  return { engine, shards, wallSeconds: now() - begun, peakRssBytes: rss() };
}

/** Options with a runner: the one that is given, or else one for as long as `work` takes. */
export async function withRunner<T>(
  options: SimulateOptions,
  work: (options: SimulateOptions & { runner: Runner }) => Promise<T>,
): Promise<T> {
  if (options.runner) return work({ ...options, runner: options.runner });
  const runner = createRunner(options);
  try {
    return await work({ ...options, runner });
  } finally {
    await runner.close();
  }
}
