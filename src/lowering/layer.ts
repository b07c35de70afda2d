/**
 * One decoder layer of one token on one core: from the slice of the residual stream that the hand-off
 * brought (`x`) to the slice for the next region, held by every column of the row.
 */
import { allReduce } from '../kernels/collectives.js';
import { cell, fill, matvec, vector, type CoreCode } from '../program/builder.js';
import { gatedAct } from './act.js';
import { attend, prepareAttention } from './attention.js';
import { joinWholeNorm } from './heads.js';
import { scale, start, type Result } from './bias.js';
import { inputAt, layerLabel, type LayerCore } from './layer-core.js';
import { rmsNorm, type Norm } from './norm.js';
import { ACT_FN } from '../mapping/shapes.js';

/** Appends what a core can do before its token arrives; nothing here waits for the fabric. */
export function prepareLayer(core: CoreCode, layer: LayerCore): void {
  const { model, shape, spec } = layer;
  const { at } = core;
  core.label = layerLabel('position');
  fill(core, 'f32', at.square, spec.norms === 'sandwich' ? 4 : 2, 0);
  start(core, model, { at: at.attentionOut, length: shape.dims, bias: at.oBias });
  start(core, model, { at: at.mlpOut, length: shape.dims, bias: at.downBias });
  start(core, model, { at: at.gateUp, length: 2 * shape.inner, bias: at.gateUpBias });
  if (layer.attention.qkNorm === 'whole') fill(core, 'f32', at.headScale, 2, 0);
  if (layer.group) prepareAttention(core, layer);
}

export function decoderLayer(core: CoreCode, layer: LayerCore): void {
  attentionBlock(core, layer);
  mlpBlock(core, layer);
}

/** Attention, the residual, and the norm of what the MLP multiplies. */
function attentionBlock(core: CoreCode, layer: LayerCore): void {
  const { group, spec } = layer;
  const { at } = core;
  const [before, after] = [spec.norms !== 'post', spec.norms !== 'pre'];
  core.label = layerLabel('attention norm');
  const input = { x: at.x, normed: at.normed };
  if (before) normalise(core, layer, { ...input, weight: at.attentionNorm, square: at.square });
  // A column without attention adds the zeros it prepared.
  if (group) attend(core, layer, group);
  else joinWholeNorm(core, layer);
  core.label = layerLabel('attention out');
  sumOverRow(core, layer, at.attentionOut);
  if (after) {
    core.label = layerLabel('attention out norm');
    const out = { x: at.attentionOut, normed: at.attentionOut };
    const square = at.square + (before ? 2 : 0);
    normalise(core, layer, { ...out, weight: at.attentionOutNorm, square });
  }
  addToStream(core, layer, at.attentionOut);
  core.label = layerLabel('mlp norm');
  if (before) normalise(core, layer, { ...input, weight: at.mlpNorm, square: at.square + 1 });
}

/** The MLP, from the normed slice on, and the residual. */
function mlpBlock(core: CoreCode, layer: LayerCore): void {
  const { norms } = layer.spec;
  const { at } = core;
  mlp(core, layer);
  sumOverRow(core, layer, at.mlpOut);
  if (norms !== 'pre') {
    core.label = layerLabel('mlp out norm');
    const out = { x: at.mlpOut, normed: at.mlpOut };
    const square = at.square + (norms === 'sandwich' ? 3 : 1);
    normalise(core, layer, { ...out, weight: at.mlpOutNorm, square });
  }
  addToStream(core, layer, at.mlpOut);
}

function normalise(
  core: CoreCode,
  { model, costs, shape, column }: LayerCore,
  of: Pick<Norm, 'x' | 'normed' | 'weight' | 'square'>,
): void {
  const { dtype: type, dim, normEpsilon: epsilon } = model;
  rmsNorm(core, costs, column, { type, length: shape.dims, dim, epsilon, ...of });
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
  core.label = layerLabel(ACT_FN[layer.mlp.act.fn]);
  const units = { gate: at.gateUp, up: at.gateUp + n, out: at.activated };
  gatedAct(core, layer.costs, layer.mlp.act, { type, length: n, ...units });
  core.label = layerLabel('down');
  const out = { at: at.mlpOut, length: shape.dims, bias: at.downBias };
  const down = { matrix: at.wDown, rows: n, length: shape.dims };
  matvec(core, 'axpy', type, { ...down, x: at.activated, out: out.at, widen });
  if (widen) scale(core, model, out, cell(at.mlpScale + 2, 0));
}
