/** Options that several commands share, and how their text becomes values. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';

import type { EngineName } from '../engine/engines.js';
import { host } from '../host.js';
import type { HostResult } from '../report/document.js';

export type { EngineName } from '../engine/engines.js';

/** `--set a.b=v`, as often as wanted. */
export function setOption(example: string): Option {
  return new Option('--set <path=value>', `override one value, e.g. --set ${example} (repeatable)`)

    .argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
}

export function engineOption(): Option {
  return new Option('--engine <name>', 'which engine: same cycles, different speed')
    .choices(['fast', 'reference'])
    .default('fast');
}

/** How many threads simulate; as many as there are cores unless said otherwise. */
export function shardsOption(): Option {
  return new Option('--shards <n>', 'threads that share the work')
    .argParser(shardCount)
    .default(availableParallelism());
}

/** Of commands that keep simulated steps; taken, and without effect, by the others that simulate. */
export function noCacheOption(keeps = false): Option {
  const meaning = keeps
    ? 'simulate every step, and keep none for later commands'
    : 'no effect here: nothing is read that an earlier command simulated';
  return new Option('--no-cache', meaning);
}

export function jsonOption(): Option {
  return new Option('--json', 'print one JSON document instead of a table');
}

/** @throws InvalidArgumentError unless a whole number from 1 to 1024. */
export function shardCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1024)
    throw new InvalidArgumentError('Expected a whole number from 1 to 1024.');
  return value;
}

/** Short for a setting (see `setsOf`). */
export function skipInvalidOption(): Option {
  return new Option(
    '--skip-invalid',
    'leave out rows of the trace that cannot be used, and count them',
  );
}

/** Options that are settings, in full or in short. */
export interface SetOptions {
  set?: string[];
  exact?: boolean;
  skipInvalid?: boolean;
}

/** All settings of a command line, those that are given in short last. */
export function setsOf({ set = [], exact, skipInvalid }: SetOptions): string[] {
  const short = [exact && 'exact=true', skipInvalid && 'workload.skipInvalid=true'];
  return [...set, ...short.filter((text) => typeof text === 'string')];
}

/** `x,y` of a core. @throws InvalidArgumentError */
export function coordinates(text: string): { x: number; y: number } {
  const match = /^(\d+),(\d+)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Expected x,y, e.g. 12,7.');
  return { x: Number(match[1]), y: Number(match[2]) };
}

export { host };

/** The part of a document that is about the host. `begun` is when the command began, by `host.now`. */
export function hostResult(
  { engine, shards }: { engine: EngineName; shards: number },
  begun: number,
  steps: { simulated: number; read: number },
): HostResult {
  const wallSeconds = host.now() - begun;
  return { engine, shards, wallSeconds, peakRssBytes: host.rss(), steps };
}
