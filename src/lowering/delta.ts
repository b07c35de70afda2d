/**
 * A gated delta net (docs/machine-model.md, section 5c) of one token: from the normed slice to this column's part
 * of what the layer adds. With S the state of a value head, k and q the key and query of its key head, g its
 * decay and b its step, the rule is
 *
 *     S <- g S;  d = b (v - S'k / |k|);  S <- S + k d' / |k|;  o = S'q / (|q| sqrt D)
 *
 * S'k and S'q, the squares and the product of k and q, and v are added up over the group at once, S as it was
 * before: g S'k is what the decayed state recalls, and o is g S'q / (|q| sqrt D) plus d times the share of k in q.
 */
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { outputLength, projectedAt, summedAt, type DeltaShape } from '../mapping/delta.js';
import type { MemoryOperand } from '../program/program.js';
import {
  append,
  cell,
  fill,
  matvec,
  put,
  ring,
  vector,
  type CoreCode,
} from '../program/builder.js';
import { perHead } from './heads.js';
import { inputAt, layerLabel, type DeltaCore } from './layer-core.js';
import { meanToScale } from './norm.js';
import { product, startProduct } from './product.js';
import { accepted } from './rollback.js';
import { bringsCount } from './in-flight.js';
import { cheapest } from './special.js';

/** Added to the sum of the squares of a query or key, as published. */
const L2_EPSILON = 1e-6;

/** What a core can do before its token arrives: the convolution over the tokens before, and its sums cleared. */
export function prepareDelta(core: CoreCode, layer: DeltaCore): void {
  const { model, shape, attention, matrices, inFlight } = layer;
  const { at } = core;
  const { channels } = shape;
  startProduct(core, matrices.qkv, { out: at.projected });
  fill(core, model.dtype, at.mixed, channels, 0);
  // The first of a round has yet to learn which tokens are before it.
  if (!bringsCount(inFlight)) convolveBefore(core, layer);
  // The oldest is forgotten; the new one will be the last.
  const kept = inFlight ? 0 : Math.max(0, attention.conv - 2) * channels;
  vector(core, 'move', model.dtype, kept, cell(at.convState), cell(at.convState + channels));
  fill(core, 'f32', at.sums, summedAt(shape).length, 0);
  fill(core, 'f32', at.output, outputLength(shape), 0);
}

/** The convolution over the tokens before; those of a round lie after those before it. */
function convolveBefore(core: CoreCode, { model, shape, attention, inFlight }: DeltaCore): void {
  const { at } = core;
  const { channels } = shape;
  const sum = cell(at.mixed);
  const first = at.convState + (inFlight?.index ?? 0) * channels;
  for (let t = 0; t < attention.conv - 1; t++) {
    const [x, weights] = [cell(first + t * channels), cell(at.convWeights + t * channels)];
    vector(core, 'fma', model.dtype, channels, sum, x, weights, sum);
  }
}

/** The inputs of the last accepted token and of those before it, in place of those before the last round. */
export function restoreInputs(core: CoreCode, layer: DeltaCore): void {
  const { model, shape, attention } = layer;
  const { at } = core;
  const { channels } = shape;
  const last = accepted(core, layer, at.convState + channels, channels);
  const length = (attention.conv - 1) * channels;
  vector(core, 'move', model.dtype, length, cell(at.convState), last);
  convolveBefore(core, layer);
}

/** The state before the token, and after it. It is one, but for tokens in flight: after each its own is kept. */
function statesOf(core: CoreCode, layer: DeltaCore): Record<'before' | 'after', MemoryOperand> {
  const { shape, inFlight } = layer;
  const { at } = core;
  const size = shape.rowElements * shape.valueHeads * shape.keyElements;
  if (inFlight === undefined) return { before: cell(at.state), after: cell(at.state) };
  const { index } = inFlight;
  const after = cell(at.state + index * size);
  if (index > 0) return { before: cell(after.at - size), after };
  return { before: accepted(core, layer, at.state, size), after };
}

export function deltaNet(core: CoreCode, layer: DeltaCore, group: LinePlace): void {
  const { model, column, matrices } = layer;
  const { at } = core;
  core.label = layerLabel('delta qkv');
  product(core, layer, matrices.qkv, { x: inputAt(core, layer), out: at.projected });
  allReduce(core, column, 'add', model.dtype, at.projected, matrices.qkv.outputs);
  core.label = layerLabel('conv');
  convolve(core, layer);
  core.label = layerLabel('decay');
  stepAndDecay(core, layer);
  core.label = layerLabel('state');
  readState(core, layer, group);
  updateState(core, layer);
  core.label = layerLabel('gated norm');
  gatedNorm(core, layer);
  core.label = layerLabel('attention out');
  product(core, layer, matrices.o, { x: at.attended, out: at.attentionOut });
}

/** Queries, keys and values of the last tokens, this one's with the newest weights, through SiLU. */
function convolve(core: CoreCode, layer: DeltaCore): void {
  const { model, shape, attention, costs, inFlight } = layer;
  const { at } = core;
  const { conv } = attention;
  const { channels } = shape;
  const type = model.dtype;
  const [mixed, own] = [cell(at.mixed), cell(at.projected)];
  const newest = (conv - 1) * channels;
  const kept = inFlight ? newest + inFlight.index * channels : newest - channels;
  if (conv > 1) vector(core, 'move', type, channels, cell(at.convState + kept), own);
  vector(core, 'fma', type, channels, mixed, own, cell(at.convWeights + newest), mixed);
  cheapest(core, costs, 'silu', type, at.mixed, channels);
}

/** Of each value head how far its state goes towards the new value, and what share of it stays. */
function stepAndDecay(core: CoreCode, { shape, costs }: DeltaCore): void {
  const { at } = core;
  const { valueHeads } = shape;
  const { beta, alpha } = projectedAt(shape);
  const decay = cell(at.decay);
  cheapest(core, costs, 'sigmoid', 'f32', at.projected + beta, valueHeads, at.beta);
  const time = cell(at.projected + alpha);
  vector(core, 'add', 'f32', valueHeads, decay, time, cell(at.dtBias));
  cheapest(core, costs, 'softplus', 'f32', at.decay, valueHeads);
  vector(core, 'mul', 'f32', valueHeads, decay, decay, cell(at.decayRate));
  cheapest(core, costs, 'exp', 'f32', at.decay, valueHeads);
}

/** What the group adds up: see the head of this file. */
function readState(core: CoreCode, layer: DeltaCore, group: LinePlace): void {
  const { shape } = layer;
  const { at } = core;
  const { headsPerColumn, keyElements, valueHeads, valueElements, rowElements } = shape;
  const sums = summedAt(shape);
  const { before } = statesOf(core, layer);
  for (const { keyHead, row, rows } of rowsOfKeyHeads(shape))
    for (const [x, out] of [
      [keyAt(core, shape, keyHead), sums.recalled],
      [queryAt(core, shape, keyHead), sums.read],
    ])
      matvec(core, 'dot', 'f32', {
        matrix: before.at + row * keyElements,
        ...(before.select && { select: before.select }),
        ...{ rows, length: keyElements },
        x,
        out: at.sums + out + row,
        widen: false,
      });
  for (let e = 0; e < rowElements; e++)
    append(core, {
      ...({ kind: 'lookup', type: 'f32' } as const),
      table: at.mixed + projectedAt(shape).value,
      ...{ rows: valueElements, rowStride: valueHeads, stride: 1, length: valueHeads },
      ...{ id: at.valuePlace + e, first: 0, to: at.sums + sums.value + e * valueHeads },
    });
  for (let head = 0; head < headsPerColumn; head++) {
    const [k, q] = [cell(keyAt(core, shape, head)), cell(queryAt(core, shape, head))];
    for (const [a, b, place] of [
      [k, k, sums.keySquare],
      [q, q, sums.querySquare],
      [q, k, sums.product],
    ] as const) {
      const sum = cell(at.sums + place + head, 0);
      vector(core, 'fma', 'f32', keyElements, sum, a, b, sum);
    }
  }
  allReduce(core, group, 'add', 'f32', at.sums, sums.length);
}

/** The outputs of the row's value elements, in place of what was read, and the state after the token. */
function updateState(core: CoreCode, layer: DeltaCore): void {
  const { shape, attention, costs } = layer;
  const { at } = core;
  const { headsPerColumn, keyElements, valueHeads, rowElements } = shape;
  const own = rowElements * valueHeads;
  const sums = summedAt(shape);
  const of = (name: keyof typeof sums) => cell(at.sums + sums[name]);
  const [recalled, read, value] = [of('recalled'), of('read'), of('value')];
  const [squares, key, query, share] = (
    ['keySquare', 'keySquare', 'querySquare', 'product'] as const
  ).map(of);
  vector(core, 'add', 'f32', 2 * headsPerColumn, squares, squares, { constant: L2_EPSILON });
  cheapest(core, costs, 'rsqrt', 'f32', squares.at, 2 * headsPerColumn);
  const scale = { constant: 1 / Math.sqrt(attention.keyDim) };
  vector(core, 'mul', 'f32', headsPerColumn, query, query, scale);
  for (const factor of [key, query])
    vector(core, 'mul', 'f32', headsPerColumn, share, share, factor);
  const [byKey, byQuery, byShare] = [key, query, share].map((factor, i) =>
    perValueHead(core, shape, factor.at, i),
  );
  // Both reads are of the state before it decays.
  vector(core, 'mul', 'f32', 2 * own, recalled, recalled, ring(at.decay, valueHeads));
  vector(core, 'mul', 'f32', own, recalled, recalled, byKey);
  vector(core, 'sub', 'f32', own, value, value, recalled);
  vector(core, 'mul', 'f32', own, value, value, ring(at.beta, valueHeads));
  vector(core, 'mul', 'f32', own, read, read, byQuery);
  vector(core, 'fma', 'f32', own, read, value, byShare, read);
  vector(core, 'mul', 'f32', own, value, value, byKey);
  const { before, after } = statesOf(core, layer);
  const rowOf = (state: MemoryOperand, row: number) => {
    return { ...state, at: state.at + row * keyElements };
  };
  for (const { keyHead, row: first, rows } of rowsOfKeyHeads(shape))
    for (let row = first; row < first + rows; row++) {
      const state = rowOf(after, row);
      const [decay, step] = [cell(at.decay + (row % valueHeads), 0), cell(value.at + row, 0)];
      const keys = cell(keyAt(core, shape, keyHead));
      vector(core, 'mul', 'f32', keyElements, state, rowOf(before, row), decay);
      vector(core, 'fma', 'f32', keyElements, state, keys, step, state);
    }
}

/** The outputs on the columns of their elements, each value head normalised, and gated. */
function gatedNorm(core: CoreCode, { model, shape, column, attention, costs }: DeltaCore): void {
  const { at } = core;
  const { valueHeads, valueElements, rowElements } = shape;
  const all = valueElements * valueHeads;
  const squares = at.output + all;
  const read = at.sums + summedAt(shape).read;
  const sum = ring(squares, valueHeads);
  vector(core, 'fma', 'f32', rowElements * valueHeads, sum, cell(read), cell(read), sum);
  for (let e = 0; e < rowElements; e++)
    put(core, 'f32', {
      ...{ test: at.valuePlace + e, below: valueElements },
      ...{ from: read + e * valueHeads, length: valueHeads },
      ...{ to: at.output, stride: valueHeads },
    });
  allReduce(core, column, 'add', 'f32', at.output, outputLength(shape));
  meanToScale(core, costs, squares, valueHeads, attention.valueDim, model.normEpsilon);
  const output = cell(at.output);
  vector(core, 'mul', 'f32', all, output, output, sum);
  const gate = cell(at.projected + projectedAt(shape).gate);
  cheapest(core, costs, 'silu', model.dtype, gate.at, all);
  vector(core, 'mul', model.dtype, all, gate, gate, cell(at.gateNorm));
  const normed = cell(perHead(core, model, at.output, at.attended, all));
  vector(core, 'mul', model.dtype, all, cell(at.attended), normed, gate);
}

/** Rows of the state, one of each value element of the row and each value head: those that share a key head. */
function rowsOfKeyHeads({ headsPerColumn, valueHeads, rowElements }: DeltaShape) {
  if (headsPerColumn === 1) return [{ keyHead: 0, row: 0, rows: rowElements * valueHeads }];
  const rows = valueHeads / headsPerColumn;
  return Array.from({ length: rowElements * headsPerColumn }, (_, i) => ({
    keyHead: i % headsPerColumn,
    row: i * rows,
    rows,
  }));
}

function queryAt({ at }: CoreCode, { keyElements }: DeltaShape, keyHead: number): number {
  return at.mixed + keyHead * keyElements;
}

function keyAt({ at }: CoreCode, shape: DeltaShape, keyHead: number): number {
  return at.mixed + projectedAt(shape).key + keyHead * shape.keyElements;
}

/** A factor of each key head for elements that lie once per value head; a copy where there are several. */
function perValueHead(
  core: CoreCode,
  { headsPerColumn, valueHeads }: DeltaShape,
  at: number,
  copy: number,
): MemoryOperand {
  if (headsPerColumn === 1) return cell(at, 0);
  const to = core.at.factors + copy * valueHeads;
  const each = valueHeads / headsPerColumn;
  for (let head = 0; head < headsPerColumn; head++)
    vector(core, 'move', 'f32', each, cell(to + head * each), cell(at + head, 0));
  return ring(to, valueHeads);
}
