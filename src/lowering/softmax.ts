/**
 * From the queries and the cached keys of a core to the shares of its positions. Scores lie position by
 * position, each once per query head (`scores[position * queryHeads + head]`), so that the softmax is a
 * handful of operations over all heads at once.
 *
 * What is subtracted before the exponential, so that it cannot overflow, is kept as it is added: minus the
 * largest score. A sink is one more score, of no position; one core of the column counts it, the root, which
 * waits for the others anyway.
 */
import { LEAST } from '../numeric/types.js';
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { cell, fill, matvec, ring, vector, type CoreCode } from '../program/builder.js';
import { perHead } from './heads.js';
import { kvHeadOf, layerLabel, onceForColumn, type AttendingCore } from './layer-core.js';
import { cheapest } from './special.js';

/** What a core can do before its token arrives. */
export function prepareSoftmax(core: CoreCode, { model, shape, positions }: AttendingCore): void {
  const { at } = core;
  fill(core, model.dtype, at.scores, shape.queryHeads * positions, 0);
  // A row without positions has no part in the maximum.
  if (positions > 0) fill(core, model.dtype, at.rowPeak, shape.queryHeads, LEAST[model.dtype]);
  else fill(core, 'f32', at.minusPeak, shape.queryHeads, -LEAST.f32);
  fill(core, 'f32', at.total, shape.queryHeads, 0);
}

/** Products of the queries with the keys of the row's positions; a cap bends them to -1 .. 1. */
export function scores(
  core: CoreCode,
  layer: AttendingCore,
  group: LinePlace,
  queries: Queries,
): void {
  // Of the row only how many positions it has matters.
  onceForColumn(core, layer, `scores ${layer.positions}`, () =>
    writeScores(core, layer, group, queries),
  );
}

function writeScores(
  core: CoreCode,
  layer: AttendingCore,
  group: LinePlace,
  { at: x, elements, stride: xStride }: Queries,
): void {
  const { model, shape, positions } = layer;
  const { at } = core;
  for (let head = 0; head < shape.queryHeads; head++)
    matvec(core, 'axpy', model.dtype, {
      matrix: at.keys + kvHeadOf(shape, head) * elements * shape.slots,
      rows: elements,
      length: positions,
      rowStride: shape.slots,
      x: x + head,
      xStride,
      out: at.scores + head,
      outStride: shape.queryHeads,
      widen: false,
    });
  const all = shape.queryHeads * positions;
  allReduce(core, group, 'add', model.dtype, at.scores, all);
  const cap = scoreCapOf(layer);
  if (cap === undefined) return;
  core.label = layerLabel('score cap');
  const row = cell(at.scores);
  const constant = scaleOf(layer) / cap;
  vector(core, 'mul', model.dtype, all, row, row, { constant });
  cheapest(core, layer.costs, 'tanh', model.dtype, at.scores, all);
}

/** Scores of slots that keep no position that the token attends to become so small that they have no share. */
export function maskSlots(core: CoreCode, { model, shape, masked = [] }: AttendingCore): void {
  const { queryHeads } = shape;
  core.label = layerLabel('scores');
  for (const { from, length } of masked) {
    const first = core.at.scores + from * queryHeads;
    fill(core, model.dtype, first, length * queryHeads, LEAST[model.dtype]);
  }
}

/** Where the queries of a core lie, head after head, and the cells from one element to the next. */
interface Queries {
  at: number;
  elements: number;
  stride: number;
}

function scoreCapOf({ attention }: AttendingCore): number | undefined {
  return attention.kind === 'gqa' ? attention.scoreCap : undefined;
}

/** What products are multiplied by; a temperature of the queries is one of their scores. */
function scaleOf({ attention, temperature }: AttendingCore): number {
  return attention.scale * temperature;
}

/** exp(score - maximum) of every position and 1 / their sum; the division is done on the values. */
export function softmax(core: CoreCode, layer: AttendingCore): void {
  const { model, shape, column, positions, costs, attention } = layer;
  const { at } = core;
  const heads = shape.queryHeads;
  const all = heads * positions;
  const row = cell(at.scores);
  const factor = scoreCapOf(layer) ?? scaleOf(layer);
  if (positions > 0) {
    const rowPeak = ring(at.rowPeak, heads);
    vector(core, 'max', model.dtype, all, rowPeak, row, rowPeak);
    const minus = { constant: -factor };
    vector(core, 'mul', 'f32', heads, cell(at.minusPeak), cell(at.rowPeak), minus);
  }
  const countsSinks = attention.kind === 'gqa' && attention.sinks && column.station.root;
  const [minusPeak, minusSink] = [cell(at.minusPeak), cell(at.minusSink)];
  if (countsSinks) vector(core, 'min', 'f32', heads, minusPeak, minusPeak, minusSink);
  allReduce(core, column, 'min', 'f32', at.minusPeak, heads);
  // The row's own maximum is of no use any more.
  const shift = perHead(core, model, at.minusPeak, at.rowPeak, heads);
  vector(core, 'fma', model.dtype, all, row, row, { constant: factor }, ring(shift, heads));
  cheapest(core, costs, 'exp', model.dtype, at.scores, all);
  if (countsSinks) {
    vector(core, 'sub', 'f32', heads, cell(at.total), cell(shift), minusSink);
    cheapest(core, costs, 'exp', 'f32', at.total, heads);
  }
  const total = ring(at.total, heads);
  vector(core, 'add', 'f32', all, total, row, total);
  allReduce(core, column, 'add', 'f32', at.total, heads);
  cheapest(core, costs, 'reciprocal', 'f32', at.total, heads);
}
