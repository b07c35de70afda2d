/**
 * A quick look at whether a role reads only memory that was written before: by stretches of cells
 * rather than cell by cell. It may say no to a role that does nothing wrong (an element that an
 * earlier one of the same operation wrote), never yes to one that does; who gets a no looks closely.
 */
import {
  cellsOf,
  isMemory,
  type Operation,
  type Role,
  type Source,
} from '../../program/program.js';

interface Cells {
  role: Role;
  written: Uint8Array;
}

export function readsOnlyWritten(role: Role): boolean {
  const cells = { role, written: new Uint8Array(cellsOf(role)) };
  for (const { preloaded, at, length } of role.buffers)
    if (preloaded) cells.written.fill(1, at, at + length);
  return role.operations.every((op) => runsOnWritten(cells, op));
}

/** Are the cells that an operation reads written? Marks those that it writes. */
function runsOnWritten(cells: Cells, op: Operation): boolean {
  switch (op.kind) {
    case 'vector':
      if (!isSourceWritten(cells, op.a, op.length)) return false;
      if (op.b && !isSourceWritten(cells, op.b, op.length)) return false;
      if (op.c && !isSourceWritten(cells, op.c, op.length)) return false;
      if (isMemory(op.dst)) write(cells, op.dst.at, op.length, op.dst.stride);
      return true;
    case 'matvec': {
      const [inputs, outputs] = op.form === 'axpy' ? [op.rows, op.length] : [op.length, op.rows];
      return (
        isWritten(cells, op.x, inputs, op.xStride ?? 1) &&
        isWritten(cells, op.out, outputs, 1) &&
        isTableWritten(cells, op.matrix, op.rows, op.rowStride, op.length, 1)
      );
    }
    case 'special':
      if (!isWritten(cells, op.at, op.length, 1)) return false;
      write(cells, op.to, op.length, 1);
      return true;
    case 'lookup':
      if (!isWritten(cells, op.id, 1, 1)) return false;
      if (!isTableWritten(cells, op.table, op.rows, op.rowStride, op.length, op.stride))
        return false;
      write(cells, op.to, op.length, 1);
      return true;
    case 'argmax':
      if (!isWritten(cells, op.at, op.length, 1)) return false;
      write(cells, op.value, 1, 1);
      write(cells, op.id, 1, 1);
      return true;
    case 'keepIfEqual':
      return [op.a, op.b, op.at].every((at) => isWritten(cells, at, 1, 1));
    case 'route':
    case 'traffic':
      return true;
  }
}

function isSourceWritten(cells: Cells, source: Source, length: number): boolean {
  return !isMemory(source) || isWritten(cells, source.at, length, source.stride);
}

function isTableWritten(
  cells: Cells,
  at: number,
  rows: number,
  rowStride: number,
  length: number,
  stride: number,
): boolean {
  if (rows === 0 || length === 0) return true;
  const extent = (rows - 1) * rowStride + (length - 1) * stride + 1;
  if (rowStride >= 0 && stride >= 0 && isPreloaded(cells.role, at, extent)) return true;
  for (let r = 0; r < rows; r++)
    if (!isWritten(cells, at + r * rowStride, length, stride)) return false;
  return true;
}

function isPreloaded(role: Role, at: number, extent: number): boolean {
  return role.buffers.some((b) => b.preloaded && b.at <= at && at + extent <= b.at + b.length);
}

function isWritten({ written }: Cells, at: number, length: number, stride: number): boolean {
  if (stride === 0) return length === 0 || written[at] === 1;
  for (let i = 0; i < length; i++) if (written[at + i * stride] !== 1) return false;
  return true;
}

function write({ written }: Cells, at: number, length: number, stride: number): void {
  if (stride === 1 && at >= 0 && length > 16) written.fill(1, at, at + length);
  else for (let i = 0; i < length; i++) written[at + i * stride] = 1;
}
