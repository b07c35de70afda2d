/**
 * The product of a stored weight matrix and a vector, in whatever format and orientation the matrix is stored.
 * The parts of a line's cores are added up, so that one core of the line has the bias and the others zeros in
 * its place (images.ts).
 */
import { chosenBy } from '../hardware/watched.js';
import type { CostTable } from '../hardware/wafer.js';
import { isBlocked, widenedType } from '../model/formats.js';
import {
  buffersOf,
  namesBlocks,
  scaleCount,
  scalesSums,
  type MatrixSlice,
} from '../mapping/matrices.js';
import { append, cell, chosen, fill, matvec, vector, type CoreCode } from '../program/builder.js';
import type { MatvecOp, MemoryOperand, ScaleAxis, Scales, Select } from '../program/program.js';
import { timeOf } from '../program/timing.js';

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

/** What products are written by. */
interface Costs {
  costs: CostTable;
}

/** The result before its product: the bias, or zeros. A product whose sums are scaled takes its bias then. */
export function startProduct(core: CoreCode, slice: MatrixSlice, { out, bias }: Result): void {
  const { outputs, type } = slice;
  if (bias === undefined || scalesSums(slice)) fill(core, type, out, outputs, 0);
  else vector(core, 'move', type, outputs, cell(out), cell(bias));
}

/** Appends out += slice x; codes are widened, each times its block's scale, or their sums are scaled. */
export function product(
  core: CoreCode,
  { costs }: Costs,
  slice: MatrixSlice,
  { x, out, bias, number }: Operands,
): void {
  const { inputs, outputs, type } = slice;
  const form = formOf(costs, slice);
  const [rows, length] = form === 'axpy' ? [inputs, outputs] : [outputs, inputs];
  const select = selectOf(slice, inputs * outputs, number);
  const scales = scalesOf(core, slice, form === 'axpy' ? 'inputs' : 'outputs', number);
  matvec(core, form, type, {
    ...{ matrix: core.at[buffersOf(slice).weights], rows, length, x, out },
    widen: widenedType(slice.format) ?? false,
    ...(select && { select }),
    ...(scales && { scales }),
  });
  if (scalesSums(slice)) scaleSums(core, slice, { out, bias }, number);
}

/**
 * By rows of inputs (`axpy`) or of outputs (`dot`), whichever takes less time on this wafer; the matrix is
 * stored in these rows.
 */
export function formOf(costs: CostTable, slice: MatrixSlice): MatvecOp['form'] {
  return cheaperRows(costs, { ...slice, widen: widenedType(slice.format) ?? false });
}

/** The same of any matrix. */
export function cheaperRows(
  costs: CostTable,
  {
    inputs,
    outputs,
    type,
    widen,
  }: Pick<MatrixSlice, 'inputs' | 'outputs' | 'type'> & Pick<MatvecOp, 'widen'>,
): MatvecOp['form'] {
  const chosen = (by: CostTable) => {
    const cyclesOf = (form: MatvecOp['form'], rows: number, length: number) => {
      const at = { rows, length, rowStride: length, matrix: 0, x: 0, out: 0 };
      return timeOf({ kind: 'matvec', label: 0, form, type, widen, ...at }, by).cycles;
    };
    return cyclesOf('dot', outputs, inputs) < cyclesOf('axpy', inputs, outputs) ? 'dot' : 'axpy';
  };
  return chosenBy(costs, () => `matvec ${type} ${inputs} ${outputs} ${widen}`, chosen);
}

function selectOf({ count }: MatrixSlice, step: number, number?: number): Select | undefined {
  return number === undefined ? undefined : { cell: number, step, count };
}

/** The scales of a slice's blocks, its inputs or its outputs being the rows; none of other formats. */
function scalesOf(
  core: CoreCode,
  slice: MatrixSlice,
  rows: 'inputs' | 'outputs',
  number?: number,
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
  const select = selectOf(slice, scaleCount(slice), number);
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
  { costs }: Costs,
  slice: MatrixSlice,
  of: { id: number; first: number; to: number },
): void {
  const { inputs, outputs, format, type } = slice;
  const [rowStride, stride] = formOf(costs, slice) === 'axpy' ? [1, outputs] : [inputs, 1];
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
  number?: number,
): MemoryOperand {
  const select = selectOf(slice, scaleCount(slice), number);
  const at = core.at[buffersOf(slice).scales] + matrix;
  return select === undefined ? cell(at, 0) : chosen(at, select, 0);
}

function scaleSums(
  core: CoreCode,
  slice: MatrixSlice,
  { out, bias }: Result,
  number?: number,
): void {
  const { parts, outputs, type } = slice;
  const scale = (from: number, length: number, by: MemoryOperand) => {
    const sums = cell(out + from);
    if (bias === undefined) vector(core, 'mul', type, length, sums, sums, by);
    else vector(core, 'fma', type, length, sums, sums, by, cell(bias + from));
  };
  const scales = { ...scaleOperand(core, slice, 0, number), stride: 1 };
  // One for each output, or two in turn.
  if (parts === 'mixed') return scale(0, outputs, scales);
  if (parts === 'pairs') return scale(0, outputs, { ...scales, wrap: 2 });
  let from = 0;
  for (const [i, length] of parts.entries()) {
    scale(from, length, scaleOperand(core, slice, i, number));
    from += length;
  }
}
