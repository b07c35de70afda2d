/**
 * What runs of one model on one kind of wafer may share: the choice of groups, and programs and results
 * of stages. A stage's result depends on its program and its cores' starts alone (see
 * decode/timeline.ts), so runs that differ in where regions lie have most of their stages in common.
 */
import { sha256Of } from '../config/json.js';
import type { ResolvedConfig } from '../config.js';
import type { RunResult } from '../engine/engine.js';
import type { Placing } from '../placement/place.js';
import type { Chosen } from '../placement/sizes.js';
import { keepCode, type KeptCode } from '../lowering/kept-code.js';
import type { GroupsOf } from '../lowering/lowering.js';
import type { LineCycles } from './groups.js';
import type { KnownSteps } from './known-steps.js';
import type { WrittenStage } from './stages.js';

/** Valid for runs that differ in nothing but the places of their regions; but for `steps`, which any may share. */
export interface Shared {
  /** Steps that were lowered; if not given, none are kept. */
  steps?: KnownSteps;
  /** Groups that are to be taken; what lines of the machine take, where they are still to be chosen. */
  groupsOf?: GroupsOf;
  lines: LineCycles;
  /** Code of cores. */
  kept: KeptCode;
  /** Programs by their keys and colours. */
  written: Map<string, WrittenStage>;
  /** Results, or the promise of them, by the keys and colours of programs, and by starts. */
  results: Map<string, Promise<RunResult>>;
}

/** Results kept at most: a few MB each. Those forgotten first are of steps that most runs have done. */
const MOST_RESULTS = 128;

/** Programs kept at most, with their tables and lines: some 10 MB each for a large model. */
const MOST_PROGRAMS = 64;

export function createShared(): Shared {
  return { lines: new Map(), kept: keepCode(), written: new Map(), results: new Map() };
}

/** What runs of a family share, where those of another one come after them: of one family it is kept. */
export function sharedByFamily(): (family: string) => Shared {
  let kept: { family: string; shared: Shared } | undefined;
  return (family) => {
    if (kept?.family !== family) kept = { family, shared: createShared() };
    return kept.shared;
  };
}

/** What configurations have in common that may share their search, their stages and their numbers. */
export function familyOf(
  { model, wafer, workload, mapping, latent, exact, canonical }: ResolvedConfig,
  more: unknown,
) {
  const { checkpoint = null, workload: said } = canonical;
  return sha256Of([model, wafer, workload, said, mapping, latent, exact, checkpoint, more]);
}

/** How configurations are placed one after the other: those that differ in their strategy alone have the same sizes. */
export function sizesOnce(): (config: ResolvedConfig) => Pick<Placing, 'sizes'> {
  let last: { of: string; chosen: Chosen | undefined } | undefined;
  return (config) => {
    const of = familyOf(config, { ...config.placement, strategy: '' });
    return {
      sizes(choose) {
        if (last?.of !== of) last = { of, chosen: choose() };
        return last.chosen;
      },
    };
  };
}

/** The program known under this key, or the one that `write` writes. */
export function sharedProgram(
  { written }: Pick<Shared, 'written'>,
  key: string,
  write: () => WrittenStage,
): WrittenStage {
  return once(written, MOST_PROGRAMS, key, write);
}

/** The result known under this key, or that of `run`, which is begun once for all callers. */
export function sharedResult(
  { results }: Pick<Shared, 'results'>,
  key: string,
  run: () => Promise<RunResult>,
): Promise<RunResult> {
  return once(results, MOST_RESULTS, key, run);
}

/** What is known under a key, or is made now; of more than `most` those that were made first are forgotten. */
function once<T>(known: Map<string, T>, most: number, key: string, make: () => T): T {
  let found = known.get(key);
  if (found === undefined) {
    found = make();
    known.set(key, found);
    if (known.size > most) known.delete(known.keys().next().value!);
  }
  return found;
}
