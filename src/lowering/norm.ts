/**
 * RMSNorm of a vector that is split over the rows: every row sums its squares, the column adds them
 * up, and each core scales its slice: normed = x / sqrt(mean(x^2) + epsilon) * weight, which may be x.
 * The sum and its root are kept in 32 bits.
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
  x: number;
  weight: number;
  /** A 32-bit cell that holds 0 before. */
  square: number;
  normed: number;
}

export function rmsNorm(core: CoreCode, costs: CostTable, column: LinePlace, n: Norm): void {
  const sum = cell(n.square, 0);
  vector(core, 'fma', 'f32', n.length, sum, cell(n.x), cell(n.x), sum);
  allReduce(core, column, 'add', 'f32', n.square, 1);
  meanToScale(core, costs, n.square, 1, n.dim, n.epsilon);
  vector(core, 'mul', n.type, n.length, cell(n.normed), cell(n.x), sum);
  vector(core, 'mul', n.type, n.length, cell(n.normed), cell(n.normed), cell(n.weight));
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
