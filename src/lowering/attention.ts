/**
 * Grouped-query attention of one token on R rows and C columns, without a transpose (machine-model
 * section 5a). The columns of a KV group hold rotary pairs of elements of its key, value and query
 * heads; cache positions are dealt to the rows. Queries, keys and values are reduced along y, scores
 * along x inside the group, the softmax's maximum and sum and the weighted values along y, and the
 * output projection along x over the whole row.
 *
 * Queries and keys of a core lie element by element (first halves of the pairs, then second halves),
 * each element once per head (query heads, then key heads): `qkv[element * heads + head]`. RoPE is
 * then a handful of operations over all heads at once. Values follow, head by head,
 * and then what gates the query heads, which lies as these are attended: head by head.
 */
import { copiesKeys } from '../model/attention-spec.js';
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { cell, fill, vector, type CoreCode } from '../program/builder.js';
import { normedHeads } from '../mapping/norms.js';
import { headsOf, normaliseHeads, normaliseWhole, rotate } from './heads.js';
import { projectedValuesAt } from './heads.js';
import { inputAt, layerLabel, onceForColumn, onceForRow, type GqaCore } from './layer-core.js';
import { product, startProduct } from './product.js';
import { prepareAngles } from './rollback.js';
import { maskSlots, prepareSoftmax, scores, softmax } from './softmax.js';
import { cheapest } from './special.js';
import { appendValues, valueCache, weightedValues, type Values } from './values.js';

/** What a core can do before its token arrives: advance the angles by one position, clear its sums. */
export function prepareAttention(core: CoreCode, layer: GqaCore): void {
  const { shape, model, attention } = layer;
  const { at } = core;
  if (attention.rope) prepareAngles(core, layer);
  startProduct(core, layer.matrices.qkv, { out: at.qkv, bias: at.qkvBias });
  prepareSoftmax(core, layer);
  fill(core, model.dtype, at.attended, shape.queryDims, 0);
  const { heads, values } = normedHeads(attention, shape);
  if (heads + values > 0)
    fill(core, 'f32', heads > 0 ? at.headScale : at.valueScale, heads + values, 0);
}

/** Attention from the normed slice to `attentionOut`, on a core of an attention column. */
export function attend(core: CoreCode, layer: GqaCore, group: LinePlace): void {
  core.label = layerLabel('qkv');
  onceForRow(core, layer, 'qkv', () => projectQkv(core, layer));
  const { qkNorm, rope, vNorm } = layer.attention;
  core.label = layerLabel('qk norm');
  const before = qkNorm === 'head';
  if (before || vNorm)
    onceForColumn(core, layer, 'qk norm', () =>
      normaliseHeads(core, layer, group, { heads: before, values: vNorm }),
    );
  if (qkNorm === 'whole') normaliseWhole(core, layer);
  core.label = layerLabel('rope');
  if (rope) onceForRow(core, layer, 'rope', () => rotate(core, layer));
  core.label = layerLabel('qk norm');
  if (qkNorm === 'head-after-rope')
    onceForColumn(core, layer, 'qk norm after rope', () =>
      normaliseHeads(core, layer, group, { heads: true, values: false }),
    );
  core.label = layerLabel('kv append');
  onceForRow(core, layer, 'kv append', () => append(core, layer));
  core.label = layerLabel('scores');
  scores(core, layer, group, queriesAt(core, layer));
  onceForRow(core, layer, 'shares', () => toOutput(core, layer));
}

/** From the scores to the column's part of the output projection. */
function toOutput(core: CoreCode, layer: GqaCore): void {
  maskSlots(core, layer);
  core.label = layerLabel('softmax');
  softmax(core, layer);
  core.label = layerLabel('values');
  weightedValues(core, layer, valuesAt(core, layer));
  if (layer.attention.gate) gateHeads(core, layer);
  core.label = layerLabel('attention out');
  projectOut(core, layer);
}

function projectQkv(core: CoreCode, layer: GqaCore): void {
  const { model, column, matrices } = layer;
  const { at } = core;
  const x = inputAt(core, layer);
  product(core, layer, matrices.qkv, { x, out: at.qkv, bias: at.qkvBias });
  allReduce(core, column, 'add', model.dtype, at.qkv, matrices.qkv.outputs);
  if (copiesKeys(layer.attention)) copyKeys(core, layer);
}

/** Keys as they are projected become values, [head][element]. */
function copyKeys(core: CoreCode, layer: GqaCore): void {
  const { shape, model } = layer;
  const elements = 2 * shape.pairs;
  for (let head = 0; head < shape.headsPerColumn; head++) {
    const key = cell(core.at.qkv + shape.queryHeads + head, headsOf(layer));
    const value = cell(projectedValuesAt(core, layer) + head * elements);
    vector(core, 'move', model.dtype, elements, value, key);
  }
}

/** The row that owns the new position keeps its keys, [head][element][slot], and its values. */
function append(core: CoreCode, layer: GqaCore): void {
  const { shape, model, appendAt } = layer;
  if (appendAt < 0) return;
  const { at } = core;
  const heads = headsOf(layer);
  const elements = 2 * shape.pairs;
  for (let head = 0; head < shape.headsPerColumn; head++) {
    const slot = head * elements * shape.slots + appendAt;
    const key = cell(at.qkv + shape.queryHeads + head, heads);
    vector(core, 'move', model.dtype, elements, cell(at.keys + slot, shape.slots), key);
  }
  appendValues(core, layer, valuesAt(core, layer), projectedValuesAt(core, layer));
}

function queriesAt({ at }: CoreCode, layer: GqaCore) {
  return { at: at.qkv, elements: 2 * layer.shape.pairs, stride: headsOf(layer) };
}

function valuesAt({ at }: CoreCode, { model, costs, shape }: GqaCore): Values {
  return { at: at.values, elements: 2 * shape.pairs, ...valueCache(costs, model.dtype, shape) };
}

/** Attended heads times the sigmoids of what was projected for them; they lie alike. */
function gateHeads(core: CoreCode, { model, shape, costs }: GqaCore): void {
  const { at } = core;
  const { queryDims, keyDims } = shape;
  core.label = layerLabel('output gate');
  const gate = at.qkv + queryDims + 2 * keyDims;
  cheapest(core, costs, 'sigmoid', model.dtype, gate, queryDims);
  const heads = cell(at.attended);
  vector(core, 'mul', model.dtype, queryDims, heads, heads, cell(gate));
}

/** This column's part of the output projection; the row adds the parts up in layer.ts. */
function projectOut(core: CoreCode, layer: GqaCore): void {
  const { at } = core;
  const operands = { x: at.attended, out: at.attentionOut, bias: at.oBias };
  product(core, layer, layer.matrices.o, operands);
}
