/**
 * One decoder layer of one token on one core: from the slice of the residual stream that the hand-off
 * brought (`x`) to the slice for the next region, held by every column of the row.
 */
import { allReduce } from '../kernels/collectives.js';
import { cell, fill, matvec, special, vector, type CoreCode } from '../program/builder.js';
import { attend, prepareAttention } from './attention.js';
import { layerLabel, type LayerCore } from './layer-core.js';
import { rmsNorm } from './norm.js';

/** Appends what a core can do before its token arrives; nothing here waits for the fabric. */
export function prepareLayer(core: CoreCode, layer: LayerCore): void {
  const { model, shape } = layer;
  const { at } = core;
  core.label = layerLabel('position');
  fill(core, 'f32', at.square, 2, 0);
  fill(core, model.dtype, at.attentionOut, shape.dims, 0);
  fill(core, model.dtype, at.mlpOut, shape.dims, 0);
  fill(core, model.dtype, at.gateUp, 2 * shape.inner, 0);
  if (layer.group) prepareAttention(core, layer);
}

export function decoderLayer(core: CoreCode, layer: LayerCore): void {
  const { group } = layer;
  core.label = layerLabel('attention norm');
  normalise(core, layer, core.at.attentionNorm, core.at.square);
  // A column without attention adds the zeros it prepared.
  if (group) attend(core, layer, group);
  core.label = layerLabel('attention out');
  addOverRow(core, layer, core.at.attentionOut);
  core.label = layerLabel('mlp norm');
  normalise(core, layer, core.at.mlpNorm, core.at.square + 1);
  mlp(core, layer);
  addOverRow(core, layer, core.at.mlpOut);
}

function normalise(core: CoreCode, layer: LayerCore, weight: number, square: number): void {
  const { model, shape } = layer;
  rmsNorm(core, layer.column, {
    type: model.dtype,
    length: shape.dims,
    dim: model.dim,
    epsilon: model.normEpsilon,
    x: core.at.x,
    weight,
    square,
    normed: core.at.normed,
  });
}

/** The residual: x += the sum over the row of each core's part. */
function addOverRow(core: CoreCode, layer: LayerCore, part: number): void {
  const { model, shape, row } = layer;
  allReduce(core, row, 'add', model.dtype, part, shape.dims);
  const x = cell(core.at.x);
  vector(core, 'add', model.dtype, shape.dims, x, x, cell(part));
}

/**
 * The gated MLP: gate and up reduced along y as one vector, silu(gate) * up on the columns'
 * slices, and this column's part of the down projection, which the row adds up.
 */
function mlp(core: CoreCode, { model, shape, column }: LayerCore): void {
  const { at } = core;
  const type = model.dtype;
  const widen = model.weightBits === 8;
  const n = shape.inner;
  const gate = cell(at.gateUp);
  const up = cell(at.gateUp + n);
  core.label = layerLabel('gate up');
  const gateUp = { matrix: at.wGateUp, rows: shape.dims, length: 2 * n };
  matvec(core, 'axpy', type, { ...gateUp, x: at.normed, out: at.gateUp, widen });
  if (widen) {
    vector(core, 'mul', type, n, gate, gate, cell(at.mlpScale, 0));
    vector(core, 'mul', type, n, up, up, cell(at.mlpScale + 1, 0));
  }
  allReduce(core, column, 'add', type, at.gateUp, 2 * n);
  core.label = layerLabel('silu');
  special(core, 'silu', 'vector', type, at.gateUp, n, at.activated);
  vector(core, 'mul', type, n, cell(at.activated), cell(at.activated), up);
  core.label = layerLabel('down');
  const out = cell(at.mlpOut);
  const down = { matrix: at.wDown, rows: n, length: shape.dims };
  matvec(core, 'axpy', type, { ...down, x: at.activated, out: out.at, widen });
  if (widen) vector(core, 'mul', type, shape.dims, out, out, cell(at.mlpScale + 2, 0));
}
