/** What generated programs do by numbers in memory: ranks, places chosen by them, and streams from chosen places. */
import type { FloatType } from '../../src/numeric/types.js';
import { chosen, matvec, put, rank, type Code } from '../../src/program/builder.js';
import type { MemoryOperand, Operation } from '../../src/program/program.js';
import { add, cell, move, vector } from './programs.js';

/** Cells that no other operation writes: an index of three, one of four, and a rank. */
const [OF_THREE, OF_FOUR, RANKED] = [56, 57, 58];

/** Puts a core's indices into its memory: right ones by this number. */
export function setIndices(memory: Float32Array, number: number): void {
  memory[OF_THREE] = number % 3;
  memory[OF_FOUR] = (2 * number + 1) % 4;
  memory[RANKED] = number % 2;
}

/** Makes an index of a core wrong, in one way or another. */
export function spoilIndex(memory: Float32Array, way: number): void {
  const at = way % 2 === 0 ? OF_THREE : OF_FOUR;
  memory[at] = [NaN, -1, 0.5, 4, Infinity, 1e9][way % 6];
}

/** Where a stream begins that takes or leaves up to 40 elements: one of several places. */
export const takenFrom: MemoryOperand = chosen(3, { cell: OF_THREE, step: 4, count: 3 });
export const leftAt: MemoryOperand = chosen(2, { cell: OF_FOUR, step: 3, count: 4 });

/** Operations on memory alone; what they read is among the first 56 cells. */
export function indexed(given: { type: FloatType; length: number; variant: number }): Operation[] {
  const { type, length, variant } = given;
  const code: Code = { operations: [], label: 0 };
  const among = 1 + (length % 30);
  const byRank = { cell: RANKED, step: 1, count: among };
  rank(code, { at: 2, length: among, own: 2 + ((7 * variant) % among), to: RANKED });
  if (variant === 0) {
    const below = 1 + (length % 8);
    put(code, type, { test: RANKED, below, from: 5, length: length % 5, to: 20, stride: 3 });
  } else if (variant === 1) {
    const select = { cell: OF_FOUR, step: 5, count: 4 };
    const product = {
      rows: 3,
      length: 4,
      rowStride: 5,
      matrix: 0,
      x: 30,
      out: 50,
      widen: false,
    } as const;
    matvec(code, length % 2 === 0 ? 'axpy' : 'dot', type, { ...product, select });
  } else if (variant === 2) {
    const to = chosen(30, { cell: OF_THREE, step: 2, count: 3 });
    const operation = { type, length: length % 10, dst: to, a: chosen(5, byRank), b: cell(9) };
    code.operations.push(vector({ fn: 'sub', ...operation }));
  } else {
    const round = { ...chosen(0, { cell: OF_THREE, step: 6, count: 3 }, 2), wrap: 3, from: 1 };
    code.operations.push(move(round, chosen(8, byRank), length % 8, type));
    code.operations.push(add(cell(40), round, cell(1), length % 8, type));
  }
  return code.operations;
}
