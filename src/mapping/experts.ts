/**
 * How a mixture of experts and its router are cut over the cores of a layer (docs/machine-model.md, section
 * 9). Every core keeps a slice of every expert, as of a dense MLP's matrices. The router's matrix lies on a
 * few columns around the root of the rows, some experts on each; each row of the root's column finds the
 * places of some experts among all.
 */
import type { FloatType } from '../numeric/types.js';
import type { ExpertsSpec } from '../model/mlp-spec.js';
import type { LayerSpec, ModelSpec } from '../model/model.js';
import type { BufferShape } from './mapping.js';

/** Experts that a column of the router judges at least, and columns that it has at most. */
const LEAST_SCORES = 4;
const MOST_COLUMNS = 64;

export interface ExpertsShape {
  /** Units of one expert on a column, and of the expert that every token goes through. */
  inner: number;
  sharedInner: number;
  /** Of all that a token goes through. */
  units: number;
  /** Columns of the router, and experts that each of them judges. */
  routerColumns: number;
  scores: number;
  /** Experts whose places a row finds, at most. */
  ranked: number;
  /** Words of a chosen expert: its number, its score, and what its weight is multiplied by if it has that. */
  entry: number;
  /** Of all chosen ones, and what else the rows add up for their weights. */
  slots: number;
  /** Experts whose biases lie on one row, and on one column. */
  biasesOfRow: number;
  biasesOfColumn: number;
}

/** What a column of the region has of the router. */
export type RouterPart = 'column' | 'root';

export function expertsShape(spec: ExpertsSpec, rows: number, columns: number): ExpertsShape {
  const { count, topK, inner, shared, router } = spec;
  const least = Math.max(LEAST_SCORES, Math.ceil(count / MOST_COLUMNS));
  const scores = Math.min(count, Math.max(least, Math.ceil(count / columns)));
  const own = Math.ceil(inner / columns);
  const sharedInner = Math.ceil((shared?.inner ?? 0) / columns);
  const entry = router.perExpertScale ? 3 : 2;
  return {
    inner: own,
    sharedInner,
    units: topK * own + sharedInner,
    routerColumns: Math.ceil(count / scores),
    scores,
    ranked: Math.ceil(count / rows),
    entry,
    slots: topK * entry + (needsAllShares(spec) ? 1 : 0),
    biasesOfRow: Math.ceil(count / rows),
    biasesOfColumn: Math.ceil(count / columns),
  };
}

/** Are weights shares of all experts, and not of the chosen ones alone? */
export function needsAllShares({ router }: ExpertsSpec): boolean {
  return router.score === 'softmax' && !router.renormalise;
}

/** Cells of a layer's experts that lie at the beginning of memory: the chosen ones' numbers, then their weights. */
export function choiceLength({ topK }: ExpertsSpec): number {
  return 2 * topK;
}
