/** Parts of matrices that a file keeps together. */
import { inBlocksOf } from '../model/blocks.js';
import type { Matrix, Vector } from '../model/model-weights.js';
import { largestDivisor } from '../model/packed.js';

/** Rows in a row, which stay where they are; blocks that would be cut become smaller. */
export function rowsOf(matrix: Matrix, columns: number, from: number, to: number): Matrix {
  const { values, scale } = matrix;
  const own = values.subarray(from * columns, to * columns);
  if (matrix.blocks === undefined) return { values: own, scale };
  const outputs = largestDivisor(matrix.blocks.format.block[0], (rows) => from % rows === 0);
  const blocks = inBlocksOf(outputs, matrix).blocks!;
  const across = Math.ceil(columns / blocks.format.block[1]);
  const scales = blocks.scales.subarray(
    (from / outputs) * across,
    Math.ceil(to / outputs) * across,
  );
  return { values: own, scale, blocks: { ...blocks, scales } };
}

/** The rows that are asked for, one after another; blocks of which some rows are not become smaller. */
export function rowsWhere(
  matrix: Matrix,
  columns: number,
  isWanted: (row: number) => boolean,
): Matrix {
  const { values, scale } = matrix;
  const all = values.length / columns;
  const rows = Array.from({ length: all }, (_, row) => row).filter(isWanted);
  const own = pick(values, columns, rows);
  if (matrix.blocks === undefined) return { values: own, scale };
  const isWhole = (outputs: number) =>
    rows.every(
      (row, i) => row % outputs === i % outputs && (row % outputs === 0 || rows[i - 1] === row - 1),
    );
  const outputs = largestDivisor(matrix.blocks.format.block[0], isWhole);
  const blocks = inBlocksOf(outputs, matrix).blocks!;
  const firsts = rows.filter((row) => row % outputs === 0).map((row) => row / outputs);
  const scales = pick(blocks.scales, Math.ceil(columns / blocks.format.block[1]), firsts);
  return { values: own, scale, blocks: { ...blocks, scales } };
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
