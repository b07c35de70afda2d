/** Weights as the cores of a region store them, slice by slice. */
import { ROUND } from '../numeric/types.js';
import type { Matrix } from '../model/model-weights.js';
import type { ModelSpec } from '../model/model.js';

/** What a norm multiplies by, rounded once: 1 + w is added up here, not on the core for each token. */
export function normWeight(model: ModelSpec, weight: number): number {
  return ROUND[model.dtype](model.normPlusOne ? 1 + weight : weight);
}

/** The numbers of a matrix as a core stores them: 8-bit ones keep their scale next to them. */
export function storedBy(model: ModelSpec, { values, scale }: Matrix): (i: number) => number {
  if (model.weightBits === 8) return (i) => values[i];
  const round = ROUND[model.dtype];
  return (i) => round(values[i] * scale);
}

/** Calls back for each dimension of a row's slice that the model has: index in the slice, dimension. */
export function eachDim(
  model: ModelSpec,
  dims: number,
  row: number,
  visit: (d: number, dim: number) => void,
): void {
  for (let d = 0; d < dims && row * dims + d < model.dim; d++) visit(d, row * dims + d);
}
