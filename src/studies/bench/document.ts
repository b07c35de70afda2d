/**
 * Regression benchmarks: what `wafersim bench` measured, and how it differs from a baseline. A
 * baseline is such a document too. Later fields are added, never renamed.
 */

import type { Identity } from '../../report/identity.js';

export interface BenchMetric {
  value: number;
  unit: string;
  better: 'lower' | 'higher';
  /** Simulated numbers follow from the configuration alone; those of the host do not. */
  kind: 'sim' | 'host';
}

export interface BenchCase {
  id: string;
  configHash: string;
  metrics: Record<string, BenchMetric>;
  /** Cycles by operator, in program order: they say where a change comes from. */
  breakdown?: Record<string, number>;
  /** Why the simulated machine failed; such a case has no metrics. */
  failed?: string;
  /** Seconds that the case took, its processor time in all threads, and that of the reference loop. */
  host?: { wallSeconds: number; cpuSeconds?: number; referenceSeconds: number };
}

/** The machine that the simulator ran on; numbers of the host are compared on equal ones only. */
export interface BenchHost {
  name: string;
  cpu: string;
  cores: number;
  platform: string;
  node: string;
}

/** A baseline from before documents had an identity has none. */
export interface BenchDocument extends Partial<Identity> {
  schema: 'wafersim.bench/1';
  cases: BenchCase[];
  /** Absent in a baseline that holds simulated numbers only. */
  host?: BenchHost;
  comparison?: BenchComparison;
}

/**
 * `regression`: worse by more than the tolerance. `gone`: in the baseline, and no longer measured;
 * `new`: not in it. Regressions and what is gone fail, and any change of a simulated number if asked.
 */
export type BenchVerdict = 'regression' | 'gone' | 'worse' | 'better' | 'new';

export interface BenchDifference {
  id: string;
  /** Absent where a whole case is new or gone. */
  metric?: string;
  unit?: string;
  kind?: BenchMetric['kind'];
  before?: number;
  after?: number;
  /** after / before - 1; null where that is no number. */
  change?: number | null;
  verdict: BenchVerdict;
  /** Operators whose cycles changed most, of a metric that adds them up. */
  operators?: { operator: string; before: number; after: number }[];
}

export interface BenchComparison {
  baseline: string;
  /** Of wafersim that measured the baseline (null: it does not say), and that measured now. */
  versions: { baseline: string | null; current: string | null };
  /** Metrics that both have. */
  compared: number;
  /** Whether numbers of the host were compared, and if not, why. */
  host: string;
  /** Worst first. */
  differences: BenchDifference[];
  /** Cases whose configuration, hardware included, is another one than in the baseline. */
  otherConfigurations: string[];
  /** With --exact: a simulated number that is better, or new, fails as well. */
  exact?: boolean;
  passed: boolean;
}

/** The differences for which a comparison fails. */
export function failing({
  differences,
  exact,
}: Pick<BenchComparison, 'differences' | 'exact'>): BenchDifference[] {
  return differences.filter(({ verdict, kind }) => {
    if (verdict === 'regression' || verdict === 'gone') return true;
    return exact === true && kind !== 'host';
  });
}
