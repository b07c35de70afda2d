/** What the cores of a layer of latent attention keep, and what they add up; see latent.ts. */
import type { LatentSpec } from '../model/attention-spec.js';
import type { ModelSpec } from '../model/model.js';
import type { FloatType } from '../numeric/types.js';
import { addAngles, addSoftmax } from './heads.js';
import { addIndexer, indexerReductions } from './indexer.js';
import { downDims, ownKeys, queriesBy, queryDims, type LatentShape } from './latent.js';
import type { On, Reduction } from './mapping.js';
import { matrixBuffers, type LayerMatrices, type MatrixSlice } from './matrices.js';
import type { AddBuffer, BufferList } from './buffers.js';

/** The numbers of the cells from which a core takes its part of a stretch. */
export const WINDOWS = [
  ...(['rotaryRow', 'queries', 'keys', 'rotary', 'values', 'ownQueries', 'indexer'] as const),
];
export type Window = (typeof WINDOWS)[number];

/** The slices that a core keeps, whose column has heads or not. */
export function latentSlices(
  { qRank }: LatentSpec,
  { form }: LatentShape,
  { qkv, o, latent }: LayerMatrices,
  hasHeads: boolean,
): MatrixSlice[] {
  if (form === 'latent' && !hasHeads) return [];
  const { queries, keyValues, absorb, values, indexer } = latent!;
  const slices = [qkv, ...(keyValues ? [keyValues] : []), ...absorb, ...values];
  if (hasHeads || qRank !== undefined) slices.push(queries);
  if (hasHeads) slices.push(o);
  if (indexer) slices.push(indexer.queries, ...(hasHeads ? [indexer.keys] : []));
  return slices;
}

/**
 * Buffers of a core. In the expanded form all columns hold elements of the latent vectors, in the latent form those
 * of groups. What a column projects of its queries lies right after `latents`, as their sums are one.
 */
export function addLatent(
  { buffers, add }: BufferList,
  model: ModelSpec,
  a: LatentSpec,
  s: LatentShape,
  matrices: LayerMatrices,
  hasHeads: boolean,
): void {
  const isExpanded = s.form === 'expanded';
  const hasLatents = isExpanded || hasHeads;
  if (s.indexer) addIndexer(add, model, s, { hasHeads, hasLatents });
  for (const slice of latentSlices(a, s, matrices, hasHeads))
    buffers.push(...matrixBuffers(model, slice));
  if (!hasLatents) return;
  const value = model.dtype;
  const onColumn = a.qRank === undefined;
  if (a.bias) add('latentBias', value, downDims(s), true);
  add('latentNorm', value, s.queryLatents + s.keyLatents, true);
  add('latentSquares', 'f32', 2);
  add('windows', 'f32', WINDOWS.length * Math.max(1, s.headsPerRow), true);
  if (isExpanded) {
    add('rotaryStretch', value, s.rotary + 2 * s.rowRotary, true);
    add('upRow', value, s.rowQueries + s.rowKeys + s.rowRotary);
  }
  add('latents', value, downDims(s));
  if (!hasHeads) return;
  if (!isExpanded && onColumn) add('ownQueries', value, queriesBy(s));
  add('queries', value, queryDims(s) + ownKeys(s));
  if (isExpanded) addExpanded(add, value, s);
  else addFolded(add, value, s, onColumn);
  if (a.bias) add('oBias', value, s.dims, true);
  add('keys', value, s.headsPerColumn * s.keyElements * s.slots, true);
  if (isExpanded) add('values', value, s.headsPerColumn * s.values * s.slots, true);
  addAngles(add, value, { pairs: s.pairs, heads: s.queryHeads, inFlight: s.inFlight });
  addSoftmax(add, value, s);
  add('attended', value, s.queryHeads * s.attended);
}

/** Stretches: what a row has, with as many zeros on both sides as a column takes. */
function addExpanded(add: AddBuffer, value: FloatType, s: LatentShape): void {
  if (s.rowQueries > 0) add('queryStretch', value, s.rowQueries + 2 * queryDims(s), true);
  add('keyStretch', value, s.rowKeys + 2 * (ownKeys(s) - s.turning), true);
  add('keyRotaryStretch', value, s.rowRotary + 2 * s.turning, true);
}

function addFolded(add: AddBuffer, value: FloatType, s: LatentShape, onColumn: boolean): void {
  const { headsPerRow } = s;
  // The heads of the column's that the row has a part of.
  add('rowHeads', 'f32', headsPerRow, true);
  add('queryRow', value, headsPerRow * (s.rowQueries + s.rowRotary));
  add('rotaryStretch', value, s.rowRotary + 2 * s.turning, true);
  if (onColumn) {
    add('ownStretch', value, s.ownStill + 2 * s.rowQueries, true);
    add('ownRotaryStretch', value, s.turning + 2 * s.rowRotary, true);
  }
  add('absorbed', value, headsPerRow * s.still);
  add('headLatents', value, s.still);
  add('valueRow', value, headsPerRow * s.rowValues);
  add('valueStretch', value, s.rowValues + 2 * s.values, true);
  add('attendedValues', value, s.queryHeads * s.values);
}

/** What is added up from the latent vectors to what the output projection multiplies, in the order of the program. */
export function latentReductions(s: LatentShape, on: On): Reduction[] {
  const { queryHeads } = s;
  const isExpanded = s.form === 'expanded';
  const projected = s.queryLatents > 0 ? 0 : queriesBy(s);
  const norm = on(isExpanded ? 'row' : 'head', 2, 'f32');
  const attention = [
    on('head', queryHeads * s.positions),
    on('column', queryHeads, 'f32'),
    on('column', queryHeads, 'f32'),
    on('column', queryHeads * s.attended),
  ];
  const down = on('column', downDims(s) + projected);
  if (isExpanded)
    return [
      ...[down, norm],
      on('row', s.rowQueries + s.rowKeys + s.rowRotary),
      on('column', queryDims(s) + ownKeys(s) - projected),
      ...indexerReductions(s, on),
      ...attention,
    ];
  return [
    ...[down, norm],
    on('head', s.headsPerRow * (s.rowQueries + s.rowRotary)),
    on('column', queryDims(s)),
    ...indexerReductions(s, on),
    ...attention,
    on('head', s.headsPerRow * s.rowValues),
    on('column', queryHeads * s.values),
  ];
}
