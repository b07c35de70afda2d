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

/** The rows that are asked for, one after another; blocks of which some rows are not are widened. */
export function rowsWhere(
  matrix: Matrix,
  columns: number,
  isWanted: (row: number) => boolean,
): Matrix {
  const { values, scale, blocks } = matrix;
  const all = values.length / columns;
  const rows = Array.from({ length: all }, (_, row) => row).filter(isWanted);
  if (blocks === undefined) return { values: pick(values, columns, rows), scale };
  const [high, wide] = blocks.format.block;
  const isWhole = rows.every(
    (row, i) => row % high === i % high && (row % high === 0 || rows[i - 1] === row - 1),
  );
  if (!isWhole) return rowsWhere(unblocked(matrix), columns, isWanted);
  const first = rows.filter((row) => row % high === 0).map((row) => row / high);
  const scales = pick(blocks.scales, Math.ceil(columns / wide), first);
  return { values: pick(values, columns, rows), scale, blocks: { ...blocks, scales } };
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
