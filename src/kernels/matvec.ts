/**
 * Matrix-vector product on one core, again and again: y += A x with A of `rows` stored rows, each
 * padded to `padded` elements (the SDK's single-tile-matvec example: one vector multiply-add a
 * row).
 */
import { addBuffer, assemble } from '../program/builder.js';
import { matvec as append, type FloatType, type WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';

export interface MatvecOptions {
  rows: number;
  /** Elements of a stored row; at least `rows` in the published runs. */
  padded: number;
  iterations: number;
  dtype: FloatType;
}

/** One core; buffers `matrix` (rows x padded), `x` (rows) and `y` (padded), all preloaded. */
export function matvec(o: MatvecOptions, wafer: WaferSpec): Program {
  const { program, station } = assemble('matvec', 1, 1, ['matvec'], wafer.core.codeBytes.stack);
  station(0, 'core', (core) =>
    append(core, 'axpy', o.dtype, {
      rows: o.rows,
      length: o.padded,
      matrix: addBuffer(core, 'matrix', o.dtype, o.rows * o.padded, true),
      x: addBuffer(core, 'x', o.dtype, o.rows, true),
      out: addBuffer(core, 'y', o.dtype, o.padded, true),
      widen: false,
      repeat: o.iterations,
    }),
  );
  return program;
}
