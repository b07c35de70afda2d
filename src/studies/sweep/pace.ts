/** How long a point takes, which decides how many of them are one task of a scheduler. */
import { parsed } from '../../config/json.js';
import type { AnyRun } from '../../report/serving-document.js';
import type { SweepStore } from '../../store/sweep-store.js';
import type { Executor } from './executor.js';
import { isOpen, resultOf } from './results.js';
import { runPoints } from './run-points.js';
import type { PreparedSweep } from './sweep.js';

/** Runs that are looked at: those of a store may be many. */
const MOST_RUNS = 20;

/** Mean seconds of points that have run; undefined if none has. */
export function knownPace({ known }: PreparedSweep, store: SweepStore): number | undefined {
  const ran = [...known.values()].filter(({ status }) => status === 'ok');
  const step = Math.max(1, Math.floor(ran.length / MOST_RUNS));
  const seconds = ran
    .filter((_, i) => i % step === 0)
    .flatMap(({ key }) => {
      const run = parsed(store.readRun(key) ?? '') as AnyRun | undefined;
      return run?.host === undefined ? [] : [run.host.wallSeconds];
    });
  if (seconds.length === 0) return undefined;
  return seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
}

/**
 * Runs one point that is open, in the middle of them, and takes it from them.
 * @param now seconds from any fixed instant
 * @returns its seconds; undefined if none can run
 */
export async function measuredPace(
  prepared: PreparedSweep,
  store: SweepStore,
  executor: Executor,
  now: () => number,
): Promise<number | undefined> {
  const able = prepared.open.filter(({ error }) => error === undefined);
  const one = able[Math.floor(able.length / 2)];
  if (one === undefined) return undefined;
  const begun = now();
  await runPoints([one], store, executor, {
    isDone: (point) => !isOpen(resultOf(store, point)),
    onDone: (point) => prepared.known.set(point.key, resultOf(store, point)),
  });
  prepared.open.splice(prepared.open.indexOf(one), 1);
  return now() - begun;
}
