/** What the page of a sweep hands to its script, as JSON. */
import type { TableColumn } from './table-data.js';

export interface SweepPageData {
  title: string;
  set: string[];
  counts: { points: number; ok: number; refused: number; failed: number; missing: number };
  columns: SweepColumn[];
  /** Names of two columns, and rows of their front. */
  pareto: { x: string; y: string; front: number[] };
  /** Metrics that the table has at first. */
  shown: string[];
  /** By row: cycles by operator, if the point has a run. */
  operators: (Record<string, number> | null)[];
}

export interface SweepColumn extends TableColumn {
  kind: 'point' | 'axis' | 'metric';
}
