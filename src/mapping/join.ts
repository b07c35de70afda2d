/**
 * How a layer for the token after the next joins a hidden state to its token (docs/machine-model.md, section 5h): both
 * are split over the rows, normed, and projected to one, whose elements are on columns first and then on rows again.
 */
import type { ModelSpec } from '../model/model.js';
import type { FloatType } from '../numeric/types.js';
import type { AddBuffer } from './buffers.js';
import type { On, Reduction } from './mapping.js';

/** Of a layer that joins. */
export interface JoinShape {
  /** Elements of the residual stream per row, and of the projection per column. */
  dims: number;
  joined: number;
  /** Tokens of a round, after each of which the model's own state is kept. */
  inFlight?: number | undefined;
}

/** What each column keeps in addition to the projection's slice. */
export function addJoin(
  add: AddBuffer,
  value: FloatType,
  { dims, joined, inFlight = 0 }: JoinShape,
): void {
  // Brought from where the layer's own head has normed it, or one of those that the model's head has.
  add('hidden', value, dims, true);
  if (inFlight > 0) {
    add('states', value, inFlight * dims, true);
    add('stateNumber', 'f32', 1, true);
  }
  add('tokenNorm', value, dims, true);
  add('hiddenNorm', value, dims, true);
  add('joinSquares', 'f32', 2);
  add('bothNormed', value, 2 * dims);
  // What the column has of the projection, with as many zeros on both sides as a row takes; and where the row's begins.
  add('joinStretch', value, joined + 2 * dims, true);
  add('joinWindow', 'f32', 1, true);
  // 1 for each element that the row has, 0 where it is padded.
  add('joinMask', value, dims, true);
}

/** Squares of both, the projection, and what of it the rows take. */
export function joinReductions({ dims, joined }: JoinShape, on: On): Reduction[] {
  return [on('column', 2, 'f32'), on('column', joined), on('row', dims)];
}

/** Elements of the projection on a column. */
export function joinedOn({ dim }: Pick<ModelSpec, 'dim'>, columns: number): number {
  return Math.ceil(dim / columns);
}
