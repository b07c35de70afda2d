/** The document of a sweep, `wafersim.sweep/1`. */
import type { Identity } from '../../report/identity.js';
import type { MetricName, PointResult } from './results.js';

export interface SweepDocument extends Identity {
  schema: 'wafersim.sweep/1';
  /** The configuration that all points vary, as it was written, and settings of all points. */
  base: string;
  set: string[];
  /** Paths that vary, in the order of the columns. */
  axes: string[];
  counts: SweepCounts;
  pareto: SweepPareto;
  points: PointResult[];
}

export interface SweepCounts {
  points: number;
  /** Points that have their run; those that do not fit, or on which the machine failed or a limit was reached. */
  ok: number;
  refused: number;
  /** Points that failed otherwise, and those that have not run. */
  failed: number;
  missing: number;
}

export interface SweepPareto {
  x: MetricName;
  y: MetricName;
  /** Points that no other point beats in one metric without being worse in the other, by `x`. */
  front: number[];
}
