/**
 * RMSNorm and the gated MLP as WaferLLM does them: squares and their sum along y; gate and up
 * reduced along y as one vector, SiLU by a scalar loop, down along x. The published loop covers
 * only as many elements as a core has residual elements; exact lowering covers all.
 */
import { allReduce } from '../../kernels/collectives.js';
import { cell, fill, matvec, special, vector } from '../../program/builder.js';
import { label, sumOver, changeAxis, type WaferllmCore } from './core.js';

/** normed = x / sqrt(mean(x^2) + epsilon) * weight; `weight` is the first cell of the norm's weights. */
export function rmsNorm(core: WaferllmCore, weight: number): void {
  const { code, shape, options, column } = core;
  const { at } = code;
  const n = shape.dims;
  const [x, normed] = [cell(at.x), cell(at.normed)];
  const type = shape.scalarType;
  const sum = cell(at.scalar, 0);
  fill(code, type, at.scalar, 1, 0);
  if (options.exact) vector(code, 'fma', type, n, sum, x, x, sum);
  else {
    vector(code, 'mul', type, n, normed, x, x);
    vector(code, 'add', type, n, sum, normed, sum);
  }
  changeAxis(core, column);
  allReduce(code, column, 'add', type, at.scalar, 1);
  vector(code, 'mul', options.dtype, n, normed, x, cell(weight));
  const mean = { constant: 1 / options.dim };
  vector(code, 'fma', type, 1, sum, sum, mean, { constant: options.normEpsilon });
  special(code, 'rsqrt', 'scalar', type, at.scalar, 1);
  vector(code, 'mul', options.dtype, n, normed, normed, sum);
}

export function mlp(core: WaferllmCore): void {
  const { code, shape, options, column, row } = core;
  const { at } = code;
  const { dims, inner } = shape;
  const [gate, up] = [at.gateUp, at.gateUp + inner];
  label(core, 'gate up');
  product(core, at.wGate, dims, inner, at.normed, gate);
  product(core, at.wUp, dims, inner, at.normed, up);
  sumOver(core, column, at.gateUp, 2 * inner);
  label(core, 'silu');
  const covered = options.exact ? inner : Math.min(dims, inner);
  special(code, 'silu', 'scalar', options.dtype, gate, covered);
  vector(code, 'mul', options.dtype, inner, cell(gate), cell(gate), cell(up));
  label(core, 'down');
  product(core, at.wDown, inner, dims, gate, at.projected);
  changeAxis(core, row);
  sumOver(core, row, at.projected, dims);
  const x = cell(at.x);
  vector(code, 'add', options.dtype, dims, x, x, cell(at.projected));
}

/** out = x times a matrix of `rows` stored rows. */
function product(
  { code, options }: WaferllmCore,
  matrix: number,
  rows: number,
  length: number,
  x: number,
  out: number,
): void {
  fill(code, options.dtype, out, length, 0);
  matvec(code, 'axpy', options.dtype, { matrix, rows, length, x, out, widen: false });
}
