/**
 * What a product starts from, and how its 8-bit weights' scale is applied. The parts of a line's cores are
 * added up, so that one core of the line has the bias and the others zeros in its place (images.ts).
 */
import { cell, fill, vector, type CoreCode } from '../program/builder.js';
import type { MemoryOperand } from '../program/program.js';
import type { ModelSpec } from '../model/model.js';

/** Where a product's result lies, and its bias, if it has one. */
export interface Result {
  at: number;
  length: number;
  bias: number | undefined;
}

/** The result before its product: the bias, or zeros. A product that is scaled takes its bias then. */
export function start(core: CoreCode, { dtype, weightBits }: ModelSpec, result: Result): void {
  const { at, length, bias } = result;
  if (bias === undefined || weightBits === 8) fill(core, dtype, at, length, 0);
  else vector(core, 'move', dtype, length, cell(at), cell(bias));
}

/** After a product of 8-bit weights: their scale, and the bias. */
export function scale(
  core: CoreCode,
  { dtype }: ModelSpec,
  { at, length, bias }: Result,
  by: MemoryOperand,
): void {
  const out = cell(at);
  if (bias === undefined) vector(core, 'mul', dtype, length, out, out, by);
  else vector(core, 'fma', dtype, length, out, out, by, cell(bias));
}
