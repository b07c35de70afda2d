/**
 * Benchmarks against a baseline. Simulated numbers are compared exactly, unless a tolerance is given;
 * numbers of the host as ratios, on the same host only, beyond a threshold and a floor. What became
 * better is reported as well: the baseline is out of date then.
 */
import { isDeepStrictEqual } from '../../platform/node.js';
import { failing } from './document.js';
import type { BenchCase, BenchComparison, BenchDifference, BenchDocument } from './document.js';
import type { BenchMetric } from './document.js';

import { versionOf } from '../../report/identity.js';

export interface BenchLimits {
  /** Share by which a simulated number may be worse. */
  tolerance: number;
  /** Share by which a number of the host has to differ to be reported. */
  hostThreshold: number;
  /** Whether simulated numbers that are better, or new, fail as well. */
  exact?: boolean;
}

export const EXACTLY: BenchLimits = { tolerance: 0, hostThreshold: 0.5 };

/** Differences below these are the host's noise: seconds, bytes. */
const FLOOR_SECONDS = 1;
const FLOOR_BYTES = 64 * 2 ** 20;

/** Cases that the whole suite has and this run left out (`--cases`) are no loss: `measured` says which ran. */
export function compareBench(
  baseline: BenchDocument,
  current: BenchDocument,
  name: string,
  limits: BenchLimits,
  measured: (id: string) => boolean = () => true,
): BenchComparison {
  const host = whyNoHost(baseline, current);
  const before = new Map(baseline.cases.filter(({ id }) => measured(id)).map((c) => [c.id, c]));
  const after = new Map(current.cases.filter(({ id }) => measured(id)).map((c) => [c.id, c]));
  const differences: BenchDifference[] = [];
  const otherConfigurations: string[] = [];
  let compared = 0;
  for (const [id, was] of before) {
    const is = after.get(id);
    const metrics = metricsOf(was, host === undefined);
    if (is === undefined) {
      if (metrics.length > 0) differences.push({ id, verdict: 'gone' });
      continue;
    }
    if (is.configHash !== was.configHash && metrics.length > 0) otherConfigurations.push(id);
    compared += metrics.filter(([metric]) => Object.hasOwn(is.metrics, metric)).length;
    differences.push(...differencesOf(was, is, host === undefined, limits));
  }
  for (const [id, is] of after)
    if (!before.has(id) && metricsOf(is, false).length > 0)
      differences.push({ id, verdict: 'new' });
  differences.sort((a, b) => badness(b) - badness(a));
  const { exact = false } = limits;
  const broken = current.cases.some(({ failed }) => failed !== undefined);
  return {
    baseline: name,
    versions: { baseline: versionOf(baseline), current: versionOf(current) },
    compared,
    host: host === undefined ? 'compared' : `not compared: ${host}`,
    differences,
    otherConfigurations,
    ...(exact && { exact }),
    passed: failing({ differences, exact }).length === 0 && !broken,
  };
}

/** Why numbers of the host say nothing about each other; undefined if they do. */
function whyNoHost(baseline: BenchDocument, current: BenchDocument): string | undefined {
  if (baseline.host === undefined) return 'the baseline holds none';
  if (!isDeepStrictEqual(baseline.host, current.host))
    return `the baseline is of another host (${baseline.host.name}, ${baseline.host.cpu})`;
  return undefined;
}

function metricsOf({ metrics }: BenchCase, withHost: boolean): [string, BenchMetric][] {
  return Object.entries(metrics).filter(([, { kind }]) => withHost || kind === 'sim');
}

function differencesOf(
  was: BenchCase,
  is: BenchCase,
  withHost: boolean,
  limits: BenchLimits,
): BenchDifference[] {
  const { id } = was;
  const found: BenchDifference[] = [];
  for (const [metric, { unit, kind, value: before }] of metricsOf(was, withHost)) {
    const now = Object.hasOwn(is.metrics, metric) ? is.metrics[metric] : undefined;
    if (now === undefined) {
      found.push({ id, metric, unit, kind, before, verdict: 'gone' });
      continue;
    }
    const { value: after, better } = now;
    const noise = kind === 'host' && withinNoise(before, after, unit, is, limits);
    if (before === after || noise) continue;
    const change = before === 0 ? null : after / before - 1;
    const isWorse = better === 'lower' ? after > before : after < before;
    const allowed = kind === 'host' ? 0 : limits.tolerance * Math.abs(before);
    const beyond = Math.abs(after - before) > allowed;
    const verdict = isWorse ? (beyond ? 'regression' : 'worse') : 'better';
    const operators = unit === 'cycles' ? changedOperators(was, is) : [];
    const rest = operators.length > 0 ? { operators } : {};
    found.push({ id, metric, unit, kind, before, after, change, verdict, ...rest });
  }
  for (const [metric, { unit, kind, value: after }] of metricsOf(is, false))
    if (!Object.hasOwn(was.metrics, metric))
      found.push({ id, metric, unit, kind, after, verdict: 'new' });
  return found;
}

/** The ratio of two times counts in either direction: twice as fast counts as much as half as fast. */
function withinNoise(
  before: number,
  after: number,
  unit: string,
  is: BenchCase,
  { hostThreshold }: BenchLimits,
): boolean {
  const difference = Math.abs(after - before);
  const floor = unit === 'B' ? FLOOR_BYTES : FLOOR_SECONDS / (is.host?.referenceSeconds ?? 1);
  const ratio = Math.max(before, after) / Math.min(before, after);
  return difference < floor || ratio < 1 + hostThreshold;
}

const MOST_OPERATORS = 3;

function changedOperators(was: BenchCase, is: BenchCase): BenchDifference['operators'] & object {
  const [a, b] = [was, is].map(({ breakdown }) => new Map(Object.entries(breakdown ?? {})));
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((operator) => ({
      operator,
      before: a.get(operator) ?? 0,
      after: b.get(operator) ?? 0,
    }))
    .filter(({ before, after }) => before !== after)
    .sort((p, q) => Math.abs(q.after - q.before) - Math.abs(p.after - p.before))
    .slice(0, MOST_OPERATORS);
}

const RANK = { gone: 4, regression: 3, worse: 2, better: 1, new: 0 } as const;

/** What fails stands before what does not, and the larger change before the smaller one. */
function badness({ verdict, change }: BenchDifference): number {
  const share =
    change === null ? 1 : Math.min(1, Math.abs(change ?? 0) / (1 + Math.abs(change ?? 0)));
  return RANK[verdict] + share * 0.999;
}
