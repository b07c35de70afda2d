/** A sweep: its plan resolved, placed and frozen in a store, what is missing run, and the results written. */
import { identityOf } from '../../identity.js';
import { ConfigError } from '../../config/errors.js';
import { textOfSetting } from '../../config/tree.js';
import { EXIT } from '../../exit.js';
import { jsonLine } from '../../report/json.js';
import type { SweepStore } from '../../store/sweep-store.js';
import type { SweepCounts, SweepDocument } from './document.js';
import type { Executor, Placer } from './executor.js';
import { paretoFront } from './pareto.js';
import type { Plan } from './plan.js';
import type { FrozenPoint } from './point.js';
import { frozen, inOrder, pointsOf, type PlannedPoint } from './points.js';
import { part, runPoints, type OpenPoint } from './run-points.js';
import {
  isFailed,
  isOpen,
  isToRetry,
  resultOf,
  type MetricName,
  type PointResult,
} from './results.js';
import { writeResults } from './result-files.js';

/** A part of the points: the `index`-th, from 0, of `count`. */
export interface Shard {
  index: number;
  count: number;
}

export interface SweepProgress {
  what: 'resolving' | 'placing' | 'running';
  /** Points that are through, known ones among them, and all. */
  done: number;
  total: number;
  /** Of those done while running: what does not fit or failed, and what was known before. */
  refused: number;
  failed: number;
  known: number;
  /** Seconds that are left, once that can be told. */
  secondsLeft?: number | undefined;
}

export interface PrepareOptions {
  shard?: Shard | undefined;
  retryFailed?: boolean | undefined;
  /** Lets timers and signals in, and throws to give up. */
  pause: () => Promise<void>;
  onProgress?: (progress: SweepProgress) => void;
}

/** A sweep of which everything is known but its results. */
export interface PreparedSweep {
  plan: Plan;
  /** All points of the plan, in its order. */
  points: PlannedPoint[];
  /** The distinct points of the shard, or all; neighbours next to each other. */
  mine: PlannedPoint[];
  /** What the store has of them. */
  known: Map<string, PointResult>;
  /** Those of them that are to run. */
  open: OpenPoint[];
}

/**
 * Resolves and keys all points, looks up what is known of them, and places those that are to run.
 * @param placer none: points are not placed
 * @throws ConfigError, in one line, if a point is no configuration that can run, or the store is of another plan
 */
export async function prepareSweep(
  plan: Plan,
  store: SweepStore,
  placer: (Placer & Pick<Executor, 'slots'>) | undefined,
  { shard = { index: 0, count: 1 }, retryFailed = false, pause, onProgress }: PrepareOptions,
): Promise<PreparedSweep> {
  const report = (what: SweepProgress['what'], done: number, total: number) =>
    onProgress?.({ what, done, total, refused: 0, failed: 0, known: 0 });
  const points = await pointsOf(plan, async (done, total) => {
    report('resolving', done, total);
    await pause();
  });
  refuseForeign(store, points);
  const mine = part(inOrder(points), shard.index, shard.count);
  const known = new Map(mine.map((point) => [point.key, resultOf(store, point)]));
  const open = mine
    .filter(({ key }) => {
      const result = known.get(key)!;
      return isOpen(result) || (retryFailed && isToRetry(result));
    })
    .map((point): OpenPoint => ({ point: frozen(point) }));
  if (placer) await placeAll(plan, open, placer, (done) => report('placing', done, open.length));
  return { plan, points, mine, known, open };
}

/** Places all that are to run, in as many slots as there are; what does not fit has its result. */
async function placeAll(
  plan: Plan,
  open: OpenPoint[],
  placer: Placer & Pick<Executor, 'slots'>,
  onDone: (done: number) => void,
): Promise<void> {
  let done = 0;
  const refused: { index: number; why: string }[] = [];
  const count = Math.min(placer.slots, open.length);
  const work = async (slot: number) => {
    for (const one of part(open, slot, count)) {
      const placed = await placer.place(slot, one.point);
      if ('refused' in placed) refused.push({ index: one.point.index, why: placed.refused });
      if ('error' in placed) one.error = placed.error;
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: count }, (_, slot) => work(slot)));
  const [first] = refused.sort((a, b) => a.index - b.index);
  if (first === undefined) return;
  throw new ConfigError(
    `${plan.base.plan ?? plan.base.written}: point ${first.index}: ${first.why}`,
  );
}

/** @throws ConfigError if a store holds anything but this plan */
function refuseForeign(store: SweepStore, points: readonly PlannedPoint[]): void {
  const { folder } = store;
  const foreign = store.foreign();
  if (foreign !== undefined)
    throw new ConfigError(
      `${folder}: -o expects a new directory or the store of this plan, found ${foreign} in it`,
    );
  const there = store.read('plan.ndjson');
  if (there === undefined || there === planText(points)) return;
  const lines = there.split('\n');
  const at = points.findIndex((point, i) => lines[i] !== jsonLine(frozen(point)).trimEnd());
  const found = at < 0 ? 'more points' : differenceOf(points[at], lines[at]);
  throw new ConfigError(
    `${folder}: -o expects a new directory or the store of this plan, found that of another: ${found}`,
  );
}

function differenceOf(point: FrozenPoint, line: string): string {
  try {
    const there = JSON.parse(line) as FrozenPoint;
    if (there.version !== point.version) return `of version ${there.version}`;
    const isSame = JSON.stringify(there.settings) === JSON.stringify(point.settings);
    if (isSame) return `point ${point.index} was frozen from other files`;
    return `point ${point.index} has ${there.settings.join(', ')}`;
  } catch {
    return `point ${point.index} is missing or damaged`;
  }
}

function planText(points: readonly PlannedPoint[]): string {
  return points.map((point) => jsonLine(frozen(point))).join('');
}

export interface RunOptions {
  retryFailed?: boolean | undefined;
  /** Seconds from any fixed instant. */
  now: () => number;
  onProgress?: (progress: SweepProgress) => void;
}

/**
 * Freezes the plan in the store, runs what is open, and once every point of the plan has been run, here or
 * elsewhere, writes the results.
 * @throws HostError if the store cannot be written; what the executor throws
 */
export async function runSweep(
  prepared: PreparedSweep,
  store: SweepStore,
  executor: Executor,
  { now, onProgress }: RunOptions,
): Promise<SweepDocument> {
  const { plan, points, mine, known, open } = prepared;
  freeze(plan, points, store);
  const total = mine.length;
  const progress = { done: total - open.length, refused: 0, failed: 0, known: total - open.length };
  const count = ({ status }: PointResult) => {
    if (isFailed(status)) progress.failed++;
    else if (status !== 'ok') progress.refused++;
  };
  const ids = new Set(open.map(({ point }) => point.key));
  for (const [key, result] of known) if (!ids.has(key)) count(result);
  const begun = now();
  let ran = 0;
  const report = () => {
    const left = total - progress.done;
    const secondsLeft = ran > 0 ? ((now() - begun) / ran) * left : undefined;
    onProgress?.({ what: 'running', ...progress, total, secondsLeft });
  };
  report();
  for (const { point } of open)
    // What is damaged, or failed and is tried again, is missing from now on.
    if (store.stateOf(point.key) !== 'missing' && store.claim(point.key)) {
      store.forget(point.key);
      store.release(point.key);
    }
  await runPoints(open, store, executor, {
    isDone: (point) => !isOpen(resultOf(store, point)),
    onDone(point, isNew) {
      const result = resultOf(store, point);
      known.set(point.key, result);
      count(result);
      progress.done++;
      if (isNew) ran++;
      else progress.known++;
      report();
    },
  });
  return collectSweep(prepared, store);
}

/** Writes the plan where it is not yet; its text may differ in what changes no point. */
export function freeze(plan: Plan, points: readonly PlannedPoint[], store: SweepStore): void {
  if (store.read('plan.yaml') !== plan.text) store.write('plan.yaml', plan.text);
  if (store.read('plan.ndjson') === undefined) store.write('plan.ndjson', planText(points));
}

/** The document of what the store has, and its files if nothing is missing. */
export function collectSweep(
  { plan, points, known }: PreparedSweep,
  store: SweepStore,
): SweepDocument {
  const document = documentOf(plan, points, (point) => {
    const result = known.get(point.key);
    // A twin of another point has its own place in the plan.
    if (result === undefined || isOpen(result)) return resultOf(store, point);
    return { ...result, index: point.index, axes: point.axes };
  });
  if (document.counts.missing === 0) writeResults(document, store);
  return document;
}

/** The document before any point runs: of those that are to run, what placing them gave. */
export function plannedDocument(prepared: PreparedSweep, store: SweepStore): SweepDocument {
  const { plan, points, known, open } = prepared;
  const placed = new Map(open.map(({ point, error }) => [point.key, error]));
  return documentOf(plan, points, (point) => {
    const result = known.get(point.key) ?? resultOf(store, point);
    const { index, axes } = point;
    const error = placed.get(point.key);
    if (error === undefined) return { ...result, index, axes };
    const { status, exitCode, message } = error;
    return { ...result, index, axes, status, exitCode, message };
  });
}

/** What is known of all points of a plan. */
export function documentOf(
  plan: Plan,
  points: readonly FrozenPoint[],
  known: (point: FrozenPoint) => PointResult,
): SweepDocument {
  const results = points.map(known);
  const { x, y } = plan.pareto as { x: MetricName; y: MetricName };
  const files = [...plan.files, ...points.flatMap((point) => point.files)];
  return {
    schema: 'wafersim.sweep/1',
    ...identityOf(
      points.map(({ key }) => key),
      files,
    ),
    base: plan.base.written,
    set: plan.set.map(textOfSetting),
    axes: plan.axes.flatMap(({ paths }) => paths),
    counts: countsOf(results),
    pareto: { x, y, front: paretoFront(results, x, y) },
    points: results,
  };
}

function countsOf(points: readonly PointResult[]): SweepCounts {
  const number = (of: (point: PointResult) => boolean) => points.filter(of).length;
  const ok = number(({ status }) => status === 'ok');
  const missing = number(isOpen);
  const failed = number(({ status }) => isFailed(status));
  const refused = number(({ exitCode }) => exitCode === EXIT.machine);
  return { points: points.length, ok, refused, failed, missing };
}
