/**
 * The product of a stored weight matrix and a vector, in whatever format the matrix is stored. The parts of
 * a line's cores are added up, so that one core of the line has the bias and the others zeros in its place
 * (images.ts).
 */
import type { FloatType } from '../numeric/types.js';
import { scaleCount, scalesOf, type MatrixSlice } from '../mapping/matrices.js';
import { append, cell, fill, matvec, vector, type CoreCode } from '../program/builder.js';
import type { MemoryOperand } from '../program/program.js';

/** Where a product's result lies, and its bias, if it has one. */
export interface Result {
  out: number;
  bias?: number | undefined;
}

export interface Operands extends Result {
  /** First of the slice's inputs. */
  x: number;
  /** Of several slices: the cell with the number of the one that is multiplied. */
  number?: number | undefined;
}

/** The result before its product: the bias, or zeros. A product that is scaled takes its bias then. */
export function startProduct(
  core: CoreCode,
  type: FloatType,
  slice: MatrixSlice,
  { out, bias }: Result,
): void {
  const { outputs } = slice;
  if (bias === undefined || scaleCount(slice) > 0) fill(core, type, out, outputs, 0);
  else vector(core, 'move', type, outputs, cell(out), cell(bias));
}

/** Appends out += slice x; 8-bit integers are widened, and their sums multiplied by their scale. */
export function product(
  core: CoreCode,
  type: FloatType,
  slice: MatrixSlice,
  { x, out, bias, number }: Operands,
): void {
  const { name, inputs, outputs, count } = slice;
  const widen = slice.type === 'i8';
  const select = (step: number) =>
    number !== undefined && { select: { cell: number, step, count } };
  matvec(core, 'axpy', type, {
    ...{ matrix: core.at[name], rows: inputs, length: outputs, x, out, widen },
    ...select(inputs * outputs),
  });
  if (widen) scaleSums(core, type, slice, { out, bias }, select(scaleCount(slice)));
}

/**
 * Appends the weights of one output, that of the number in cell `id` less `first`, from cell `to` on; zeros if
 * it is not of this slice.
 */
export function lookUp(
  core: CoreCode,
  type: FloatType,
  slice: MatrixSlice,
  of: { id: number; first: number; to: number },
): void {
  const { name, inputs, outputs } = slice;
  append(core, {
    ...{ kind: 'lookup', type, table: core.at[name], rows: outputs, rowStride: 1 },
    ...{ stride: outputs, length: inputs, ...of },
  });
  const to = cell(of.to);
  if (slice.type === 'i8')
    vector(core, 'mul', type, inputs, to, to, cell(core.at[scalesOf(slice)], 0));
}

function scaleSums(
  core: CoreCode,
  type: FloatType,
  slice: MatrixSlice,
  { out, bias }: Result,
  selected: Pick<MemoryOperand, 'select'> | false,
): void {
  const scales = core.at[scalesOf(slice)];
  const { parts, outputs } = slice;
  const scale = (from: number, length: number, scaled: MemoryOperand) => {
    const sums = cell(out + from);
    const by = { ...scaled, ...selected };
    if (bias === undefined) vector(core, 'mul', type, length, sums, sums, by);
    else vector(core, 'fma', type, length, sums, sums, by, cell(bias + from));
  };
  if (parts === 'mixed') return scale(0, outputs, cell(scales));
  let from = 0;
  for (const [i, length] of parts.entries()) {
    scale(from, length, cell(scales + i, 0));
    from += length;
  }
}
