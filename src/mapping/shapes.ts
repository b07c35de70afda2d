/**
 * How one layer, the embedding and the head are cut over a rectangle of cores: how many elements of
 * everything a core holds. The one source of sizes, for the SRAM budget and for lowering alike.
 * Activations are split over the rows and replicated over the columns; queries, keys, values and the
 * MLP's inner width are split over the columns (machine-model section 5a). All slices are padded up.
 */
import type { DataType } from '../numeric/types.js';
import type { GqaSpec } from '../model/attention-spec.js';
import { slotsOf } from '../model/cache-slots.js';
import { deltaOf, gqaOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import type { SpecialFn } from '../hardware/wafer.js';
import type { Act, MlpSpec } from '../model/mlp-spec.js';
import { addDelta, deltaShape, type DeltaShape } from './delta.js';
import { addExperts, addRouter, expertsShape } from './experts.js';
import type { ExpertsShape, RouterPart } from './experts.js';
import { hasAttention, hasMlp } from './mapping.js';
import type { BufferShape, LayerRegionKind, TableKind } from './mapping.js';
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

export type LayerShape = GqaShape | DeltaShape;

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
 * @param kvReplicas KV groups for each KV head: a divisor of the query heads that share one
 * @param strips of columns, each with as many experts: a divisor of their number
 */
export function layerShape(
  model: Pick<ModelSpec, 'dim'>,
  layer: LayerSpec,
  maxPositions: number,
  rows: number,
  columns: number,
  users = 1,
  kvReplicas = 1,
  strips = 1,
): LayerShape {
  const { attention, mlp } = layer;
  const groups =
    attention.kind === 'delta' ? attention.keyHeads : gqaOf(layer).kvHeads * kvReplicas;
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
    ...(mlp.kind === 'experts' && { experts: expertsShape(mlp, rows, columns, strips) }),
  };
  if (attention.kind === 'delta') return deltaShape(attention, common, users);
  return gqaShape(gqaOf(layer), common, groups, maxPositions, users);
}

function gqaShape(
  { heads, headDim, span, gate }: GqaSpec,
  common: CommonShape,
  groups: number,
  maxPositions: number,
  users: number,
): GqaShape {
  const { groupWidth, headsPerColumn, rows } = common;
  const pairs = Math.ceil(headDim / 2 / groupWidth);
  const queryHeads = (headsPerColumn * heads) / groups;
  const [keyDims, queryDims] = [headsPerColumn * 2 * pairs, queryHeads * 2 * pairs];
  const positions = Math.ceil(slotsOf(span, maxPositions) / rows);
  return {
    ...common,
    kind: 'gqa',
    pairs,
    queryHeads,
    keyDims,
    queryDims,
    projectedDims: (gate ? 2 : 1) * queryDims + 2 * keyDims,
    positions,
    slots: users * positions,
  };
}

/** KV groups of a layer of this shape: one or more for each KV head. */
export function kvGroupsOf({ heads }: GqaSpec, shape: GqaShape): number {
  return (shape.headsPerColumn * heads) / shape.queryHeads;
}

/** Norms of a layer, those before its blocks first. */
export const NORMS = ['attentionNorm', 'mlpNorm', 'attentionOutNorm', 'mlpOutNorm'] as const;
export type NormName = (typeof NORMS)[number];

/** Norms that a region of a layer computes; the one before the MLP comes with its attention. */
export function normsIn({ norms }: Pick<LayerSpec, 'norms'>, kind: LayerRegionKind): NormName[] {
  return NORMS.filter((name) => {
    const isAfter = name.endsWith('OutNorm');
    if (norms === (isAfter ? 'pre' : 'post')) return false;
    return name === 'mlpOutNorm' ? hasMlp(kind) : hasAttention(kind);
  });
}

/** First of the cells of `choice`: the residual stream's lie before it, and what a norm made of them. */
export function choiceAt({ norms }: Pick<LayerSpec, 'norms'>, dims: number): number {
  return norms === 'post' ? dims : 2 * dims;
}

/**
 * Words that the attention of a layer hands over to its MLP, whose rows have `dims` elements of the
 * residual stream each: these, what the norm makes of them, if one comes before the MLP, and the choice of
 * experts.
 */
export function handedOver(layer: Pick<LayerSpec, 'norms' | 'mlp'>, dims: number): number {
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
  if (mlp.kind === 'experts') add('choice', value, choiceLength(mlp));
  const norms = normsIn(layer, kind);
  for (const name of norms) add(name, value, s.dims, true);
  if (norms.length > 0) add('square', 'f32', norms.length);
  if (hasAttention(kind)) {
    if (column.heads) addAttention(list, model, layer, s, matrices);
    add('attentionOut', value, s.dims);
    // Of the queries and of the keys, added up over the whole row.
    if (normsWhole(layer)) add('headScale', 'f32', 2);
    if (mlp.kind === 'experts' && column.router !== undefined) {
      addMatrix(list, model, matrices.router!);
      addRouter(add, model, mlp, { dims: s.dims, of: s.experts! }, column.router);
    }
  }
  if (hasMlp(kind)) addMlp(list, model, layer, s, matrices);
  return buffers;
}

function addMatrix({ buffers }: BufferList, model: ModelSpec, slice: MatrixSlice): void {
  buffers.push(...matrixBuffers(model, slice));
}

/** What a column with heads keeps of the attention. */
function addAttention(
  list: BufferList,
  model: ModelSpec,
  layer: LayerSpec,
  s: LayerShape,
  { qkv, o }: LayerMatrices,
): void {
  addMatrix(list, model, qkv);
  addMatrix(list, model, o);
  if (s.kind === 'delta') addDelta(list.add, model, deltaOf(layer), s);
  else addGqa(list.add, model, gqaOf(layer), s);
}

function addGqa(add: BufferList['add'], model: ModelSpec, attention: GqaSpec, s: GqaShape): void {
  const value = model.dtype;
  const heads = s.queryHeads + s.headsPerColumn;
  const { qkNorm, bias, outBias, rope, sinks } = attention;
  const normed = normsHeads(attention);
  if (bias) add('qkvBias', value, s.queryDims + 2 * s.keyDims, true);
  if (outBias) add('oBias', value, s.dims, true);
  add('keys', value, s.keyDims * s.slots, true);
  add('values', value, s.keyDims * s.slots, true);
  if (qkNorm === 'head') {
    add('qNorm', value, 2 * s.pairs, true);
    add('kNorm', value, 2 * s.pairs, true);
  }
  // One weight for every element of every query and key head, as those lie in `qkv`.
  if (qkNorm === 'whole') add('qkNorm', value, s.queryDims + s.keyDims, true);
  // Cosine and sine of each pair at the current position, and of one step, kept in f32 and advanced
  // by one step a token; `turn` holds cosine, sine and minus sine once per head, pair by pair.
  if (rope) {
    add('angle', 'f32', 2 * s.pairs, true);
    add('angleStep', 'f32', 2 * s.pairs, true);
    add('angleWork', 'f32', 2 * s.pairs);
    add('turn', value, 3 * s.pairs * heads);
    add('turned', value, s.pairs * heads);
  }
  add('qkv', value, s.projectedDims);
  if (normed) add('headScale', 'f32', heads);
  if (normed && value === 'f16') add('headFactor', value, heads);
  // As long as the cache: one user may have all of it (serving).
  add('scores', value, s.queryHeads * s.slots);
  add('rowPeak', value, s.queryHeads);
  // With their signs changed: what is added to scores is minus the largest of them.
  add('minusPeak', 'f32', s.queryHeads);
  if (sinks) add('minusSink', value, s.queryHeads, true);
  add('total', 'f32', s.queryHeads);
  add('attended', value, s.queryDims);
}

function addMlp(
  list: BufferList,
  model: ModelSpec,
  { mlp }: LayerSpec,
  s: LayerShape,
  { gateUp, down, shared }: LayerMatrices,
): void {
  const { add } = list;
  const value = model.dtype;
  for (const slice of [gateUp, down, ...(shared ? [shared.gateUp, shared.down] : [])])
    addMatrix(list, model, slice);
  add('mlpOut', value, s.dims);
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
