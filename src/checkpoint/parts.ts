/** Parts of matrices that a file keeps together. */
import type { Matrix, Vector } from '../model/model-weights.js';

/** Rows in a row, which stay where they are. */
export function rowsOf(
  { values, scale }: Matrix,
  columns: number,
  from: number,
  to: number,
): Matrix {
  return { values: values.subarray(from * columns, to * columns), scale };
}

/** The rows that are asked for, one after another. */
export function rowsWhere(
  { values, scale }: Matrix,
  columns: number,
  isWanted: (row: number) => boolean,
): Matrix {
  const rows = Array.from({ length: values.length / columns }, (_, row) => row).filter(isWanted);
  const wanted = like(values, rows.length * columns);
  rows.forEach((row, i) => {
    wanted.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return { values: wanted, scale };
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
