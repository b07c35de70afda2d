/**
 * How one layer, the embedding and the head are cut over a rectangle of cores: how many elements of
 * everything a core holds. The one source of sizes, for the SRAM budget and for lowering alike.
 * Activations are split over the rows and replicated over the columns; queries, keys, values and the
 * MLP's inner width are split over the columns (machine-model section 5a). All slices are padded up.
 */
import { copiesKeys, type AttentionSpec, type GqaSpec } from '../model/attention-spec.js';
import { slotsOf, spanOf } from '../model/cache-slots.js';
import type { LayerSpec, ModelSpec } from '../model/model.js';
import type { SpecialFn } from '../hardware/wafer.js';
import type { Act } from '../model/mlp-spec.js';
import { deltaShape, type DeltaShape } from './delta.js';
import { expertsShape } from './experts.js';
import type { ExpertsShape } from './experts.js';
import { latentGroups, latentShape, type LatentShape } from './latent.js';
import { joinedOn } from './join.js';
import type { Held } from './mapping.js';

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
  /** Tokens of a user that follow each other before it is known which are accepted, if more than one. */
  inFlight?: number;
  /** In a layer that joins a hidden state to its token: elements of what both are projected to, per column. */
  joined?: number;
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
 * @param inFlight tokens of a user in a round, all but one of which may be rejected
 */
export function layerShape(
  model: Pick<ModelSpec, 'dim' | 'dtype'>,
  layer: LayerSpec,
  maxPositions: number,
  rows: number,
  columns: number,
  users = 1,
  held: Held = {},
  inFlight = 1,
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
  if (inFlight > 1) common.inFlight = inFlight;
  if (layer.joins) common.joined = joinedOn(model, columns);
  if (attention.kind === 'delta') return deltaShape(attention, common, users);
  const positions = Math.ceil(slotsOf(spanOf(attention), maxPositions, inFlight - 1) / rows);
  const cache = { positions, slots: users * positions };
  if (attention.kind === 'gqa') return gqaShape(attention, common, groups, cache);
  const { dtype } = model;
  return latentShape(attention, common, latent, groups, cache, { dtype, room: maxPositions });
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
  if (common.inFlight) shape.inFlight = common.inFlight;
  if (common.joined) shape.joined = common.joined;
  return shape;
}

/** KV groups of a layer of this shape: one or more for each KV head. */
export function kvGroupsOf({ heads }: GqaSpec, shape: GqaShape): number {
  return (shape.headsPerColumn * heads) / shape.queryHeads;
}

/** Shape of the embedding, the head, or both in one region (tied): a table split over both axes. */
export interface TableShape {
  rows: number;
  columns: number;
  /** Elements of the residual stream per row. */
  dims: number;
  /** Vocabulary entries per column. */
  entries: number;
  /** As of a layer. */
  inFlight?: number;
}

export function tableShape(
  model: ModelSpec,
  rows: number,
  columns: number,
  inFlight = 1,
): TableShape {
  return {
    ...(inFlight > 1 && { inFlight }),
    rows,
    columns,
    dims: Math.ceil(model.dim / rows),
    entries: Math.ceil(model.vocab / columns),
  };
}
