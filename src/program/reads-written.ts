/**
 * A quick look at whether a role reads only memory that was written before: by stretches of cells rather than cell by
 * cell. It may say no to a role that does nothing wrong (an element that an earlier one of the same operation wrote),
 * never yes to one that does: after a no, look closely (memory-use.ts).
 */
import { accessesOf, type Access } from './memory-use.js';
import { cellOf, cellsOf, isMemory } from './program.js';
import type { Destination, MatvecOp, Operation, Role, Source, VectorOp } from './program.js';

/** Cells that hold data: 1 for each, and stretches of those, which spare a look at every cell. */
interface Written {
  cells: Uint8Array;
  from: number[];
  end: number[];
}

/** @param room for a role's cells, zeros or not, at least as many: a large program has thousands of roles */
export function readsOnlyWritten(role: Role, room?: Uint8Array): boolean {
  const count = cellsOf(role);
  const cells = room?.subarray(0, count).fill(0) ?? new Uint8Array(count);
  const written: Written = { cells, from: [], end: [] };
  for (const { preloaded, at, length } of role.buffers) if (preloaded) fill(written, at, length);
  const { operations } = role;
  for (let i = 0; i < operations.length; i++) if (!isDone(written, operations[i])) return false;
  return true;
}

/** Notes what an operation writes; whether all that it reads is there. Most are of two kinds, without any choice. */
function isDone(written: Written, op: Operation): boolean {
  if (op.kind === 'vector' && !isChosen(op)) {
    const { dst, a, b, c, length } = op;
    const isThere = isRead(written, a, length) && isRead(written, b, length);
    if (!isThere || !isRead(written, c, length)) return false;
    if (isMemory(dst)) write(written, dst.at, length, dst.stride, dst.wrap, dst.from);
    return true;
  }
  if (op.kind === 'matvec' && op.select === undefined && op.scales === undefined)
    return isProduct(written, op);
  for (const access of accessesOf(op)) {
    const { does, at, length, stride, wrap, from } = access;
    if (does === 'write') write(written, at, length, stride, wrap, from);
    else if (does === 'read' && !isTable(written, access)) return false;
  }
  return true;
}

function isChosen({ dst, a, b, c }: VectorOp): boolean {
  return hasSelect(dst) || hasSelect(a) || hasSelect(b) || hasSelect(c);
}

function hasSelect(operand: Source | Destination | undefined): boolean {
  return operand !== undefined && isMemory(operand) && operand.select !== undefined;
}

/** Of a circular buffer all has to be there. */
function isRead(written: Written, source: Source | undefined, length: number): boolean {
  if (source === undefined || !isMemory(source)) return true;
  return isWritten(written, source.at, source.wrap ?? length, source.stride);
}

function isProduct(written: Written, op: MatvecOp): boolean {
  const { form, rows, length, rowStride, matrix } = op;
  const [inputs, outputs] = form === 'axpy' ? [rows, length] : [length, rows];
  return (
    areRows(written, matrix, rows, rowStride, length, 1) &&
    isWritten(written, op.x, inputs, op.xStride ?? 1) &&
    isWritten(written, op.out, outputs, op.outStride ?? 1)
  );
}

function isTable(written: Written, access: Access): boolean {
  const { at, wrap, length, stride, rows, rowStride, tables, tableStride } = access;
  const each = wrap ?? length;
  for (let table = 0; table < tables; table++)
    if (!areRows(written, at + table * tableStride, rows, rowStride, each, stride)) return false;
  return true;
}

function areRows(
  written: Written,
  at: number,
  rows: number,
  rowStride: number,
  length: number,
  stride: number,
): boolean {
  const isForward = rows > 0 && length > 0 && rowStride >= 0 && stride >= 0;
  if (isForward && isKnown(written, at, (rows - 1) * rowStride + (length - 1) * stride + 1))
    return true;
  for (let row = 0; row < rows; row++)
    if (!isWritten(written, at + row * rowStride, length, stride)) return false;
  return true;
}

function isWritten(written: Written, at: number, length: number, stride: number): boolean {
  if (length <= 0) return true;
  const count = stride === 0 ? 1 : length;
  if (stride >= 0 && isKnown(written, at, (count - 1) * stride + 1)) return true;
  const { cells } = written;
  for (let i = 0; i < count; i++) if (cells[at + i * stride] !== 1) return false;
  if (stride === 1) note(written, at, at + count);
  return true;
}

function write(
  written: Written,
  at: number,
  length: number,
  stride: number,
  wrap: number | undefined,
  from = 0,
): void {
  if (length <= 0) return;
  if (wrap === undefined && (stride === 0 || stride === 1)) {
    fill(written, at, stride === 0 ? 1 : length);
    return;
  }
  const place = { at, stride, from, ...(wrap !== undefined && { wrap }) };
  for (let i = 0; i < length; i++) written.cells[cellOf(place, i)] = 1;
}

function fill(written: Written, at: number, length: number): void {
  const { cells } = written;
  if (isKnown(written, at, length)) return;
  const isInside = at >= 0 && at + length <= cells.length;
  if (isInside && length > 16) cells.fill(1, at, at + length);
  else for (let i = 0; i < length; i++) cells[at + i] = 1;
  if (isInside) note(written, at, at + length);
}

/** Are the cells in one of the stretches? Those noted last are the likeliest. */
function isKnown({ from, end }: Written, at: number, length: number): boolean {
  if (!Number.isInteger(at)) return false;
  for (let i = from.length - 1; i >= 0; i--)
    if (from[i] <= at && at + length <= end[i]) return true;
  return false;
}

/** Notes a stretch, with the first one that it touches as one. */
function note({ from, end }: Written, at: number, after: number): void {
  if (!Number.isInteger(at) || !Number.isInteger(after)) return;
  for (let i = from.length - 1; i >= 0; i--) {
    if (from[i] > after || at > end[i]) continue;
    from[i] = Math.min(from[i], at);
    end[i] = Math.max(end[i], after);
    return;
  }
  from.push(at);
  end.push(after);
}
