/** Parts of matrices that a file keeps together. */
import { unblocked } from '../model/blocks.js';
import type { Matrix, Vector } from '../model/model-weights.js';

/** Rows in a row, which stay where they are; blocks that would be cut are widened. */
export function rowsOf(matrix: Matrix, columns: number, from: number, to: number): Matrix {
  const { blocks, scale } = matrix;
  if (blocks !== undefined && from % blocks.format.block[0] !== 0)
    return rowsOf(unblocked(matrix), columns, from, to);
  const values = matrix.values.subarray(from * columns, to * columns);
  if (blocks === undefined) return { values, scale };
  const [high, wide] = blocks.format.block;
  const across = Math.ceil(columns / wide);
  const scales = blocks.scales.subarray((from / high) * across, Math.ceil(to / high) * across);
  return { values, scale, blocks: { ...blocks, scales } };
}

/** The rows that are asked for, one after another; blocks of several rows are widened. */
export function rowsWhere(
  matrix: Matrix,
  columns: number,
  isWanted: (row: number) => boolean,
): Matrix {
  const { values, scale, blocks } = matrix;
  if (blocks !== undefined && blocks.format.block[0] > 1)
    return rowsWhere(unblocked(matrix), columns, isWanted);
  const rows = Array.from({ length: values.length / columns }, (_, row) => row).filter(isWanted);
  const wanted = pick(values, columns, rows);
  if (blocks === undefined) return { values: wanted, scale };
  const across = Math.ceil(columns / blocks.format.block[1]);
  return {
    values: wanted,
    scale,
    blocks: { ...blocks, scales: pick(blocks.scales, across, rows) },
  };
}

function pick(values: Vector, columns: number, rows: readonly number[]): Vector {
  const wanted = like(values, rows.length * columns);
  rows.forEach((row, i) => {
    wanted.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return wanted;
}

/** The columns from `first` on, every `step`th, as rows: of a matrix whose inputs come first. */
export function columnsOf(
  values: Vector,
  columns: number,
  { first, step, count }: { first: number; step: number; count: number },
): Matrix {
  const rows = values.length / columns;
  const turned = like(values, count * rows);
  for (let i = 0; i < count; i++)
    for (let row = 0; row < rows; row++)
      turned[i * rows + row] = values[row * columns + first + i * step];
  return { values: turned, scale: 1 };
}

/** Elements from `first` on, every `step`th. */
export function everyOf(
  values: Vector,
  { first, step, count }: { first: number; step: number; count: number },
): Vector {
  return columnsOf(values, values.length, { first, step, count }).values;
}

function like(values: Vector, length: number): Vector {
  return values instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}
