/**
 * One decoder layer of one token on one core, or its attention or its MLP alone: from the slice of the residual
 * stream that the hand-off brought (`x`, for an MLP with what a norm made of it) to the slice for the next
 * region, held by every column of the row.
 */
import { allReduce } from '../kernels/collectives.js';
import { cell, fill, matvec, special, vector, type CoreCode } from '../program/builder.js';
import { attend, prepareAttention } from './attention.js';
import { joinWholeNorm } from './heads.js';
import { scale, start, type Result } from './bias.js';
import { inputAt, layerLabel, squareAt, type LayerCore } from './layer-core.js';
import { rmsNorm } from './norm.js';
import { hasAttention, hasMlp } from '../mapping/mapping.js';
import { ACT_FN, normsIn, type NormName } from '../mapping/shapes.js';

/** Appends what a core can do before its token arrives; nothing here waits for the fabric. */
export function prepareLayer(core: CoreCode, layer: LayerCore): void {
  const { spec, part } = layer;
  core.label = layerLabel('position');
  const norms = normsIn(spec, part).length;
  if (norms > 0) fill(core, 'f32', core.at.square, norms, 0);
  if (hasAttention(part)) startAttention(core, layer);
  if (hasMlp(part)) startMlp(core, layer);
  if (layer.attention.qkNorm === 'whole' && hasAttention(part))
    fill(core, 'f32', core.at.headScale, 2, 0);
  if (layer.group) prepareAttention(core, layer);
}

function startAttention(core: CoreCode, { model, shape }: LayerCore): void {
  const { attentionOut: at, oBias: bias } = core.at;
  start(core, model, { at, length: shape.dims, bias });
}

function startMlp(core: CoreCode, { model, shape }: LayerCore): void {
  const { at } = core;
  start(core, model, { at: at.mlpOut, length: shape.dims, bias: at.downBias });
  start(core, model, { at: at.gateUp, length: 2 * shape.inner, bias: at.gateUpBias });
}

export function decoderLayer(core: CoreCode, layer: LayerCore): void {
  if (hasAttention(layer.part)) attentionBlock(core, layer);
  if (hasMlp(layer.part)) mlpBlock(core, layer);
}

/** Attention, the residual, and the norm of what the MLP multiplies. */
function attentionBlock(core: CoreCode, layer: LayerCore): void {
  const { group, spec } = layer;
  const { at } = core;
  const [before, after] = [spec.norms !== 'post', spec.norms !== 'pre'];
  core.label = layerLabel('attention norm');
  if (before) normalise(core, layer, 'attentionNorm', at.x, at.normed);
  // A column without attention adds the zeros it prepared.
  if (group) attend(core, layer, group);
  else joinWholeNorm(core, layer);
  core.label = layerLabel('attention out');
  sumOverRow(core, layer, at.attentionOut);
  if (after) {
    core.label = layerLabel('attention out norm');
    normalise(core, layer, 'attentionOutNorm', at.attentionOut, at.attentionOut);
  }
  addToStream(core, layer, at.attentionOut);
  core.label = layerLabel('mlp norm');
  if (before) normalise(core, layer, 'mlpNorm', at.x, at.normed);
}

/** The MLP, from the normed slice on, and the residual. */
function mlpBlock(core: CoreCode, layer: LayerCore): void {
  const { norms } = layer.spec;
  const { at } = core;
  mlp(core, layer);
  sumOverRow(core, layer, at.mlpOut);
  if (norms !== 'pre') {
    core.label = layerLabel('mlp out norm');
    normalise(core, layer, 'mlpOutNorm', at.mlpOut, at.mlpOut);
  }
  addToStream(core, layer, at.mlpOut);
}

function normalise(
  core: CoreCode,
  layer: LayerCore,
  norm: NormName,
  x: number,
  normed: number,
): void {
  const { model, shape, column } = layer;
  const { dtype: type, dim, normEpsilon: epsilon } = model;
  const of = { x, normed, weight: core.at[norm], square: squareAt(core, layer, norm) };
  rmsNorm(core, column, { type, length: shape.dims, dim, epsilon, ...of });
}

/** The sum over the row of each core's part. */
function sumOverRow(core: CoreCode, { model, shape, row }: LayerCore, part: number): void {
  allReduce(core, row, 'add', model.dtype, part, shape.dims);
}

/** The residual. */
function addToStream(core: CoreCode, { model, shape }: LayerCore, part: number): void {
  const x = cell(core.at.x);
  vector(core, 'add', model.dtype, shape.dims, x, x, cell(part));
}

/**
 * The gated MLP: gate and up reduced along y as one vector, act(gate) * up on the columns'
 * slices, and this column's part of the down projection, which the row adds up.
 */
function mlp(core: CoreCode, layer: LayerCore): void {
  const { model, shape, column } = layer;
  const { at } = core;
  const type = model.dtype;
  const widen = model.weightBits === 8;
  const n = shape.inner;
  const x = inputAt(core, layer);
  core.label = layerLabel('gate up');
  const gateUp = { matrix: at.wGateUp, rows: shape.dims, length: 2 * n };
  matvec(core, 'axpy', type, { ...gateUp, x, out: at.gateUp, widen });
  if (widen) {
    const half = (i: number): Result => {
      const bias = at.gateUpBias === undefined ? undefined : at.gateUpBias + i * n;
      return { at: at.gateUp + i * n, length: n, bias };
    };
    scale(core, model, half(0), cell(at.mlpScale, 0));
    scale(core, model, half(1), cell(at.mlpScale + 1, 0));
  }
  allReduce(core, column, 'add', type, at.gateUp, 2 * n);
  const act = ACT_FN[layer.mlp.act.fn];
  core.label = layerLabel(act);
  special(core, act, 'vector', type, at.gateUp, n, at.activated);
  vector(core, 'mul', type, n, cell(at.activated), cell(at.activated), cell(at.gateUp + n));
  core.label = layerLabel('down');
  const out = { at: at.mlpOut, length: shape.dims, bias: at.downBias };
  const down = { matrix: at.wDown, rows: n, length: shape.dims };
  matvec(core, 'axpy', type, { ...down, x: at.activated, out: out.at, widen });
  if (widen) scale(core, model, out, cell(at.mlpScale + 2, 0));
}
