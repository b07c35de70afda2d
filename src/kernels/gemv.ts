/**
 * MeshGEMV (WaferLLM, OSDI 2025): y = x W on a grid of cores. W is cut into tiles, x along the
 * grid's y axis; every core multiplies its piece of x with its tile, and the columns add their
 * partial sums with a two-level tree along y, so that every core of a column holds its piece of y.
 */
import type { FloatType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { allReduce, fill, matvec, routesOf, type CoreCode } from '../lowering/core-code.js';
import { CHANNELS, stationsOf } from './line.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { role } from './streams.js';

export interface GemvOptions {
  /** W has k rows and n columns. */
  k: number;
  n: number;
  width: number;
  height: number;
  groups: number;
  dtype: FloatType;
}

/**
 * The program; per core buffers `x` (ceil(k/height)), `w` (that times ceil(n/width), by rows) and
 * `y` (ceil(n/width)). Slices are padded up; the padding must hold zeros.
 */
export function gemv(o: GemvOptions, wafer: WaferSpec): Program {
  const rows = Math.ceil(o.k / o.height);
  const length = Math.ceil(o.n / o.width);
  const { program, station } = assemble('gemv', o.width, o.height, ['matvec', 'all-reduce']);
  const colors = Array.from({ length: CHANNELS }, (_, channel) => channel);
  stationsOf(o.height, o.groups).forEach((does, y) => {
    for (let x = 0; x < o.width; x++)
      station(y * o.width + x, does, () => {
        const place = { station: does, axis: 'y' as const, colors };
        const memory = memoryMap();
        const input = memory.add('x', o.dtype, rows, true);
        const matrix = memory.add('w', o.dtype, rows * length, true);
        const out = memory.add('y', o.dtype, length);
        const code: CoreCode = { buffers: memory.buffers, at: {}, operations: [], label: 0 };
        fill(code, o.dtype, out, length, 0);
        matvec(code, 'axpy', o.dtype, { matrix, rows, length, x: input, out, widen: false });
        code.label = 1;
        allReduce(code, place, 'add', o.dtype, out, length);
        return role(`station of row ${y}`, {
          routes: routesOf(place),
          operations: code.operations,
          buffers: memory.buffers,
          codeBytes: kernelCodeBytes(wafer),
        });
      });
  });
  return program;
}
