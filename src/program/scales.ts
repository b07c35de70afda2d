/**
 * Scales of a matrix whose numbers are codes of few bits: each code is multiplied by the scale of its block as it
 * is widened. Which block a row or column is in is data of the core, so that cores whose slices begin at
 * different places of a block have the same code.
 */
import type { Select } from './indexed.js';

/** Element n of an axis is `stride` cells times memory[index + n] on, or times n if there is no index. */
export interface ScaleAxis {
  index?: number;
  stride: number;
}

/** A table of `length` scales at cell `at`; with an axis for the rows of the stored matrix and one for its columns. */
export interface Scales {
  at: number;
  length: number;
  rows: ScaleAxis;
  columns: ScaleAxis;
  select?: Select;
}

/** Cells from the beginning of the table to the scale of element n of an axis. */
export function scaleStep({ index, stride }: ScaleAxis, memory: Float32Array, n: number): number {
  return stride * (index === undefined ? n : memory[index + n]);
}
