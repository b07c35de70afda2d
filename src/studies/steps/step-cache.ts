/**
 * Steps that were simulated once are kept: for as long as one command works, and in a folder for those
 * that come after it. A step is found by all that its times depend on, the simulator's code included;
 * what is served at which rate, from which trace and over which transport is no part of that.
 */
import { memoOf } from '../../decode/memo.js';
import { placedOf } from '../../decode/place.js';
import { sha256Of } from '../../config/json.js';
import type { SimulateOptions } from '../../decode/options.js';
import type { Placed } from './step-times.js';

/** Where steps are kept from one command to the next. */
export interface StepStore {
  read(key: string): unknown;
  write(key: string, value: unknown): void;
}

export interface StepCache {
  /** The step under this key: known, or being computed, or read, or else computed now and kept. */
  once<T>(key: string, compute: () => Promise<T>): Promise<T>;
  /** The hash of the code, which is part of every key. */
  code: string;
  /** Steps that were simulated, and that were read instead. */
  counts: { simulated: number; read: number };
}

/**
 * @param code hash of the simulator's code
 * @param store none: steps are kept only as long as this cache is
 * @param onFailure receives, once, the reason why steps cannot be kept; nothing else changes
 */
export function stepCache(
  code = '',
  store?: StepStore,
  onFailure?: (error: Error) => void,
): StepCache {
  const known = new Map<string, Promise<unknown>>();
  const counts = { simulated: 0, read: 0 };
  let failed = false;
  const keep = (key: string, value: unknown) => {
    try {
      if (!failed) store?.write(key, value);
    } catch (error) {
      failed = true;
      onFailure?.(error as Error);
    }
  };
  const find = async (key: string, compute: () => Promise<unknown>) => {
    const stored = store?.read(key);
    if (stored !== undefined) {
      counts.read++;
      return stored;
    }
    // As it would be read, so that it makes no difference which of them it is.
    const value = JSON.parse(JSON.stringify(await compute())) as unknown;
    counts.simulated++;
    keep(key, value);
    return value;
  };
  return {
    code,
    counts,
    async once<T>(key: string, compute: () => Promise<T>): Promise<T> {
      const step = known.get(key) ?? find(key, compute);
      known.set(key, step);
      return step as Promise<T>;
    },
  };
}

/**
 * The key of a step: what its times depend on. Engines agree, and so do runs with and without reuse, but
 * each has to find that out by itself.
 * @param step which one: its context, and what else distinguishes it from others of this deployment
 */
export function stepKey(
  { config, placement }: Pick<Placed, 'config' | 'placement'>,
  step: object,
  { engine, memo }: SimulateOptions,
  code: string,
): string {
  const { mapping, exact } = config;
  const { groups } = config.placement;
  const { name: _, powerWatts: __, ...wafer } = config.wafer;
  const { regions, wafers, defects } = placement;
  const model = unnamed(config.model);
  const drafting = draftingOf(config, placement);
  return sha256Of({
    ...{ code, engine, memo: memoOf(memo), step, wafer, model },
    ...{ placed: placedOf(regions), wafers, defects, mapping, exact, groups },
    ...(drafting && { drafting }),
  });
}

/** Who drafts how many tokens, and where; how often they are right takes no time. */
function draftingOf({ workload }: Placed['config'], { draft }: Placed['placement']) {
  const { speculation } = workload;
  if (speculation === undefined) return undefined;
  const { tokens, draft: asked } = speculation;
  const model = draft && { model: unnamed(draft.model), at: placedOf(draft.placement.regions) };
  return { tokens, kind: asked.kind, ...model };
}

function unnamed({ name: _, ...model }: Placed['config']['model']): object {
  return model;
}
