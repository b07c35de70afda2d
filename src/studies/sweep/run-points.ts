/** Points from their queue to the store: each claimed, run where there is a slot, and written, whoever else works on it. */
import { setTimeout } from 'node:timers/promises';
import type { PointError, SweepStore } from '../../store/sweep-store.js';
import type { Executor } from './executor.js';
import type { FrozenPoint } from './point.js';

/** A point that has no result yet, and what is known of it. */
export interface OpenPoint {
  point: FrozenPoint;
  /** Its result, if placing it gave one. */
  error?: PointError | undefined;
}

export interface RunningOptions {
  /** Whether what the store has of a point is to be left as it is. */
  isDone: (point: FrozenPoint) => boolean;
  /** A point has its result, from this process or (`ran` is false) from another one. */
  onDone: (point: FrozenPoint, ran: boolean) => void;
}

/** Milliseconds between two looks at points that other processes have. */
const LOOK_AGAIN = 500;
/** Milliseconds between two signs of life. */
const BEAT = 20_000;

/**
 * Runs all points that nobody else has run in the meantime, those next to each other in one slot, and waits
 * for those that other processes run.
 * @throws HostError if the store cannot be written; what the executor throws
 */
export async function runPoints(
  open: readonly OpenPoint[],
  store: SweepStore,
  executor: Executor,
  { isDone, onDone }: RunningOptions,
): Promise<void> {
  const spans = spansOf(open, executor.slots);
  const elsewhere: OpenPoint[] = [];
  const over = new AbortController();
  /** False if another process has the point. */
  const finish = async (slot: number, { point, error }: OpenPoint): Promise<boolean> => {
    if (!isDone(point) && !store.claim(point.key)) return false;
    try {
      // Another process may have written it just before it gave up its claim.
      const isNew = !isDone(point);
      if (isNew) {
        const outcome = error ? { error } : await executor.run(slot, point);
        if ('run' in outcome) store.writeRun(point.key, outcome.run);
        else store.writeError(point.key, outcome.error);
      }
      onDone(point, isNew);
    } finally {
      store.release(point.key);
    }
    return true;
  };
  const work = async (slot: number) => {
    for (
      let next = takeFrom(spans, slot);
      next && !over.signal.aborted;
      next = takeFrom(spans, slot)
    )
      if (!(await finish(slot, next))) elsewhere.push(next);
    while (elsewhere.length > 0 && !over.signal.aborted) {
      const next = elsewhere.shift()!;
      if (await finish(slot, next)) continue;
      elsewhere.push(next);
      await setTimeout(LOOK_AGAIN / elsewhere.length);
    }
  };
  store.beat();
  const beating = setInterval(() => beatOn(store), BEAT);
  try {
    await Promise.all(
      spans.map(async (_, slot) => {
        try {
          await work(slot);
        } catch (error) {
          over.abort();
          throw error;
        }
      }),
    );
  } finally {
    clearInterval(beating);
  }
}

/** A sign of life that cannot be given now may be given the next time; what is lost is a claim, no result. */
function beatOn(store: SweepStore): void {
  try {
    store.beat();
  } catch {
    // The next write fails, with its reason.
  }
}

/** Points next to each other for each slot; fewer spans than slots where there are fewer points. */
function spansOf<T>(all: readonly T[], slots: number): T[][] {
  const count = Math.min(slots, all.length);
  return Array.from({ length: count }, (_, i) => part(all, i, count));
}

/** The `index`-th of `count` parts of a list, each as long as the others but for one. */
export function part<T>(all: readonly T[], index: number, count: number): T[] {
  const at = (i: number) => Math.floor((i * all.length) / count);
  return all.slice(at(index), at(index + 1));
}

/** The next point of a slot's own; or else the last one of the slot that has the most left. */
function takeFrom<T>(spans: T[][], slot: number): T | undefined {
  const own = spans[slot].shift();
  if (own !== undefined) return own;
  return spans.reduce((a, b) => (b.length > a.length ? b : a)).pop();
}
