/**
 * Matrix-vector products. MeshGEMV (WaferLLM, OSDI 2025): y = x W on a grid of cores. W is cut into tiles, x along the
 * grid's y axis; every core multiplies its piece of x with its tile, and the columns add their
 * partial sums with a two-level tree along y, so that every core of a column holds its piece of y.
 */
import { addBuffer, assemble, fill, matvec as append } from '../program/builder.js';
import type { CoreCode, FloatType, WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { allReduce, routesOf } from './collectives.js';
import { CHANNELS, stationsOf } from './line.js';

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
  const labels = ['matvec', 'all-reduce'];
  const bytes = wafer.core.codeBytes.stack;
  const { program, station } = assemble('gemv', o.width, o.height, labels, bytes);
  stationsOf(o.height, o.groups).forEach((does, y) => {
    const place = { station: does, axis: 'y' as const, colors: CHANNELS };
    const write = (core: CoreCode) => {
      const input = addBuffer(core, 'x', o.dtype, rows, true);
      const matrix = addBuffer(core, 'w', o.dtype, rows * length, true);
      const out = addBuffer(core, 'y', o.dtype, length);
      core.routes = routesOf(place);
      fill(core, o.dtype, out, length, 0);
      append(core, 'axpy', o.dtype, { matrix, rows, length, x: input, out, widen: false });
      core.label = 1;
      allReduce(core, place, 'add', o.dtype, out, length);
    };
    for (let x = 0; x < o.width; x++) station(y * o.width + x, `station of row ${y}`, write, does);
  });
  return program;
}

export interface MatvecOptions {
  rows: number;
  /** Elements of a stored row; at least `rows` in the published runs. */
  padded: number;
  iterations: number;
  dtype: FloatType;
}

/**
 * Matrix-vector product on one core, again and again: y += A x, one vector multiply-add a stored row (the SDK's
 * single-tile-matvec example). Buffers `matrix` (rows x padded), `x` (rows) and `y` (padded), all preloaded.
 */
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
