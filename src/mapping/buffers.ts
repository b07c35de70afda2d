/** What a core keeps in its memory, by name and length, in the order in which it lies there. */
import type { DataType } from '../numeric/types.js';
import { copiesKeys, type GqaSpec } from '../model/attention-spec.js';
import { deltaOf, gqaOf, latentOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import { addDelta } from './delta.js';
import { addExperts, addRouter } from './experts.js';
import type { RouterPart } from './experts.js';
import { addAngles, addSoftmax } from './heads.js';
import { addJoin } from './join.js';
import { addLatent } from './latent-buffers.js';
import { hasAttention, hasMlp } from './mapping.js';
import type { BufferShape, LayerRegionKind, TableKind } from './mapping.js';
import { layerMatrices, matrixBuffers, tableMatrix } from './matrices.js';
import type { LayerMatrices, MatrixSlice } from './matrices.js';
import { keepsChoice } from './selection.js';
import { choiceLength, hasParallel, normedHeads, normsIn, normsWhole, squaresIn } from './norms.js';
import type { GqaShape, LayerShape, TableShape } from './shapes.js';

/**
 * Buffers of the core of a layer's region, in the order in which they lie in memory.
 * @param column what the core's column has: heads, without which it keeps no attention, and what of the router
 */
export function layerBuffers(
  model: ModelSpec,
  layer: LayerSpec,
  s: LayerShape,
  kind: LayerRegionKind,
  column: { heads: boolean; router?: RouterPart | undefined } = { heads: true, router: 'root' },
): BufferShape[] {
  const value = model.dtype;
  const { mlp } = layer;
  const matrices = layerMatrices(model, layer, s);
  const list = bufferList();
  const { buffers, add } = list;
  // First, so that they lie alike in all columns and in both regions of a layer: hand-offs read and fill them.
  if (s.kind === 'latent' && keepsChoice(layer, kind, s.selection))
    add('chosen', value, s.positions);
  if (s.inFlight) add('accepted', value, 1);
  add('x', value, s.dims);
  if (layer.norms !== 'post') add('normed', value, s.dims);
  if (hasParallel(layer)) add('expertsInput', value, s.dims);
  if (mlp.kind === 'experts') add('choice', value, choiceLength(mlp));
  const norms = normsIn(layer, kind);
  for (const name of norms) add(name, value, s.dims, true);
  const squares = squaresIn(layer, kind).length;
  if (squares > 0) add('square', 'f32', squares);
  if (hasAttention(kind)) {
    if (matrices.join && s.joined) {
      addMatrix(list, model, matrices.join);
      addJoin(add, value, { dims: s.dims, joined: s.joined, inFlight: s.inFlight });
    }
    addAttention(list, model, layer, s, matrices, column.heads);
    add('attentionOut', value, s.dims);
    // Of the queries and of the keys, added up over the whole row.
    if (normsWhole(layer)) add('headScale', 'f32', 2);
    if (mlp.kind === 'experts' && column.router !== undefined) {
      addMatrix(list, model, matrices.router!);
      addRouter(add, model, mlp, { dims: s.dims, of: s.experts! }, column.router);
    }
  }
  if (hasMlp(kind)) addMlp(list, model, layer, s, matrices);
  if (hasMlp(kind) && layer.scaled) add('scalar', value, 1, true);
  return buffers;
}

function addMatrix({ buffers }: BufferList, model: ModelSpec, slice: MatrixSlice): void {
  buffers.push(...matrixBuffers(model, slice));
}

/** What a column keeps of the attention, which has heads or not. */
function addAttention(
  list: BufferList,
  model: ModelSpec,
  layer: LayerSpec,
  s: LayerShape,
  matrices: LayerMatrices,
  hasHeads: boolean,
): void {
  if (s.kind === 'latent') return addLatent(list, model, latentOf(layer), s, matrices, hasHeads);
  if (!hasHeads) return;
  addMatrix(list, model, matrices.qkv);
  addMatrix(list, model, matrices.o);
  if (s.kind === 'delta') addDelta(list.add, model, deltaOf(layer), s);
  else addGqa(list.add, model, gqaOf(layer), s);
}

function addGqa(add: AddBuffer, model: ModelSpec, attention: GqaSpec, s: GqaShape): void {
  const value = model.dtype;
  const heads = s.queryHeads + s.headsPerColumn;
  const { qkNorm, bias, outBias, rope, sinks } = attention;
  const normed = normedHeads(attention, s);
  if (bias) add('qkvBias', value, s.projectedDims, true);
  if (outBias) add('oBias', value, s.dims, true);
  add('keys', value, s.keyDims * s.slots, true);
  add('values', value, s.keyDims * s.slots, true);
  if (qkNorm === 'head') {
    add('qNorm', value, 2 * s.pairs, true);
    add('kNorm', value, 2 * s.pairs, true);
  }
  // One weight for every element of every query and key head, as those lie in `qkv`.
  if (qkNorm === 'whole') add('qkNorm', value, s.queryDims + s.keyDims, true);
  if (rope) addAngles(add, value, { pairs: s.pairs, heads, inFlight: s.inFlight });
  // Keys are copied to where no others would be projected.
  add('qkv', value, s.projectedDims + (copiesKeys(attention) ? s.keyDims : 0));
  if (normed.heads > 0) add('headScale', 'f32', normed.heads);
  // Right after, so that both are added up as one.
  if (normed.values > 0) add('valueScale', 'f32', normed.values);
  const factors = normed.heads + normed.values;
  if (factors > 0 && value === 'f16') add('headFactor', value, factors);
  addSoftmax(add, value, s);
  if (sinks) add('minusSink', value, s.queryHeads, true);
  add('attended', value, s.queryDims);
}

function addMlp(
  list: BufferList,
  model: ModelSpec,
  { mlp }: LayerSpec,
  s: LayerShape,
  { gateUp, down, shared, parallel }: LayerMatrices,
): void {
  const { add } = list;
  const value = model.dtype;
  const beside = [shared, parallel].flatMap((of) => (of ? [of.gateUp, of.down] : []));
  for (const slice of [gateUp, down, ...beside]) addMatrix(list, model, slice);
  add('mlpOut', value, s.dims);
  // Right after, so that the row adds both up as one.
  if (hasParallel({ mlp })) add('expertsSum', value, s.dims);
  if (mlp.kind === 'experts') {
    addExperts(add, model, mlp, { dims: s.dims, inner: s.inner, of: s.experts! });
    return;
  }
  if (mlp.bias) {
    add('gateUpBias', value, 2 * s.inner, true);
    add('downBias', value, s.dims, true);
  }
  add('gateUp', value, 2 * s.inner);
  add('activated', value, s.inner);
}

/** Buffers of a core of the embedding, of the head, or of a tied table that serves both. */
export function tableBuffers(model: ModelSpec, s: TableShape, use: TableKind): BufferShape[] {
  const { buffers, add } = bufferList();
  const { inFlight } = s;
  buffers.push(...matrixBuffers(model, tableMatrix(model, s)));
  if (inFlight) add('accepted', model.dtype, 1);
  add('x', model.dtype, s.dims);
  // With the first token of a round, how many of the one before are accepted.
  add('token', 'f32', inFlight ? 2 : 1);
  if (use !== 'embedding') {
    add('norm', model.dtype, s.dims, true);
    add('normed', model.dtype, s.dims);
    add('square', 'f32', 1);
    add('logits', model.dtype, s.entries);
    add('best', 'f32', 3);
    if (inFlight) addRound(add, inFlight);
  }
  return buffers;
}

/**
 * What the core that chooses keeps of a round: the certain token of the next one and how many drafted tokens are
 * accepted, the drafted tokens, and what was chosen after each token.
 */
function addRound(add: AddBuffer, inFlight: number): void {
  add('next', 'f32', 2);
  add('drafts', 'f32', inFlight - 1, true);
  add('choices', 'f32', inFlight, true);
}

export type BufferList = ReturnType<typeof bufferList>;
/** Adds a buffer after those so far. */
export type AddBuffer = BufferList['add'];

/** Buffers so far, and what adds one after them. */
export function bufferList() {
  const buffers: BufferShape[] = [];
  const add = (name: string, type: DataType, length: number, preloaded = false) =>
    buffers.push({ name, type, length, preloaded });
  return { buffers, add };
}
