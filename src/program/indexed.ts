/** Operations that find their place by a number in memory: an indexed base, an indexed write, a rank. */
import type { FloatType } from '../numeric/types.js';
import type { MemoryOperand, Operation } from './operations.js';

/**
 * The address of an operand is raised by `step` cells times memory[cell], which is to be a whole number in
 * [0, count): one of `count` tables. It is read once, when the set-up of the operation is over.
 */
export interface Select {
  cell: number;
  step: number;
  count: number;
}

/**
 * memory[to] = how many of `length` cells at `at` are larger than cell `own`, or equal and before it. `own` is
 * one of those cells: the first of equal ones has the least rank. With `atLeast` it is any cell, and those that are
 * equal to it count wherever they are.
 */
export interface RankOp {
  kind: 'rank';
  label: number;
  type: 'f32';
  at: number;
  length: number;
  own: number;
  to: number;
  atLeast?: true;
}

/**
 * If memory[test] < below, `length` cells from `from` on are copied to `to + stride * memory[test]` on; else
 * nothing is. Both outcomes take the same time. memory[test] is to be a whole number, and none below 0 that is
 * below `below`.
 */
export interface PutOp {
  kind: 'put';
  label: number;
  type: FloatType;
  test: number;
  below: number;
  from: number;
  length: number;
  to: number;
  stride: number;
}

const NONE: readonly Select[] = [];

/** The indices that an operation takes from memory to find its operands. */
export function selectsOf(op: Operation): readonly Select[] {
  if (op.kind === 'matvec') {
    const { select, scales } = op;
    if (scales?.select === undefined) return select === undefined ? NONE : [select];
    return [...(select === undefined ? NONE : [select]), scales.select];
  }
  if (op.kind !== 'vector') return NONE;
  const { dst, a, b, c } = op;
  if (!isSelected(dst) && !isSelected(a) && !isSelected(b) && !isSelected(c)) return NONE;
  return [dst, a, b, c].filter(isSelected).map(({ select }) => select);
}

function isSelected(operand: object | undefined): operand is MemoryOperand & { select: Select } {
  return operand !== undefined && 'select' in operand && operand.select !== undefined;
}
