/** What a run is given in addition to its configuration, and where its programs run. */
import type { EngineName } from '../engine/engines.js';
import type { CoreAt, RunDetail } from '../report/detail.js';
import type { HostResult } from '../report/document.js';
import type { Memo } from './memo.js';
import { createRunner, type Runner, type Spent } from './runner.js';
import type { Shared } from './sharing.js';

export interface SimulateOptions {
  engine: EngineName;
  /** Worker threads. */
  shards: number;
  /** Where programs run, if several configurations share it; the caller that created it closes it. */
  runner?: Runner;
  /** Cycles that one program (a stage of a token, or a line tried for it) may take; else LimitError. */
  maxCycles?: number | undefined;
  /** What is simulated once where it is equal; true is `all`, false `none`. */
  memo: Memo | boolean;
  onProgress?: ((progress: { done: number; total: number; what: string }) => void) | undefined;
  /** Ends the simulation within some milliseconds, by rejecting with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Receives the last step core by core; without it none of that is collected. */
  onDetail?: ((detail: RunDetail) => void) | undefined;
  /** With `onDetail`: cores of which every operation is asked for. */
  traceCores?: readonly CoreAt[];
  /** Plain steps alone are asked for, and no rounds of drafted tokens. */
  withoutRounds?: boolean;
  /** Receives the logits after each position that a run computes, those of a prompt first. */
  onLogits?: ((logits: ArrayLike<number>) => void) | undefined;
  /** Receives the text of the tokens that are chosen, bit by bit, where the model has a tokenizer. */
  onText?: ((text: string) => void) | undefined;
  /** What runs that differ in the places of their regions alone have in common; they fill it. */
  shared?: Shared;
  /** Seconds from any fixed instant, and bytes of memory in use at most; for `host` only. */
  now: () => number;
  rss: () => number;
  /** Seconds of processor time of this process. */
  cpu?: (() => number) | undefined;
}

/** What a document says of the host; `begun` is when the work began, by `options.now`. */
export function hostOf({ engine, shards, now, rss }: SimulateOptions, begun: number): HostResult {
  return { engine, shards, wallSeconds: now() - begun, peakRssBytes: rss() };
}

/** What a runner has spent since it had spent so much; that of other runs that it had in that time is in it. */
export function spentSince(
  { spent }: Pick<Runner, 'spent'>,
  before: Spent,
): Required<Pick<HostResult, 'engineCpuSeconds' | 'lines'>> {
  const { simulated, known } = before.lines;
  return {
    engineCpuSeconds: spent.cpuSeconds - before.cpuSeconds,
    lines: { simulated: spent.lines.simulated - simulated, known: spent.lines.known - known },
  };
}

/** A copy of what a runner has spent so far. */
export function spentSoFar({ spent }: Pick<Runner, 'spent'>): Spent {
  return { ...spent, lines: { ...spent.lines } };
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
