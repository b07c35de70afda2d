/**
 * Matrix-vector product on one core, again and again: y += A x with A of `rows` stored rows, each
 * padded to `padded` elements (the SDK's single-tile-matvec example: one vector multiply-add a
 * row).
 */
import type { FloatType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { MatvecOp, Program } from '../program/program.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { role } from './streams.js';

export interface MatvecOptions {
  rows: number;
  /** Elements of a stored row; at least `rows` in the published runs. */
  padded: number;
  iterations: number;
  dtype: FloatType;
}

/** One core; buffers `matrix` (rows x padded), `x` (rows) and `y` (padded), all preloaded. */
export function matvec(o: MatvecOptions, wafer: WaferSpec): Program {
  const { program, station } = assemble('matvec', 1, 1, ['matvec']);
  station(0, 'core', () => {
    const memory = memoryMap();
    const op: MatvecOp = {
      kind: 'matvec',
      label: 0,
      form: 'axpy',
      type: o.dtype,
      rows: o.rows,
      length: o.padded,
      rowStride: o.padded,
      matrix: memory.add('matrix', o.dtype, o.rows * o.padded, true),
      x: memory.add('x', o.dtype, o.rows, true),
      out: memory.add('y', o.dtype, o.padded, true),
      widen: false,
      repeat: o.iterations,
    };
    return role('core', {
      routes: [],
      operations: [op],
      buffers: memory.buffers,
      codeBytes: kernelCodeBytes(wafer),
    });
  });
  return program;
}
