/**
 * How one layer, the embedding and the head are cut over a rectangle of cores: how many elements of
 * everything a core holds. The one source of sizes, for the SRAM budget and for lowering alike.
 * Activations are split over the rows and replicated over the columns; queries, keys, values and the
 * MLP's inner width are split over the columns (machine-model section 5a). All slices are padded up.
 */
import type { DataType } from '../numeric/types.js';
import { slotsOf } from '../model/cache-slots.js';
import { denseOf, gqaOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import type { SpecialFn } from '../hardware/wafer.js';
import type { Act } from '../model/mlp-spec.js';
import { hasAttention, hasMlp } from './mapping.js';
import type { BufferShape, LayerRegionKind, TableKind } from './mapping.js';

/** The special function of an activation. */
export const ACT_FN = {
  silu: 'silu',
  'gelu-tanh': 'gelu',
} as const satisfies Record<Act['fn'], SpecialFn>;

export interface LayerShape {
  rows: number;
  columns: number;
  /** Elements of the residual stream per row. */
  dims: number;
  /** KV groups that hold the same KV head, each for query heads of its own. */
  kvReplicas: number;
  /** Columns of one KV group (1 if a column holds several). */
  groupWidth: number;
  /** KV groups, and with them KV heads, that a column holds (1 unless there are fewer columns than groups). */
  headsPerColumn: number;
  /** Columns that take part in attention; the rest are idle in it. */
  attentionColumns: number;
  /** RoPE pairs per column and head. */
  pairs: number;
  /** Query heads of a column: headsPerColumn * heads / (kvHeads * kvReplicas). */
  queryHeads: number;
  /** Key (or value) elements of a column: headsPerColumn * 2 * pairs. */
  keyDims: number;
  /** Query elements of a column: queryHeads * 2 * pairs. */
  queryDims: number;
  /** Cache slots of one user per row, for the longest context of the run. */
  positions: number;
  /** Of all users: each one's positions are dealt from row 0 on, so that equal users are equal. */
  slots: number;
  /** Elements of the MLP's inner width per column. */
  inner: number;
}

/**
 * Shape of a decoder layer with room for `maxPositions` tokens of each user in its cache.
 * @param kvReplicas KV groups for each KV head: a divisor of the query heads that share one
 */
export function layerShape(
  model: Pick<ModelSpec, 'dim'>,
  layer: LayerSpec,
  maxPositions: number,
  rows: number,
  columns: number,
  users = 1,
  kvReplicas = 1,
): LayerShape {
  const { heads, kvHeads, headDim, span } = gqaOf(layer);
  const groups = kvHeads * kvReplicas;
  const headsPerColumn = Math.ceil(groups / columns);
  const groupWidth = headsPerColumn > 1 ? 1 : Math.floor(columns / groups);
  const pairs = Math.ceil(headDim / 2 / groupWidth);
  const queryHeads = (headsPerColumn * heads) / groups;
  const positions = Math.ceil(slotsOf(span, maxPositions) / rows);
  return {
    rows,
    columns,
    dims: Math.ceil(model.dim / rows),
    kvReplicas,
    groupWidth,
    headsPerColumn,
    attentionColumns: Math.ceil(groups / headsPerColumn) * groupWidth,
    pairs,
    queryHeads,
    keyDims: headsPerColumn * 2 * pairs,
    queryDims: queryHeads * 2 * pairs,
    positions,
    slots: users * positions,
    inner: Math.ceil(denseOf(layer).inner / columns),
  };
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

/**
 * Words that the attention of a layer hands over to its MLP, whose rows have `dims` elements of the
 * residual stream each: these, and what the norm makes of them, if one comes before the MLP.
 */
export function handedOver({ norms }: Pick<LayerSpec, 'norms'>, dims: number): number {
  return norms === 'post' ? dims : 2 * dims;
}

/**
 * Buffers of the core of a layer's region, in the order in which they lie in memory.
 * @param heads whether the core's column has heads; those that have none keep no attention
 */
export function layerBuffers(
  model: ModelSpec,
  layer: LayerSpec,
  s: LayerShape,
  kind: LayerRegionKind,
  heads = true,
): BufferShape[] {
  const value = model.dtype;
  const { buffers, add } = bufferList();
  // First, so that they lie alike in all columns and in both regions of a layer: hand-offs read and fill them.
  add('x', value, s.dims);
  if (layer.norms !== 'post') add('normed', value, s.dims);
  const norms = normsIn(layer, kind);
  for (const name of norms) add(name, value, s.dims, true);
  if (norms.length > 0) add('square', 'f32', norms.length);
  if (hasAttention(kind)) {
    if (heads) addAttention(add, model, layer, s);
    add('attentionOut', value, s.dims);
    // Of the queries and of the keys, added up over the whole row.
    if (gqaOf(layer).qkNorm === 'whole') add('headScale', 'f32', 2);
  }
  if (hasMlp(kind)) addMlp(add, model, layer, s);
  return buffers;
}

/** What a column with heads keeps of the attention. */
function addAttention(add: Add, model: ModelSpec, layer: LayerSpec, s: LayerShape): void {
  const value = model.dtype;
  const weight = weightType(model);
  const heads = s.queryHeads + s.headsPerColumn;
  const { qkNorm, bias, outBias, rope } = gqaOf(layer);
  add('wQkv', weight, s.dims * (s.queryDims + 2 * s.keyDims), true);
  add('wO', weight, s.queryDims * s.dims, true);
  if (model.weightBits === 8) {
    add('qkvScale', value, s.queryDims + 2 * s.keyDims, true);
    add('oScale', value, 1, true);
  }
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
  add('qkv', value, s.queryDims + 2 * s.keyDims);
  if (qkNorm === 'head') add('headScale', 'f32', heads);
  // As long as the cache: one user may have all of it (serving).
  add('scores', value, s.queryHeads * s.slots);
  add('peak', 'f32', s.queryHeads);
  add('total', 'f32', s.queryHeads);
  add('attended', value, s.queryDims);
}

function addMlp(add: Add, model: ModelSpec, layer: LayerSpec, s: LayerShape): void {
  const value = model.dtype;
  const weight = weightType(model);
  add('wGateUp', weight, s.dims * 2 * s.inner, true);
  add('wDown', weight, s.inner * s.dims, true);
  // 8-bit matrices: what gate, up and down are multiplied by.
  if (model.weightBits === 8) add('mlpScale', value, 3, true);
  if (denseOf(layer).bias) {
    add('gateUpBias', value, 2 * s.inner, true);
    add('downBias', value, s.dims, true);
  }
  add('mlpOut', value, s.dims);
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
  add('table', weightType(model), s.dims * s.entries, true);
  add('x', model.dtype, s.dims);
  add('token', 'f32', 1);
  if (model.weightBits === 8) add('tableScale', model.dtype, 1, true);
  if (use !== 'embedding') {
    add('norm', model.dtype, s.dims, true);
    add('normed', model.dtype, s.dims);
    add('square', 'f32', 1);
    add('logits', model.dtype, s.entries);
    add('best', 'f32', 3);
  }
  return buffers;
}

type Add = ReturnType<typeof bufferList>['add'];

/** Buffers so far, and what adds one after them. */
export function bufferList() {
  const buffers: BufferShape[] = [];
  const add = (name: string, type: DataType, length: number, preloaded = false) =>
    buffers.push({ name, type, length, preloaded });
  return { buffers, add };
}

function weightType(model: ModelSpec): DataType {
  if (model.weightBits === 8) return 'i8';
  return model.weightBits === 16 ? 'f16' : 'f32';
}
