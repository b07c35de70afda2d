/**
 * How WaferLLM cuts one layer over P x P cores (machine-model section 5), or over a rectangle: the residual
 * stream over the rows; queries, keys, values and the MLP's inner width over the columns; cache positions over
 * the rows. Every slice is padded up, K and V have full width, nothing is saved by grouped queries.
 *
 * Attention elements lie pair by pair: a column's slice holds the first halves of its RoPE pairs
 * and then their partners. Exact lowering deals out whole pairs, so that a slice has even length.
 */
import type { FloatType } from '../numeric/types.js';
import { denseOf, gqaOf, type ModelSpec } from '../model/model.js';
import type { BufferShape } from './mapping.js';
import { bufferList } from './buffers.js';

/**
 * Exponentials: crude scalar code as published, (1 + x/256)^4; a range reduction and a polynomial by vector
 * operations; scalar code in full.
 */
export const EXP_FORMS = ['crude', 'vector', 'full'] as const;
export type ExpForm = (typeof EXP_FORMS)[number];

/** Cores along x. */
export function widthOf({ P, width }: Pick<WaferllmOptions, 'P' | 'width'>): number {
  return width ?? P;
}

export interface WaferllmOptions extends Pick<ModelSpec, 'dim' | 'normEpsilon' | 'dtype'> {
  heads: number;
  headDim: number;
  /** Inner width of the MLP. */
  ffn: number;
  /** Tokens in the cache before this one. Exact lowering appends the new one. */
  context: number;
  /** Positions for which the cache has room; `context` if not given (exact: one more). */
  maxPositions?: number;
  /** Users whose caches the cores hold; 1 if not given. */
  users?: number | undefined;
  /** Cores along each side, or along y if `width` is given. */
  P: number;
  /** Cores along x of a rectangle. */
  width?: number;
  /** Groups of the two-level trees, or of those along y if `rowGroups` is given. */
  groups: number;
  /** Groups of the trees along x. */
  rowGroups?: number;
  /** RMSNorm of each query and key head before RoPE. */
  qkNorm?: boolean;
  /** How the softmax's exp is done; if not given, in full where exact and crude as published otherwise. */
  exp?: ExpForm;
  /** Multi-head attention, exp and SiLU in full; otherwise timed as the published kernel. */
  exact: boolean;
}

/** Pairs of one head that a column holds: `count` of them from its pair `first` on. */
export interface HeadPart {
  head: number;
  first: number;
  count: number;
}

export interface WaferllmShape {
  /** Residual elements per row, attention elements per column, inner MLP elements per column. */
  dims: number;
  attention: number;
  inner: number;
  /** RoPE pairs per column. */
  pairs: number;
  /** Cache positions for which a row has room. */
  slots: number;
  /** Rows of scores: one per head if exact, as published one over all. */
  scoreRows: number;
  /** Type of single values (sums, maxima): f32 if exact. */
  scalarType: FloatType;
}

export function waferllmShape(o: WaferllmOptions): WaferllmShape {
  const width = o.heads * o.headDim;
  const columns = widthOf(o);
  const pairs = o.exact
    ? Math.ceil(width / 2 / columns)
    : Math.floor(Math.ceil(width / columns) / 2);
  const room = o.maxPositions ?? o.context + (o.exact ? 1 : 0);
  return {
    dims: Math.ceil(o.dim / o.P),
    attention: o.exact ? 2 * pairs : Math.ceil(width / columns),
    inner: Math.ceil(o.ffn / columns),
    pairs,
    slots: (o.users ?? 1) * Math.ceil(room / o.P),
    scoreRows: o.exact ? o.heads : 1,
    scalarType: o.exact ? 'f32' : o.dtype,
  };
}

/** Heads of which column x holds pairs; pairs are dealt out in order, head after head. */
export function headParts(o: WaferllmOptions, shape: WaferllmShape, x: number): HeadPart[] {
  const perHead = o.headDim / 2;
  const end = Math.min((x + 1) * shape.pairs, o.heads * perHead);
  const parts: HeadPart[] = [];
  for (let pair = x * shape.pairs; pair < end;) {
    const head = Math.floor(pair / perHead);
    const count = Math.min(end, (head + 1) * perHead) - pair;
    parts.push({ head, first: pair - x * shape.pairs, count });
    pair += count;
  }
  return parts;
}

/**
 * Cache positions that every row goes through: its padded share. Exact: the new token's included,
 * and rows whose last slot is empty mask it, so that all rows take the same time and stay in step;
 * with five colours for both axes a row that ran ahead would send into the phase before.
 */
export function positionsPerRow(o: WaferllmOptions): number {
  return Math.ceil((o.context + (o.exact ? 1 : 0)) / o.P);
}

/** Row y's last slot: it keeps the new position (row `context` mod P), has an old one, or none. */
export function newPositionIn(o: WaferllmOptions, y: number): 'kept' | 'full' | 'empty' {
  const owner = o.context % o.P;
  if (y === owner) return 'kept';
  return y < owner ? 'full' : 'empty';
}

/** Buffers of every core, one after the other. */
export function waferllmBuffers(o: WaferllmOptions): BufferShape[] {
  const s = waferllmShape(o);
  const { buffers, add } = bufferList();
  for (const [name, length] of [
    ['x', s.dims],
    ['attentionNorm', s.dims],
    ['mlpNorm', s.dims],
    ['wQ', s.dims * s.attention],
    ['wK', s.dims * s.attention],
    ['wV', s.dims * s.attention],
    ['wO', s.attention * s.dims],
    ['wGate', s.dims * s.inner],
    ['wUp', s.dims * s.inner],
    ['wDown', s.inner * s.dims],
    ['keys', s.attention * s.slots],
    ['values', s.slots * s.attention],
    ['cos', s.pairs],
    ['sin', s.pairs],
    ...(o.qkNorm
      ? ([
          ['qNorm', s.attention],
          ['kNorm', s.attention],
        ] as const)
      : []),
  ] as const)
    add(name, o.dtype, length, true);
  add('normed', o.dtype, s.dims);
  add('qkv', o.dtype, 3 * s.attention);
  add('turned', o.dtype, 4 * s.pairs);
  add('scores', o.dtype, s.scoreRows * s.slots);
  add('scalar', s.scalarType, 1);
  if (o.qkNorm) add('headScale', s.scalarType, 2 * s.scoreRows);
  add('peak', s.scalarType, s.scoreRows);
  add('total', s.scalarType, s.scoreRows);
  add('attended', o.dtype, s.attention);
  add('projected', o.dtype, s.dims);
  add('gateUp', o.dtype, 2 * s.inner);
  return buffers;
}

/** The options for one layer of a model (see `refuse` for what the published kernel lacks). */
export function waferllmOptions(
  model: ModelSpec,
  rest: Omit<
    WaferllmOptions,
    'dim' | 'normEpsilon' | 'dtype' | 'heads' | 'headDim' | 'ffn' | 'qkNorm'
  >,
): WaferllmOptions {
  const { dim, normEpsilon, dtype } = model;
  const { heads, headDim, qkNorm } = gqaOf(model.kinds[0]);
  const { inner: ffn } = denseOf(model.kinds[0]);
  const sizes = { dim, ffn, heads, headDim, normEpsilon, dtype };
  return { ...sizes, ...(qkNorm === 'head' && { qkNorm: true }), ...rest };
}
