/**
 * Which cells of a core's memory an operation reads and writes, in the order in which it does. The
 * base of the check that nothing is read before it is written (machine-model section 4, rule 6).
 */
import { cellsOf, isMemory, type Operation, type Role, type VectorOp } from './program.js';

export interface UnwrittenRead {
  /** Index of the operation in its role, and the cell. */
  operation: number;
  cell: number;
}

type Visit = (cell: number) => void;

/**
 * The first read of a cell that no earlier operation (or element of the same one) wrote and no
 * preloaded buffer holds, or undefined. A lookup counts as reading its whole table.
 */
export function firstUnwrittenRead(role: Role): UnwrittenRead | undefined {
  const written = new Uint8Array(cellsOf(role));
  for (const buffer of role.buffers)
    if (buffer.preloaded) written.fill(1, buffer.at, buffer.at + buffer.length);
  for (let operation = 0; operation < role.operations.length; operation++) {
    let missing: number | undefined;
    const read = (cell: number) => {
      if (missing === undefined && written[cell] !== 1) missing = cell;
    };
    const write = (cell: number) => {
      written[cell] = 1;
    };
    visitCells(role.operations[operation], read, write);
    if (missing !== undefined) return { operation, cell: missing };
  }
  return undefined;
}

/** Calls `read` and `write` for the cells of an operation, element by element. */
function visitCells(op: Operation, read: Visit, write: Visit): void {
  switch (op.kind) {
    case 'vector':
      return visitVector(op, read, write);
    case 'matvec':
      for (let i = 0; i < op.rows; i++) row(op.matrix + i * op.rowStride, op.length, read);
      row(op.x, op.form === 'axpy' ? op.rows : op.length, read, op.xStride);
      return row(op.out, op.form === 'axpy' ? op.length : op.rows, read);
    case 'special':
      row(op.at, op.length, read);
      return row(op.to, op.length, write);
    case 'lookup':
      read(op.id);
      for (let r = 0; r < op.rows; r++)
        for (let j = 0; j < op.length; j++) read(op.table + r * op.rowStride + j * op.stride);
      return row(op.to, op.length, write);
    case 'argmax':
      row(op.at, op.length, read);
      write(op.value);
      return write(op.id);
    case 'keepIfEqual':
      return [op.a, op.b, op.at].forEach(read);
    case 'route':
    case 'traffic':
      return;
  }
}

function visitVector(op: VectorOp, read: Visit, write: Visit): void {
  for (let i = 0; i < op.length; i++) {
    for (const source of [op.a, op.b, op.c])
      if (isMemory(source)) read(source.at + i * source.stride);
    if (isMemory(op.dst)) write(op.dst.at + i * op.dst.stride);
  }
}

function row(at: number, length: number, visit: Visit, stride = 1): void {
  for (let i = 0; i < length; i++) visit(at + i * stride);
}
