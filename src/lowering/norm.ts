/**
 * RMSNorm of vectors that are split over the rows: every row sums their squares, the column adds them
 * up, and each core scales its slices: normed = x / sqrt(mean(x^2) + epsilon) * weight, which may be x.
 * Sums and their roots are kept in 32 bits.
 */
import type { FloatType } from '../numeric/types.js';
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import type { CostTable } from '../hardware/wafer.js';
import { cell, vector, type CoreCode } from '../program/builder.js';
import { cheapest } from './special.js';

export interface Norm {
  type: FloatType;
  /** Elements of this core's slice, and of the whole vector. */
  length: number;
  dim: number;
  epsilon: number;
  /** The vectors' slices, and the first of 32-bit cells that hold 0 before, one for each. */
  of: readonly number[];
  square: number;
}

/** One of the vectors, the weights, and where the result goes. */
export interface Normed {
  x: number;
  weight: number;
  normed: number;
}

/** Leaves 1 / sqrt(mean(x^2) + epsilon) of each vector in its cell. */
export function rmsNorm(
  core: CoreCode,
  costs: CostTable,
  column: LinePlace,
  n: Norm,
  results: readonly Normed[],
): void {
  const { type, length } = n;
  const { length: count } = n.of;
  for (const [i, x] of n.of.entries()) {
    const sum = cell(n.square + i, 0);
    vector(core, 'fma', 'f32', length, sum, cell(x), cell(x), sum);
  }
  allReduce(core, column, 'add', 'f32', n.square, count);
  meanToScale(core, costs, n.square, count, n.dim, n.epsilon);
  for (const { x, weight, normed } of results) {
    const scale = cell(n.square + n.of.indexOf(x), 0);
    vector(core, 'mul', type, length, cell(normed), cell(x), scale);
    vector(core, 'mul', type, length, cell(normed), cell(normed), cell(weight));
  }
}

/** Turns `count` sums of squares over `dim` elements into 1 / sqrt(mean + epsilon), in place. */
export function meanToScale(
  core: CoreCode,
  costs: CostTable,
  at: number,
  count: number,
  dim: number,
  epsilon: number,
): void {
  const mean = { constant: 1 / dim };
  vector(core, 'fma', 'f32', count, cell(at), cell(at), mean, { constant: epsilon });
  cheapest(core, costs, 'rsqrt', 'f32', at, count);
}
