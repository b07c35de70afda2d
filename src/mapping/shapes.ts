/**
 * How one layer, the embedding and the head are cut over a rectangle of cores: how many elements of
 * everything a core holds. The one source of sizes, for the SRAM budget and for lowering alike.
 * Activations are split over the rows and replicated over the columns; queries, keys, values and the
 * MLP's inner width are split over the columns (machine-model section 5a). All slices are padded up.
 */
import type { DataType } from '../numeric/types.js';
import type { GqaSpec } from '../model/attention-spec.js';
import { slotsOf } from '../model/cache-slots.js';
import { denseOf, gqaOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import type { SpecialFn } from '../hardware/wafer.js';
import type { Act } from '../model/mlp-spec.js';
import type { BufferShape, TableKind } from './mapping.js';

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
  /** Columns that share one KV head (1 if a column holds several heads). */
  groupWidth: number;
  /** KV heads that a column holds (1 unless there are fewer columns than heads). */
  headsPerColumn: number;
  /** Columns that take part in attention; the rest are idle in it. */
  attentionColumns: number;
  /** RoPE pairs per column and head. */
  pairs: number;
  /** Query heads of a column: headsPerColumn * heads / kvHeads. */
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

/** Shape of a decoder layer with room for `maxPositions` tokens of each user in its cache. */
export function layerShape(
  model: Pick<ModelSpec, 'dim'>,
  layer: LayerSpec,
  maxPositions: number,
  rows: number,
  columns: number,
  users = 1,
): LayerShape {
  const { heads, kvHeads, headDim, span } = gqaOf(layer);
  const headsPerColumn = Math.ceil(kvHeads / columns);
  const groups = Math.ceil(kvHeads / headsPerColumn);
  const groupWidth = headsPerColumn > 1 ? 1 : Math.floor(columns / kvHeads);
  const pairs = Math.ceil(headDim / 2 / groupWidth);
  const queryHeads = (headsPerColumn * heads) / kvHeads;
  const positions = Math.ceil(slotsOf(span, maxPositions) / rows);
  return {
    rows,
    columns,
    dims: Math.ceil(model.dim / rows),
    groupWidth,
    headsPerColumn,
    attentionColumns: groups * groupWidth,
    pairs,
    queryHeads,
    keyDims: headsPerColumn * 2 * pairs,
    queryDims: queryHeads * 2 * pairs,
    positions,
    slots: users * positions,
    inner: Math.ceil(denseOf(layer).inner / columns),
  };
}

/** Is each query and key head normalised by itself, before RoPE or after it? */
export function normsHeads({ qkNorm }: GqaSpec): boolean {
  return qkNorm === 'head' || qkNorm === 'head-after-rope';
}

/** Buffers of a layer's core, in the order in which they lie in memory; idle columns keep no attention. */
export function layerBuffers(
  model: ModelSpec,
  layer: LayerSpec,
  s: LayerShape,
  attention: boolean,
): BufferShape[] {
  const value = model.dtype;
  const weight = weightType(model);
  const heads = s.queryHeads + s.headsPerColumn;
  const { qkNorm, bias, outBias, rope, sinks } = gqaOf(layer);
  const normed = normsHeads(gqaOf(layer));
  const { norms } = layer;
  const { buffers, add } = bufferList();
  // First, so that it lies alike in all columns: the next region's hand-off reads it.
  add('x', value, s.dims);
  if (norms !== 'post') {
    add('attentionNorm', value, s.dims, true);
    add('mlpNorm', value, s.dims, true);
  }
  if (norms !== 'pre') {
    add('attentionOutNorm', value, s.dims, true);
    add('mlpOutNorm', value, s.dims, true);
  }
  if (attention) {
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
    if (normed) add('headScale', 'f32', heads);
    // In 16 bits what 32-bit numbers of each head are combined with vectors by.
    if (value === 'f16') add('perHead', value, normed ? heads : s.queryHeads);
    // As long as the cache: one user may have all of it (serving).
    add('scores', value, s.queryHeads * s.slots);
    add('rowPeak', value, s.queryHeads);
    // With their signs changed: what is added to scores is minus the largest of them.
    add('minusPeak', 'f32', s.queryHeads);
    if (sinks) add('minusSink', value, s.queryHeads, true);
    add('total', 'f32', s.queryHeads);
    add('attended', value, s.queryDims);
  }
  add('wGateUp', weight, s.dims * 2 * s.inner, true);
  add('wDown', weight, s.inner * s.dims, true);
  // 8-bit matrices: what gate, up and down are multiplied by.
  if (model.weightBits === 8) add('mlpScale', value, 3, true);
  if (denseOf(layer).bias) {
    add('gateUpBias', value, 2 * s.inner, true);
    add('downBias', value, s.dims, true);
  }
  if (norms !== 'post') add('normed', value, s.dims);
  add('attentionOut', value, s.dims);
  add('mlpOut', value, s.dims);
  add('square', 'f32', norms === 'sandwich' ? 4 : 2);
  // Of the queries and of the keys, added up over the whole row.
  if (qkNorm === 'whole') add('headScale', 'f32', 2);
  add('gateUp', value, 2 * s.inner);
  add('activated', value, s.inner);
  return buffers;
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
