/**
 * Indices that operations take from memory: what is wrong with one, and the operation whose addresses it
 * raised. They are read once, when the operation's set-up is over; a wrong one ends the program.
 */
import { isMemory, selectsOf } from '../program/program.js';
import type { MatvecOp, MemoryOperand, Operation, Select, VectorOp } from '../program/program.js';

/** An operation of a core, by its number in the core's list, whose index is wrong. */
export interface IndexFault {
  core: number;
  operation: number;
  detail: string;
}

/** What is wrong with an index that an operation takes from a core's memory now; undefined if nothing is. */
export function badIndex(op: Operation, memory: Float32Array): string | undefined {
  if (op.kind === 'put') return badPlace(memory[op.test], op.test, op.below);
  for (const { cell, count } of selectsOf(op)) {
    const index = memory[cell];
    if (!Number.isInteger(index) || index < 0 || index >= count)
      return `selects ${index} by cell ${cell}, which is to be a whole number from 0 to ${count - 1}`;
  }
  return undefined;
}

function badPlace(index: number, cell: number, below: number): string | undefined {
  if (Number.isInteger(index) && (index >= 0 || index >= below)) return undefined;
  return `puts to ${index} by cell ${cell}, which is to be a whole number from 0 on`;
}

/** The operation with the addresses that its indices lead to: itself if it has none. */
export function raised<Op extends VectorOp | MatvecOp>(op: Op, memory: Float32Array): Op {
  if (selectsOf(op).length === 0) return op;
  const by = ({ cell, step }: Select) => step * memory[cell];
  if (op.kind === 'matvec') {
    const { select, scales, matrix } = op;
    const placed = { ...op, ...(select && { matrix: matrix + by(select) }) };
    if (scales?.select === undefined) return placed;
    return { ...placed, scales: { ...scales, at: scales.at + by(scales.select) } };
  }
  const operand = <Operand extends object | undefined>(of: Operand): Operand => {
    const from = of as MemoryOperand | undefined;
    if (!isMemory(from) || from.select === undefined) return of;
    const { select, ...rest } = from;
    return { ...rest, at: from.at + by(select) } as unknown as Operand;
  };
  const { dst, a, b, c } = op;
  return {
    ...op,
    dst: operand(dst),
    a: operand(a),
    ...(b && { b: operand(b) }),
    ...(c && { c: operand(c) }),
  };
}
