/**
 * How one layer, the embedding and the head are cut over a rectangle of cores: how many elements of
 * everything a core holds. The one source of sizes, for the SRAM budget and for lowering alike.
 * Activations are split over the rows and replicated over the columns; queries, keys, values and the
 * MLP's inner width are split over the columns (machine-model section 5a). All slices are padded up.
 */
import type { DataType } from '../numeric/types.js';
import { copiesKeys, type AttentionSpec, type GqaSpec } from '../model/attention-spec.js';
import { slotsOf, spanOf } from '../model/cache-slots.js';
import { deltaOf, gqaOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import type { SpecialFn } from '../hardware/wafer.js';
import type { Act, MlpSpec } from '../model/mlp-spec.js';
import { addDelta, deltaShape, type DeltaShape } from './delta.js';
import { addExperts, addRouter, expertsShape } from './experts.js';
import type { ExpertsShape, RouterPart } from './experts.js';
import { addAngles, addSoftmax } from './heads.js';
import { latentGroups, latentShape, type LatentShape } from './latent.js';
import { addLatent } from './latent-buffers.js';
import { hasAttention, hasMlp } from './mapping.js';
import type { BufferShape, Held, LayerRegionKind, TableKind } from './mapping.js';
import { layerMatrices, matrixBuffers, tableMatrix } from './matrices.js';
import type { LayerMatrices, MatrixSlice } from './matrices.js';

/** The special function of an activation. */
export const ACT_FN = {
  silu: 'silu',
  'gelu-tanh': 'gelu',
} as const satisfies Record<Act['fn'], SpecialFn>;

/** What the shapes of all layers have, whatever their attention is. */
export interface CommonShape {
  rows: number;
  columns: number;
  /** Elements of the residual stream per row. */
  dims: number;
  /** Columns of one group, which shares a head of keys (1 if a column holds several). */
  groupWidth: number;
  /** Groups, and with them heads of keys, that a column holds (1 unless there are fewer columns than groups). */
  headsPerColumn: number;
  /** Columns that take part in attention; the rest are idle in it. */
  attentionColumns: number;
  /** Elements of the inner width per column: of the MLP, or of each expert. */
  inner: number;
  /** In layers with experts. */
  experts?: ExpertsShape;
}

export type LayerShape = GqaShape | LatentShape | DeltaShape;

/** Of grouped queries. */
export interface GqaShape extends CommonShape {
  kind: 'gqa';
  /** RoPE pairs per column and head. */
  pairs: number;
  /** Query heads of a column: headsPerColumn * heads / (kvHeads * kvReplicas). */
  queryHeads: number;
  /** Key (or value) elements of a column: headsPerColumn * 2 * pairs. */
  keyDims: number;
  /** Query elements of a column: queryHeads * 2 * pairs. */
  queryDims: number;
  /** Queries, keys, values and what gates the attended heads, of a column. */
  projectedDims: number;
  /** Cache slots of one user per row, for the longest context of the run. */
  positions: number;
  /** Of all users: each one's positions are dealt from row 0 on, so that equal users are equal. */
  slots: number;
}

/**
 * Shape of a decoder layer with room for `maxPositions` tokens of each user in its cache.
 * @param held KV groups for each KV head, a divisor of the query heads that share one; what the cache of latent
 * attention has; and strips of columns, each with as many experts, a divisor of their number
 */
export function layerShape(
  model: Pick<ModelSpec, 'dim'>,
  layer: LayerSpec,
  maxPositions: number,
  rows: number,
  columns: number,
  users = 1,
  held: Held = {},
): LayerShape {
  const { attention, mlp } = layer;
  const { strips = 1, latent = 'expanded' } = held;
  const groups = groupsOf(attention, held);
  const headsPerColumn = Math.ceil(groups / columns);
  const groupWidth = headsPerColumn > 1 ? 1 : Math.floor(columns / groups);
  const common: CommonShape = {
    rows,
    columns,
    dims: Math.ceil(model.dim / rows),
    groupWidth,
    headsPerColumn,
    attentionColumns: Math.ceil(groups / headsPerColumn) * groupWidth,
    inner: Math.ceil(mlp.inner / Math.floor(columns / strips)),
  };
  if (mlp.kind === 'experts') common.experts = expertsShape(mlp, rows, columns, strips);
  if (attention.kind === 'delta') return deltaShape(attention, common, users);
  const positions = Math.ceil(slotsOf(spanOf(attention), maxPositions) / rows);
  const cache = { positions, slots: users * positions };
  if (attention.kind === 'gqa') return gqaShape(attention, common, groups, cache);
  return latentShape(attention, common, latent, groups, cache);
}

/** Groups of columns of an attention. */
function groupsOf(attention: AttentionSpec, held: Held): number {
  switch (attention.kind) {
    case 'gqa':
      return attention.kvHeads * (held.kvReplicas ?? 1);
    case 'latent':
      return latentGroups(attention, held);
    case 'delta':
      return attention.keyHeads;
  }
}

function gqaShape(
  attention: GqaSpec,
  common: CommonShape,
  groups: number,
  cache: Pick<GqaShape, 'positions' | 'slots'>,
): GqaShape {
  const { heads, headDim, gate } = attention;
  const { groupWidth, headsPerColumn } = common;
  const pairs = Math.ceil(headDim / 2 / groupWidth);
  const queryHeads = (headsPerColumn * heads) / groups;
  const [keyDims, queryDims] = [headsPerColumn * 2 * pairs, queryHeads * 2 * pairs];
  // Field by field: sizes are chosen among thousands of shapes, and spreads took a tenth of a large run.
  const shape: GqaShape = {
    kind: 'gqa',
    rows: common.rows,
    columns: common.columns,
    dims: common.dims,
    groupWidth,
    headsPerColumn,
    attentionColumns: common.attentionColumns,
    inner: common.inner,
    pairs,
    queryHeads,
    keyDims,
    queryDims,
    projectedDims: (gate ? 2 : 1) * queryDims + (copiesKeys(attention) ? 1 : 2) * keyDims,
    positions: cache.positions,
    slots: cache.slots,
  };
  if (common.experts) shape.experts = common.experts;
  return shape;
}

/** KV groups of a layer of this shape: one or more for each KV head. */
export function kvGroupsOf({ heads }: GqaSpec, shape: GqaShape): number {
  return (shape.headsPerColumn * heads) / shape.queryHeads;
}

type Normed = Pick<LayerSpec, 'norms' | 'mlp'>;

/**
 * Norms of a layer with weights: of its input and of the MLP's, and of what both give; where a dense MLP lies next
 * to the experts, of the experts' input, and of what each of the two gives.
 */
export type NormName =
  | ('attentionNorm' | 'mlpNorm' | 'expertsNorm' | 'attentionOutNorm')
  | ('parallelOutNorm' | 'expertsOutNorm' | 'mlpOutNorm');

/** Norms that a region of a layer computes; those before the MLP come with its attention. */
export function normsIn(layer: Normed, kind: LayerRegionKind): NormName[] {
  const [before, after] = [layer.norms !== 'post', layer.norms !== 'pre'];
  const apart = hasParallel(layer);
  return [
    ...only(hasAttention(kind) && before, 'attentionNorm', 'mlpNorm'),
    ...only(hasAttention(kind) && apart, 'expertsNorm'),
    ...only(hasAttention(kind) && after, 'attentionOutNorm'),
    ...only(hasMlp(kind) && apart, 'parallelOutNorm', 'expertsOutNorm'),
    ...only(hasMlp(kind) && after, 'mlpOutNorm'),
  ];
}

function only<const T>(when: boolean, ...items: T[]): T[] {
  return when ? items : [];
}

/** Is there a dense MLP next to the experts? */
export function hasParallel({ mlp }: Pick<LayerSpec, 'mlp'>): boolean {
  return mlp.kind === 'experts' && mlp.parallel !== undefined;
}

/**
 * Vectors whose squares a region adds up, in a cell each: the residual stream after attention once for all that
 * is made of it; those of a dense MLP and of the experts next to it lie side by side.
 */
export type Squared = 'input' | 'attentionOut' | 'stream' | 'parallelOut' | 'expertsOut' | 'mlpOut';

export function squaresIn(layer: Normed, kind: LayerRegionKind): Squared[] {
  const norms = normsIn(layer, kind);
  const of = (name: NormName, squared: Squared) => only(norms.includes(name), squared);
  return [
    ...of('attentionNorm', 'input'),
    ...of('attentionOutNorm', 'attentionOut'),
    ...only(hasAttention(kind) && normsStream(layer), 'stream'),
    ...of('parallelOutNorm', 'parallelOut'),
    ...of('expertsOutNorm', 'expertsOut'),
    ...of('mlpOutNorm', 'mlpOut'),
  ];
}

/** Is the residual stream normed before the MLP, for one of those who read it? */
export function normsStream({ norms, mlp }: Normed): boolean {
  return norms !== 'post' || (mlp.kind === 'experts' && (mlp.router.ownNorm || !!mlp.parallel));
}

/**
 * First of the cells of `choice`: the residual stream's lie before it, what a norm made of them, and what one of
 * the experts' own did.
 */
export function choiceAt(layer: Normed, dims: number): number {
  return dims * (1 + (layer.norms === 'post' ? 0 : 1) + (hasParallel(layer) ? 1 : 0));
}

/**
 * Words that the attention of a layer hands over to its MLP, whose rows have `dims` elements of the
 * residual stream each: these, what the norms before it make of them, and the choice of experts.
 */
export function handedOver(layer: Normed, dims: number): number {
  return choiceAt(layer, dims) + choiceLength(layer.mlp);
}

/** Numbers of the chosen experts, then their weights. */
function choiceLength(mlp: MlpSpec): number {
  return mlp.kind === 'experts' ? 2 * mlp.topK : 0;
}

/** Are all query heads normalised as one vector, and all key heads? */
export function normsWhole({ attention }: Pick<LayerSpec, 'attention'>): boolean {
  return attention.kind === 'gqa' && attention.qkNorm === 'whole';
}

/** Query and key heads, and value heads, of a column that are normalised by themselves. */
export function normedHeads(
  attention: GqaSpec,
  { queryHeads, headsPerColumn }: Pick<GqaShape, 'queryHeads' | 'headsPerColumn'>,
): { heads: number; values: number } {
  return {
    heads: normsHeads(attention) ? queryHeads + headsPerColumn : 0,
    values: attention.vNorm ? headsPerColumn : 0,
  };
}

/** Is each query and key head normalised by itself, before RoPE or after it? */
export function normsHeads({ qkNorm }: GqaSpec): boolean {
  return qkNorm === 'head' || qkNorm === 'head-after-rope';
}

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
  add('x', value, s.dims);
  if (layer.norms !== 'post') add('normed', value, s.dims);
  if (hasParallel(layer)) add('expertsInput', value, s.dims);
  if (mlp.kind === 'experts') add('choice', value, choiceLength(mlp));
  const norms = normsIn(layer, kind);
  for (const name of norms) add(name, value, s.dims, true);
  const squares = squaresIn(layer, kind).length;
  if (squares > 0) add('square', 'f32', squares);
  if (hasAttention(kind)) {
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
  const { attention } = layer;
  if (s.kind === 'latent' && attention.kind === 'latent')
    return addLatent(list, model, attention, s, matrices, hasHeads);
  if (s.kind === 'latent' || !hasHeads) return;
  addMatrix(list, model, matrices.qkv);
  addMatrix(list, model, matrices.o);
  if (s.kind === 'delta') addDelta(list.add, model, deltaOf(layer), s);
  else addGqa(list.add, model, gqaOf(layer), s);
}

function addGqa(add: BufferList['add'], model: ModelSpec, attention: GqaSpec, s: GqaShape): void {
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
  if (rope) addAngles(add, value, s.pairs, heads);
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

/** Shape of the embedding, the head, or both in one region (tied): a table split over both axes. */
export interface TableShape {
  rows: number;
  columns: number;
  /** Elements of the residual stream per row. */
  dims: number;
  /** Vocabulary entries per column. */
  entries: number;
}

export function tableShape(model: ModelSpec, rows: number, columns: number): TableShape {
  return {
    rows,
    columns,
    dims: Math.ceil(model.dim / rows),
    entries: Math.ceil(model.vocab / columns),
  };
}

/** Buffers of a core of the embedding, of the head, or of a tied table that serves both. */
export function tableBuffers(model: ModelSpec, s: TableShape, use: TableKind): BufferShape[] {
  const { buffers, add } = bufferList();
  buffers.push(...matrixBuffers(model, tableMatrix(model, s)));
  add('x', model.dtype, s.dims);
  add('token', 'f32', 1);
  if (use !== 'embedding') {
    add('norm', model.dtype, s.dims, true);
    add('normed', model.dtype, s.dims);
    add('square', 'f32', 1);
    add('logits', model.dtype, s.entries);
    add('best', 'f32', 3);
  }
  return buffers;
}

type BufferList = ReturnType<typeof bufferList>;

/** Buffers so far, and what adds one after them. */
export function bufferList() {
  const buffers: BufferShape[] = [];
  const add = (name: string, type: DataType, length: number, preloaded = false) =>
    buffers.push({ name, type, length, preloaded });
  return { buffers, add };
}
