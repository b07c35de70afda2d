/**
 * One decoder layer of one token on one core: from the slice of the residual stream that the hand-off
 * brought (`x`) to the slice for the next region, held by every column of the row.
 */
import { allReduce } from '../kernels/collectives.js';
import { cell, fill, vector, type CoreCode } from '../program/builder.js';
import { attend, prepareAttention } from './attention.js';
import { layerLabel, type LayerCore } from './layer-core.js';
import { mlp } from './mlp.js';
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

/** The residual: x += the sum over the row of everybody's part. */
function addOverRow(core: CoreCode, layer: LayerCore, part: number): void {
  const { model, shape, row } = layer;
  allReduce(core, row, 'add', model.dtype, part, shape.dims);
  const x = cell(core.at.x);
  vector(core, 'add', model.dtype, shape.dims, x, x, cell(part));
}
