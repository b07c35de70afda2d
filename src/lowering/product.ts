/**
 * The product of a stored weight matrix and a vector, in whatever format and orientation the matrix is stored.
 * The parts of a line's cores are added up, so that one core of the line has the bias and the others zeros in
 * its place (images.ts).
 */
import type { CostTable } from '../hardware/wafer.js';
import type { FloatType } from '../numeric/types.js';
import { isBlocked, widenedType } from '../model/formats.js';
import { buffersOf, namesBlocks, scaleCount, type MatrixSlice } from '../mapping/matrices.js';
import { append, cell, chosen, fill, matvec, vector, type CoreCode } from '../program/builder.js';
import type { MatvecOp, MemoryOperand, ScaleAxis, Scales, Select } from '../program/program.js';
import { timeOf } from '../program/timing.js';

/** What products depend on of the model and the wafer: the type that they are computed in, and costs. */
export interface Multiplies {
  model: { dtype: FloatType };
  costs: CostTable;
}

/** Where a product's result lies, and its bias, if it has one. */
export interface Result {
  out: number;
  bias?: number | undefined;
}

export interface Operands extends Result {
  /** First of the slice's inputs. */
  x: number;
  /** The cell with the number of the slice among those that lie one after the other. */
  choice?: number;
  /**
   * Other products are added up in `out` as well: what an 8-bit matrix is to be multiplied by is put on `x`, in
   * place, rather than on the sums.
   */
  adds?: boolean;
}

/** The result before its product: the bias, or zeros. A product whose sums are scaled takes its bias then. */
export function startProduct(
  core: CoreCode,
  { model }: Pick<Multiplies, 'model'>,
  slice: MatrixSlice,
  { out, bias }: Result,
): void {
  const { outputs } = slice;
  if (bias === undefined || scalesSums(slice)) fill(core, model.dtype, out, outputs, 0);
  else vector(core, 'move', model.dtype, outputs, cell(out), cell(bias));
}

/** Integers of 8 bits are multiplied as they are, and their sums by the scale of the matrix. */
function scalesSums({ format }: MatrixSlice): boolean {
  return format.type === 'i8';
}

/** Appends out += slice x; codes are widened, each times its block's scale, or their sums are scaled. */
export function product(
  core: CoreCode,
  by: Multiplies,
  slice: MatrixSlice,
  { x, out, bias, choice, adds = false }: Operands,
): void {
  const { dtype: type } = by.model;
  const { inputs, outputs } = slice;
  const form = formOf(by, slice);
  const [rows, length] = form === 'axpy' ? [inputs, outputs] : [outputs, inputs];
  const select = selectOf(slice, inputs * outputs, choice);
  const scales = scalesOf(core, slice, form === 'axpy' ? 'inputs' : 'outputs', choice);
  const scaled = scalesSums(slice);
  if (scaled && adds) {
    const by = scaleOperand(core, slice, 0, choice);
    vector(core, 'mul', type, inputs, cell(x), cell(x), by);
  }
  matvec(core, form, type, {
    ...{ matrix: core.at[buffersOf(slice).weights], rows, length, x, out },
    widen: widenedType(slice.format) ?? false,
    ...(select && { select }),
    ...(scales && { scales }),
  });
  if (scaled && !adds) scaleSums(core, type, slice, { out, bias }, choice);
}

/**
 * By rows of inputs (`axpy`) or of outputs (`dot`), whichever takes less time on this wafer; the matrix is
 * stored in these rows.
 */
export function formOf({ model, costs }: Multiplies, slice: MatrixSlice): MatvecOp['form'] {
  const { dtype: type } = model;
  const { inputs, outputs } = slice;
  const widen = widenedType(slice.format) ?? false;
  const cyclesOf = (form: MatvecOp['form'], rows: number, length: number) => {
    const at = { rows, length, rowStride: length, matrix: 0, x: 0, out: 0 };
    return timeOf({ kind: 'matvec', label: 0, form, type, widen, ...at }, costs).cycles;
  };
  return cyclesOf('dot', outputs, inputs) < cyclesOf('axpy', inputs, outputs) ? 'dot' : 'axpy';
}

function selectOf({ count }: MatrixSlice, step: number, choice?: number): Select | undefined {
  return choice === undefined ? undefined : { cell: choice, step, count };
}

/** The scales of a slice's blocks, its inputs or its outputs being the rows; none of other formats. */
function scalesOf(
  core: CoreCode,
  slice: MatrixSlice,
  rows: 'inputs' | 'outputs',
  choice?: number,
): Scales | undefined {
  if (!isBlocked(slice.format)) return undefined;
  const names = buffersOf(slice);
  const named = namesBlocks(slice);
  const { inputs: many, outputs: across } = slice.blocks;
  const axis = (isNamed: boolean, name: string, blocks: number, stride: number): ScaleAxis => {
    if (blocks === 1) return { stride: 0 };
    return isNamed ? { index: core.at[name], stride } : { stride };
  };
  const inputs = axis(named.inputs, names.inputBlocks, many, across);
  const outputs = axis(named.outputs, names.outputBlocks, across, 1);
  const select = selectOf(slice, scaleCount(slice), choice);
  return {
    at: core.at[names.scales],
    length: scaleCount(slice),
    ...(rows === 'inputs'
      ? { rows: inputs, columns: outputs }
      : { rows: outputs, columns: inputs }),
    ...(select && { select }),
  };
}

/**
 * Appends the weights of one output, that of the number in cell `id` less `first`, from cell `to` on; zeros if
 * it is not of this slice.
 */
export function lookUp(
  core: CoreCode,
  by: Multiplies,
  slice: MatrixSlice,
  of: { id: number; first: number; to: number },
): void {
  const { dtype: type } = by.model;
  const { inputs, outputs, format } = slice;
  const [rowStride, stride] = formOf(by, slice) === 'axpy' ? [1, outputs] : [inputs, 1];
  const scales = scalesOf(core, slice, 'outputs');
  append(core, {
    ...{ kind: 'lookup', type, table: core.at[buffersOf(slice).weights], rows: outputs },
    ...{ rowStride, stride, length: inputs, ...of },
    ...(isBlocked(format) && scales && { widen: format.type, scales }),
  });
  const to = cell(of.to);
  if (scalesSums(slice)) vector(core, 'mul', type, inputs, to, to, scaleOperand(core, slice, 0));
}

/** The scale of a matrix of integers, one number for all. */
function scaleOperand(
  core: CoreCode,
  slice: MatrixSlice,
  matrix: number,
  choice?: number,
): MemoryOperand {
  const select = selectOf(slice, scaleCount(slice), choice);
  const at = core.at[buffersOf(slice).scales] + matrix;
  return select === undefined ? cell(at, 0) : chosen(at, select, 0);
}

function scaleSums(
  core: CoreCode,
  type: FloatType,
  slice: MatrixSlice,
  { out, bias }: Result,
  choice?: number,
): void {
  const { parts, outputs } = slice;
  const scale = (from: number, length: number, by: MemoryOperand) => {
    const sums = cell(out + from);
    if (bias === undefined) vector(core, 'mul', type, length, sums, sums, by);
    else vector(core, 'fma', type, length, sums, sums, by, cell(bias + from));
  };
  // One for each output.
  if (parts === 'mixed')
    return scale(0, outputs, { ...scaleOperand(core, slice, 0, choice), stride: 1 });
  let from = 0;
  for (const [i, length] of parts.entries()) {
    scale(from, length, scaleOperand(core, slice, i, choice));
    from += length;
  }
}
