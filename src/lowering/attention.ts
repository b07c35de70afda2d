/**
 * Grouped-query attention of one token on R rows and C columns, without a transpose (machine-model
 * section 5a). The columns of a KV group hold rotary pairs of elements of its key, value and query
 * heads; cache positions are dealt to the rows. Queries, keys and values are reduced along y, scores
 * along x inside the group, the softmax's maximum and sum and the weighted values along y, and the
 * output projection along x over the whole row.
 *
 * Queries and keys of a core lie element by element (first halves of the pairs, then second halves),
 * each element once per head (query heads, then key heads): `qkv[element * heads + head]`. RoPE is
 * then a handful of operations over all heads at once. Values follow, head by head.
 */
import { LEAST } from '../numeric/types.js';
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { cell, fill, matvec, special, vector, type CoreCode } from '../program/builder.js';
import { scale, start } from './bias.js';
import { inputAt, layerLabel, type LayerCore } from './layer-core.js';
import { meanToScale } from './norm.js';

function headsOf({ shape }: LayerCore): number {
  return shape.queryHeads + shape.headsPerColumn;
}

/** What a core can do before its token arrives: advance the angles by one position, clear its sums. */
export function prepareAttention(core: CoreCode, layer: LayerCore): void {
  const { shape, model, attention } = layer;
  const { at } = core;
  if (attention.rope) advanceAngles(core, layer);
  start(core, model, qkvOf(core, layer));
  fill(core, model.dtype, at.scores, shape.queryHeads * layer.positions, 0);
  fill(core, 'f32', at.peak, shape.queryHeads, LEAST[model.dtype]);
  fill(core, 'f32', at.total, shape.queryHeads, 0);
  fill(core, model.dtype, at.attended, shape.queryDims, 0);
  if (attention.qkNorm === 'head') fill(core, 'f32', at.headScale, headsOf(layer), 0);
}

/** (cos, sin) of each pair times (cos, sin) of one step, in 32 bits; then a copy for every head. */
function advanceAngles(core: CoreCode, layer: LayerCore): void {
  const n = layer.shape.pairs;
  const heads = headsOf(layer);
  const { at } = core;
  const cos = cell(at.angle);
  const sin = cell(at.angle + n);
  const stepCos = cell(at.angleStep);
  const stepSin = cell(at.angleStep + n);
  const sinSin = cell(at.angleWork);
  const cosSin = cell(at.angleWork + n);
  vector(core, 'mul', 'f32', n, sinSin, sin, stepSin);
  vector(core, 'mul', 'f32', n, cosSin, cos, stepSin);
  vector(core, 'mul', 'f32', n, cos, cos, stepCos);
  vector(core, 'sub', 'f32', n, cos, cos, sinSin);
  vector(core, 'fma', 'f32', n, sin, sin, stepCos, cosSin);
  const { dtype } = layer.model;
  for (let pair = 0; pair < n; pair++)
    for (const half of [0, 1])
      vector(
        core,
        'move',
        dtype,
        heads,
        cell(at.turn + (half * n + pair) * heads),
        cell(at.angle + half * n + pair, 0),
      );
  const copies = n * heads;
  vector(core, 'mul', dtype, copies, cell(at.turn + 2 * copies), cell(at.turn + copies), {
    constant: -1,
  });
}

/** Attention from the normed slice to `attentionOut`, on a core of an attention column. */
export function attend(core: CoreCode, layer: LayerCore, group: LinePlace): void {
  core.label = layerLabel('qkv');
  projectQkv(core, layer);
  const { qkNorm, rope } = layer.attention;
  core.label = layerLabel('qk norm');
  if (qkNorm === 'head') normaliseHeads(core, layer, group);
  if (qkNorm === 'whole') normaliseWhole(core, layer);
  core.label = layerLabel('rope');
  if (rope) rotate(core, layer);
  core.label = layerLabel('kv append');
  append(core, layer);
  core.label = layerLabel('scores');
  scores(core, layer, group);
  core.label = layerLabel('softmax');
  softmax(core, layer);
  core.label = layerLabel('values');
  weightedValues(core, layer);
  core.label = layerLabel('attention out');
  projectOut(core, layer);
}

function qkvOf({ at }: CoreCode, { shape }: LayerCore) {
  return { at: at.qkv, length: shape.queryDims + 2 * shape.keyDims, bias: at.qkvBias };
}

function projectQkv(core: CoreCode, layer: LayerCore): void {
  const { model, shape, column } = layer;
  const { at } = core;
  const qkv = qkvOf(core, layer);
  const { length } = qkv;
  const widen = model.weightBits === 8;
  const x = inputAt(core, layer);
  const product = { matrix: at.wQkv, rows: shape.dims, length, x, out: at.qkv };
  matvec(core, 'axpy', model.dtype, { ...product, widen });
  if (widen) scale(core, model, qkv, cell(at.qkvScale));
  allReduce(core, column, 'add', model.dtype, at.qkv, length);
}

/** RMSNorm of each query and key head, whose elements are spread over the group's columns. */
function normaliseHeads(core: CoreCode, layer: LayerCore, group: LinePlace): void {
  const { model, shape } = layer;
  const { at } = core;
  const heads = headsOf(layer);
  const length = 2 * shape.pairs;
  const scaleOf = (head: number) => cell(at.headScale + head, 0);
  const elements = (head: number) => cell(at.qkv + head, heads);
  for (let head = 0; head < heads; head++) {
    const x = elements(head);
    vector(core, 'fma', 'f32', length, scaleOf(head), x, x, scaleOf(head));
  }
  allReduce(core, group, 'add', 'f32', at.headScale, heads);
  meanToScale(core, at.headScale, heads, layer.attention.headDim, model.normEpsilon);
  for (let head = 0; head < heads; head++) {
    const x = elements(head);
    const weight = cell(head < shape.queryHeads ? at.qNorm : at.kNorm);
    vector(core, 'mul', model.dtype, length, x, x, scaleOf(head));
    vector(core, 'mul', model.dtype, length, x, x, weight);
  }
}

/** RMSNorm of all query heads as one vector, and of all key heads, which are spread over the whole row. */
function normaliseWhole(core: CoreCode, layer: LayerCore): void {
  const { model, shape, attention } = layer;
  const { at } = core;
  const heads = headsOf(layer);
  const length = 2 * shape.pairs;
  const scaleOf = (head: number) => cell(at.headScale + (head < shape.queryHeads ? 0 : 1), 0);
  const elements = (head: number) => cell(at.qkv + head, heads);
  for (let head = 0; head < heads; head++) {
    const x = elements(head);
    vector(core, 'fma', 'f32', length, scaleOf(head), x, x, scaleOf(head));
  }
  joinWholeNorm(core, layer);
  const { heads: all, kvHeads, headDim } = attention;
  meanToScale(core, at.headScale, 1, all * headDim, model.normEpsilon);
  meanToScale(core, at.headScale + 1, 1, kvHeads * headDim, model.normEpsilon);
  for (let head = 0; head < heads; head++) {
    const x = elements(head);
    vector(core, 'mul', model.dtype, length, x, x, scaleOf(head));
  }
  const qk = cell(at.qkv);
  vector(core, 'mul', model.dtype, heads * length, qk, qk, cell(at.qkNorm));
}

/** Adds up over the row the squares that such a norm takes; a column without attention has none. */
export function joinWholeNorm(core: CoreCode, { attention, row }: LayerCore): void {
  if (attention.qkNorm !== 'whole') return;
  core.label = layerLabel('qk norm');
  allReduce(core, row, 'add', 'f32', core.at.headScale, 2);
}

/** RoPE: (a, b) becomes (a cos - b sin, b cos + a sin) for every pair of every query and key head. */
function rotate(core: CoreCode, layer: LayerCore): void {
  const { dtype } = layer.model;
  const { at } = core;
  const n = layer.shape.pairs * headsOf(layer);
  const a = cell(at.qkv);
  const b = cell(at.qkv + n);
  const [cos, sin, minusSin] = [0, 1, 2].map((i) => cell(at.turn + i * n));
  vector(core, 'mul', dtype, n, cell(at.turned), a, sin);
  vector(core, 'mul', dtype, n, a, a, cos);
  vector(core, 'fma', dtype, n, a, b, minusSin, a);
  vector(core, 'fma', dtype, n, b, b, cos, cell(at.turned));
}

/** The row that owns the new position keeps its key and value: cache[head][element][position]. */
function append(core: CoreCode, layer: LayerCore): void {
  const { shape, model, appendAt } = layer;
  if (appendAt < 0) return;
  const { at } = core;
  const heads = headsOf(layer);
  const elements = 2 * shape.pairs;
  const values = at.qkv + elements * heads;
  for (let head = 0; head < shape.headsPerColumn; head++) {
    const slot = head * elements * shape.slots + appendAt;
    const key = cell(at.qkv + shape.queryHeads + head, heads);
    vector(core, 'move', model.dtype, elements, cell(at.keys + slot, shape.slots), key);
  }
  const all = shape.headsPerColumn * elements;
  const slots = cell(at.values + appendAt, shape.slots);
  vector(core, 'move', model.dtype, all, slots, cell(values));
}

/** First cell of the cache of the KV head that serves a query head. */
function cacheOf(shape: LayerCore['shape'], cache: number, queryHead: number): number {
  const kvHead = Math.floor(queryHead / (shape.queryHeads / shape.headsPerColumn));
  return cache + kvHead * 2 * shape.pairs * shape.slots;
}

function scores(core: CoreCode, layer: LayerCore, group: LinePlace): void {
  const { model, shape, positions, attention } = layer;
  const { at } = core;
  for (let head = 0; head < shape.queryHeads; head++)
    matvec(core, 'axpy', model.dtype, {
      matrix: cacheOf(shape, at.keys, head),
      rows: 2 * shape.pairs,
      length: positions,
      rowStride: shape.slots,
      x: at.qkv + head,
      xStride: headsOf(layer),
      out: at.scores + head * positions,
      widen: false,
    });
  const all = shape.queryHeads * positions;
  allReduce(core, group, 'add', model.dtype, at.scores, all);
  const { scale: factor, scoreCap: cap = 1 } = attention;
  const row = cell(at.scores);
  vector(core, 'mul', model.dtype, all, row, row, { constant: factor / cap });
  if (attention.scoreCap === undefined) return;
  core.label = layerLabel('score cap');
  special(core, 'tanh', 'vector', model.dtype, at.scores, all);
  vector(core, 'mul', model.dtype, all, row, row, { constant: cap });
}

/** exp(score - maximum) of every position and 1 / their sum; the division is done on the values. */
function softmax(core: CoreCode, layer: LayerCore): void {
  const { model, shape, column, positions } = layer;
  const { at } = core;
  const rowOf = (head: number) => cell(at.scores + head * positions);
  for (let head = 0; head < shape.queryHeads; head++) {
    const peak = cell(at.peak + head, 0);
    vector(core, 'max', 'f32', positions, peak, rowOf(head), peak);
  }
  allReduce(core, column, 'max', 'f32', at.peak, shape.queryHeads);
  for (let head = 0; head < shape.queryHeads; head++) {
    const row = rowOf(head);
    vector(core, 'sub', model.dtype, positions, row, row, cell(at.peak + head, 0));
  }
  special(core, 'exp', 'vector', model.dtype, at.scores, shape.queryHeads * positions);
  for (let head = 0; head < shape.queryHeads; head++) {
    const total = cell(at.total + head, 0);
    vector(core, 'add', 'f32', positions, total, rowOf(head), total);
  }
  allReduce(core, column, 'add', 'f32', at.total, shape.queryHeads);
  special(core, 'reciprocal', 'scalar', 'f32', at.total, shape.queryHeads);
}

function weightedValues(core: CoreCode, layer: LayerCore): void {
  const { model, shape, column, positions } = layer;
  const { at } = core;
  const elements = 2 * shape.pairs;
  for (let head = 0; head < shape.queryHeads; head++) {
    const out = at.attended + head * elements;
    matvec(core, 'dot', model.dtype, {
      matrix: cacheOf(shape, at.values, head),
      rows: elements,
      length: positions,
      rowStride: shape.slots,
      x: at.scores + head * positions,
      out,
      widen: false,
    });
    if (positions > 0) {
      const share = cell(at.total + head, 0);
      vector(core, 'mul', model.dtype, elements, cell(out), cell(out), share);
    }
  }
  allReduce(core, column, 'add', model.dtype, at.attended, shape.queryDims);
}

/** This column's part of the output projection; the row adds the parts up in layer.ts. */
function projectOut(core: CoreCode, { model, shape }: LayerCore): void {
  const { at } = core;
  const widen = model.weightBits === 8;
  const product = { matrix: at.wO, rows: shape.queryDims, length: shape.dims };
  const out = { at: at.attentionOut, length: shape.dims, bias: at.oBias };
  matvec(core, 'axpy', model.dtype, { ...product, x: at.attended, out: out.at, widen });
  if (widen) scale(core, model, out, cell(at.oScale, 0));
}
