/**
 * Attention of one token as WaferLLM does it: fused Q, K and V along y, RoPE on halves, scores
 * along x, softmax along y, values along y, output projection along x. Norms of query and key heads, which the
 * published kernel does not have, are one more all-reduce along x, before RoPE.
 * Exact lowering also appends the new key and value and keeps the heads apart.
 */
import { LEAST } from '../../numeric/types.js';
import { allReduce } from '../../kernels/collectives.js';
import { cell, fill, matvec, special, vector } from '../../program/builder.js';
import type { CoreCode, FloatType } from '../../program/builder.js';
import { label, sumOver, changeAxis, type WaferllmCore } from './core.js';

export function attention(core: WaferllmCore): void {
  label(core, 'qkv');
  projectQkv(core);
  if (core.options.qkNorm) {
    label(core, 'qk norm');
    normaliseHeads(core);
  }
  label(core, 'rope');
  const { at } = core.code;
  const { attention, pairs } = core.shape;
  for (const vectorAt of [at.qkv, at.qkv + attention])
    rotateHalves(core.code, core.options.dtype, pairs, vectorAt);
  label(core, 'kv append');
  append(core);
  label(core, 'scores');
  scores(core);
  label(core, 'softmax');
  softmax(core);
  label(core, 'values');
  weightedValues(core);
  label(core, 'attention out');
  projectOut(core);
}

function projectQkv(core: WaferllmCore): void {
  const { code, shape, column } = core;
  const { dtype } = core.options;
  const length = shape.attention;
  ['wQ', 'wK', 'wV'].forEach((matrix, i) => {
    const out = code.at.qkv + i * length;
    fill(code, dtype, out, length, 0);
    const product = { matrix: code.at[matrix], rows: shape.dims, length, out };
    matvec(code, 'axpy', dtype, { ...product, x: code.at.normed, widen: false });
  });
  sumOver(core, column, code.at.qkv, 3 * length);
}

/** RMSNorm of each query and key head, whose elements are spread over the columns. */
function normaliseHeads(core: WaferllmCore): void {
  const { code, shape, options, row } = core;
  const { at } = code;
  const { scalarType: type, scoreRows } = shape;
  const scales = 2 * scoreRows;
  /** Query heads, then key heads: their elements here, where their scale lies, and their weights. */
  const parts = [at.qNorm, at.kNorm].flatMap((weights, which) =>
    partsOf(core).map(({ scoreRow, first, count }) => ({
      x: cell(at.qkv + which * shape.attention + first),
      scale: cell(at.headScale + which * scoreRows + scoreRow, 0),
      weight: cell(weights + first),
      count,
    })),
  );
  fill(code, type, at.headScale, scales, 0);
  for (const { x, scale, count } of parts) vector(code, 'fma', type, count, scale, x, x, scale);
  changeAxis(core, row);
  allReduce(code, row, 'add', type, at.headScale, scales);
  const all = cell(at.headScale);
  const mean = { constant: 1 / options.headDim };
  vector(code, 'fma', type, scales, all, all, mean, { constant: options.normEpsilon });
  special(code, 'rsqrt', 'scalar', type, at.headScale, scales);
  for (const { x, scale, weight, count } of parts) {
    vector(code, 'mul', options.dtype, count, x, x, scale);
    vector(code, 'mul', options.dtype, count, x, x, weight);
  }
}

/**
 * (a, b) becomes (a cos - b sin, b cos + a sin): the first `n` elements at `vectorAt` and the next. The code's
 * buffers `cos` and `sin` hold n elements, and `turned` has room for four times as many.
 */
export function rotateHalves(code: CoreCode, type: FloatType, n: number, vectorAt: number): void {
  const { at } = code;
  const [a, b] = [cell(vectorAt), cell(vectorAt + n)];
  const [cos, sin] = [cell(at.cos), cell(at.sin)];
  const work = [0, 1, 2, 3].map((i) => cell(at.turned + i * n));
  vector(code, 'mul', type, n, work[0], a, cos);
  vector(code, 'mul', type, n, work[1], b, sin);
  vector(code, 'mul', type, n, work[2], b, cos);
  vector(code, 'mul', type, n, work[3], a, sin);
  vector(code, 'sub', type, n, a, work[0], work[1]);
  vector(code, 'add', type, n, b, work[2], work[3]);
}

/**
 * The row that owns the new position keeps its key (an element of every cache row) and value; the
 * other rows put theirs where no operation reads them, to stay in step.
 */
function append({ code, shape, options, positions, lastSlot }: WaferllmCore): void {
  if (!options.exact) return;
  const { at } = code;
  const n = shape.attention;
  const slot = positions - 1;
  const kept = lastSlot === 'kept';
  const key = kept ? cell(at.keys + slot, shape.slots) : cell(at.turned);
  const value = kept ? cell(at.values + slot * n) : cell(at.turned + n);
  vector(code, 'move', options.dtype, n, key, cell(at.qkv + n));
  vector(code, 'move', options.dtype, n, value, cell(at.qkv + 2 * n));
}

/** Ranges of a column's attention elements and the row of scores they belong to. */
function partsOf(core: WaferllmCore): { scoreRow: number; first: number; count: number }[] {
  const { shape, options } = core;
  if (!options.exact) return [{ scoreRow: 0, first: 0, count: shape.attention }];
  return core.parts.flatMap(({ head, first, count }) => [
    { scoreRow: head, first, count },
    { scoreRow: head, first: shape.pairs + first, count },
  ]);
}

function scores(core: WaferllmCore): void {
  const { code, shape, options, row, positions } = core;
  const { at } = code;
  const all = shape.scoreRows * positions;
  fill(code, options.dtype, at.scores, all, 0);
  for (const { scoreRow, first, count } of partsOf(core))
    matvec(code, 'axpy', options.dtype, {
      matrix: at.keys + first * shape.slots,
      rows: count,
      length: positions,
      rowStride: shape.slots,
      x: at.qkv + first,
      out: at.scores + scoreRow * positions,
      widen: false,
    });
  // Norms of heads were reduced along the rows already.
  if (!options.qkNorm) changeAxis(core, row);
  sumOver(core, row, at.scores, all);
  const scores = cell(at.scores);
  const scale = { constant: 1 / Math.sqrt(options.headDim) };
  vector(code, 'mul', options.dtype, all, scores, scores, scale);
  if (options.exact) maskLast(core);
}

/** A last slot that is empty gets the least score; the others pass through the same operation. */
function maskLast({ code, shape, options, positions, lastSlot }: WaferllmCore): void {
  const least = LEAST[options.dtype];
  const last = cell(code.at.scores + positions - 1, positions);
  const most = { constant: lastSlot === 'empty' ? least : -least };
  vector(code, 'min', options.dtype, shape.scoreRows, last, last, most);
}

function softmax(core: WaferllmCore): void {
  const { code, shape, options, column, positions } = core;
  const { at } = code;
  const type = shape.scalarType;
  const rows = Array.from({ length: shape.scoreRows }, (_, i) => i);
  const scoresOf = (i: number) => cell(at.scores + i * positions);
  const peakOf = (i: number) => cell(at.peak + i, 0);
  const totalOf = (i: number) => cell(at.total + i, 0);
  fill(code, type, at.peak, shape.scoreRows, LEAST[type]);
  for (const i of rows) vector(code, 'max', type, positions, peakOf(i), scoresOf(i), peakOf(i));
  changeAxis(core, column);
  allReduce(code, column, 'max', type, at.peak, shape.scoreRows);
  for (const i of rows)
    vector(code, 'sub', options.dtype, positions, scoresOf(i), scoresOf(i), peakOf(i));
  const { exp = options.exact ? 'full' : 'crude' } = options;
  const form = exp === 'full' ? 'scalar' : exp;
  special(code, 'exp', form, options.dtype, at.scores, shape.scoreRows * positions);
  fill(code, type, at.total, shape.scoreRows, 0);
  for (const i of rows) vector(code, 'add', type, positions, totalOf(i), scoresOf(i), totalOf(i));
  allReduce(code, column, 'add', type, at.total, shape.scoreRows);
  special(code, 'reciprocal', 'scalar', type, at.total, shape.scoreRows);
  for (const i of rows)
    vector(code, 'mul', options.dtype, positions, scoresOf(i), scoresOf(i), totalOf(i));
}

function weightedValues(core: WaferllmCore): void {
  const { code, shape, options, column, positions } = core;
  const { at } = code;
  fill(code, options.dtype, at.attended, shape.attention, 0);
  for (const { scoreRow, first, count } of partsOf(core))
    matvec(code, 'axpy', options.dtype, {
      matrix: at.values + first,
      rows: positions,
      length: count,
      rowStride: shape.attention,
      x: at.scores + scoreRow * positions,
      out: at.attended + first,
      widen: false,
    });
  sumOver(core, column, at.attended, shape.attention);
}

function projectOut(core: WaferllmCore): void {
  const { code, shape, options, row } = core;
  const { at } = code;
  const out = at.projected;
  fill(code, options.dtype, out, shape.dims, 0);
  const product = { matrix: at.wO, rows: shape.attention, length: shape.dims, out };
  matvec(code, 'axpy', options.dtype, { ...product, x: at.attended, widen: false });
  changeAxis(core, row);
  sumOver(core, row, out, shape.dims);
  const x = cell(at.x);
  vector(code, 'add', options.dtype, shape.dims, x, x, cell(out));
}
