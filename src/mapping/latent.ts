/**
 * How multi-head latent attention is cut over the cores of a layer (docs/machine-model.md, section 5e), in two
 * forms. Expanded: the cache has keys and values of every head, whose columns are its group. Latent: it has the
 * latent vectors and the rotary keys; a group of columns serves several heads, and each group has a copy.
 *
 * Products alternate between rows and columns. What lies on rows and is wanted on columns is added up along y, each
 * row with its own part and zeros in place of the others'. A core finds its part in a stretch of cells with zeros
 * on both sides, from a cell whose number is data, so that cores have the same code.
 */
import type { LatentSpec } from '../model/attention-spec.js';
import type { FloatType } from '../numeric/types.js';
import { indexerShape, type IndexerShape } from './indexer.js';
import type { Held, LatentForm } from './mapping.js';
import { selectionShape, type SelectionShape } from './selection.js';
import type { CommonShape } from './shapes.js';

export interface LatentShape extends CommonShape {
  kind: 'latent';
  form: LatentForm;
  /** Query heads of a column. */
  queryHeads: number;
  /** Of a column: elements of the queries' latent vector (0 without one), of the keys', and of the rotary key. */
  queryLatents: number;
  keyLatents: number;
  rotary: number;
  /** RoPE pairs of a head on a column. */
  pairs: number;
  /** Elements on a column of what is compared: those that turn, two of each pair, and those that do not. */
  turning: number;
  still: number;
  /** Elements of a head's values on a column. */
  values: number;
  /** Elements of a head on a column that are cached, and that the shares of the softmax multiply. */
  keyElements: number;
  attended: number;
  /** Latent form: heads of a row, or rows that share a head. */
  headsPerRow: number;
  rowsPerHead: number;
  /**
   * Elements of a row between two products. Expanded form: queries, keys with values, and the rotary key, of all
   * heads. Latent form: of each head of the row its query, that which turns, and its values.
   */
  rowQueries: number;
  rowKeys: number;
  rowRotary: number;
  rowValues: number;
  /** Elements of a head's query that a column projects, but for those that turn, without a latent vector of queries. */
  ownStill: number;
  /** Of a layer that has an indexer of its own. */
  indexer?: IndexerShape;
  /** Of a run in which not all positions are attended to. */
  selection?: SelectionShape;
  /** Cache slots: as of grouped queries. */
  positions: number;
  slots: number;
}

/** Groups of columns: one for each head, or one for each copy of the latent cache. */
export function latentGroups({ heads }: LatentSpec, { latent, kvReplicas = 1 }: Held): number {
  return latent === 'latent' ? kvReplicas : heads;
}

export function latentShape(
  spec: LatentSpec,
  common: CommonShape,
  form: LatentForm,
  groups: number,
  cache: Pick<LatentShape, 'positions' | 'slots'>,
  { dtype, room }: { dtype: FloatType; room: number },
): LatentShape {
  const { heads, kvRank, qRank = 0, nope, rope, value } = spec;
  const { rows, columns, groupWidth, attentionColumns, headsPerColumn: perColumn } = common;
  const isLatent = form === 'latent';
  const queryHeads = (perColumn * heads) / groups;
  const headsPerColumn = isLatent ? 1 : perColumn;
  const pairs = Math.ceil(rope.dim / 2 / groupWidth);
  const turning = 2 * pairs;
  const inGroup = (length: number) => Math.ceil(length / groupWidth);
  const still = inGroup(isLatent ? kvRank : nope);
  const values = inGroup(value);
  const columnsOfDown = isLatent ? groupWidth : columns;
  const rowsPerHead = isLatent ? Math.max(1, Math.floor(rows / queryHeads)) : 1;
  const ofRow = (length: number) => Math.ceil(length / (isLatent ? rowsPerHead : rows));
  // Field by field, as in shapes.ts: sizes are chosen among tens of thousands of these.
  const shape: LatentShape = {
    kind: 'latent',
    form,
    rows,
    columns,
    dims: common.dims,
    groupWidth,
    headsPerColumn,
    attentionColumns,
    inner: common.inner,
    queryHeads,
    queryLatents: Math.ceil(qRank / columnsOfDown),
    keyLatents: Math.ceil(kvRank / columnsOfDown),
    rotary: Math.ceil((groupWidth * turning) / columnsOfDown),
    pairs,
    turning,
    still,
    values,
    keyElements: turning + still,
    attended: isLatent ? still : values,
    headsPerRow: isLatent ? Math.ceil(queryHeads / rows) : 0,
    rowsPerHead,
    rowQueries: isLatent
      ? ofRow(nope)
      : qRank === 0
        ? 0
        : ofRow(attentionColumns * queryHeads * (turning + still)),
    rowKeys: isLatent ? 0 : ofRow(attentionColumns * headsPerColumn * (still + values)),
    rowRotary: ofRow(groupWidth * turning),
    rowValues: isLatent ? ofRow(value) : 0,
    ownStill: qRank > 0 ? 0 : inGroup(nope),
    positions: cache.positions,
    slots: cache.slots,
  };
  if (common.experts) shape.experts = common.experts;
  if (common.inFlight) shape.inFlight = common.inFlight;
  if (common.joined) shape.joined = common.joined;
  const indexer = indexerShape(spec, shape);
  if (indexer) shape.indexer = indexer;
  const selection = selectionShape(spec, dtype, room, columns);
  if (selection) shape.selection = selection;
  return shape;
}

/** Elements of a column's queries, as they are compared with keys. */
export function queryDims({ queryHeads, keyElements }: LatentShape): number {
  return queryHeads * keyElements;
}

/** Elements of queries that a core's product makes: of its row, or without a latent vector of its column. */
export function queriesBy(s: LatentShape): number {
  const isExpanded = s.form === 'expanded';
  if (s.queryLatents > 0)
    return isExpanded ? s.rowQueries : s.headsPerRow * (s.rowQueries + s.rowRotary);
  return isExpanded ? queryDims(s) : s.queryHeads * (s.turning + s.ownStill);
}

/** Elements of both latent vectors and of the rotary key that a column projects. */
export function downDims(s: LatentShape): number {
  return s.queryLatents + s.keyLatents + s.rotary;
}

/** Expanded form: keys without position, values and the rotary key of a column, which lie after its queries. */
export function ownKeys(s: LatentShape): number {
  return s.form === 'latent' ? 0 : s.headsPerColumn * (s.still + s.values) + s.turning;
}
