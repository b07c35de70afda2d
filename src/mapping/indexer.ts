/**
 * How the indexer of sparse attention is cut over the cores of a layer (docs/machine-model.md, section 5e): on the
 * columns with heads, some of its heads for each of their groups. Every group has its one key of each position,
 * whose elements are on the group's columns; positions are on rows, as those of the attention's own cache.
 */
import type { LatentSpec } from '../model/attention-spec.js';
import type { ModelSpec } from '../model/model.js';
import type { LatentShape } from './latent.js';
import type { On, Reduction } from './mapping.js';
import type { MatrixSlice, slicesIn } from './matrices.js';
import { single, type Runs } from './runs.js';
import { addSelection, selectionReductions } from './selection.js';
import type { AddBuffer } from './buffers.js';

export interface IndexerShape {
  /** Heads of a group. */
  heads: number;
  /** Elements of a head's query, and of the key, on a column: those that turn, and with them all. */
  turning: number;
  elements: number;
  /** Elements of a row of all queries that a line over a row makes. */
  rowQueries: number;
}

export interface IndexerMatrices {
  /** From the queries' latent vector, on a row. */
  queries: MatrixSlice;
  /** From the stream, on a column: the key, and what the scores of the group's heads are multiplied by. */
  keys: MatrixSlice;
}

/** Of a layer that has an indexer of its own. */
export function indexerShape(
  { indexer, rope }: LatentSpec,
  s: Pick<LatentShape, 'form' | 'rows' | 'groupWidth' | 'attentionColumns' | 'turning'>,
): IndexerShape | undefined {
  if (!indexer?.own) return undefined;
  const { groupWidth, attentionColumns, turning } = s;
  const heads = Math.ceil((indexer.heads * groupWidth) / attentionColumns);
  const elements = turning + Math.ceil((indexer.dim - rope.dim) / groupWidth);
  const columns = s.form === 'expanded' ? attentionColumns : groupWidth;
  return { heads, turning, elements, rowQueries: Math.ceil((columns * heads * elements) / s.rows) };
}

export function indexerMatrices(
  { indexer, qRank = 0 }: LatentSpec,
  { dims, queryLatents, indexer: shape }: LatentShape,
  sliceOf: ReturnType<typeof slicesIn>,
  stream: Runs,
): IndexerMatrices | undefined {
  if (indexer === undefined || shape === undefined) return undefined;
  const { rowQueries, elements, heads } = shape;
  const latents = { length: queryLatents, of: qRank };
  const queries = { name: 'wIndexQueries', inputs: queryLatents, outputs: rowQueries };
  const keys = { name: 'wIndexKeys', inputs: dims, outputs: elements + heads };
  return {
    queries: sliceOf(
      { ...queries, parts: [rowQueries] },
      latents,
      single(indexer.heads * indexer.dim, rowQueries),
    ),
    keys: sliceOf({ ...keys, parts: 'mixed' }, stream, [
      single(indexer.dim, elements),
      single(indexer.heads, heads),
    ]),
  };
}

/** What a core keeps in addition to its matrices; queries and what is projected are added up as one. */
export function addIndexer(
  add: AddBuffer,
  { dtype: value }: ModelSpec,
  { slots, positions, indexer, selection }: LatentShape,
  column: { hasHeads: boolean; hasLatents: boolean },
): void {
  const { heads, elements, rowQueries } = indexer!;
  add('indexTotals', value, slots);
  if (selection) addSelection(add, positions, selection);
  if (column.hasLatents) add('indexRow', value, rowQueries);
  if (!column.hasHeads) return;
  add('indexNorm', value, elements, true);
  add('indexNormBias', value, elements, true);
  // Mean and variance of the key, and the mean's square.
  add('indexMoments', 'f32', 3);
  add('indexKeys', value, elements * slots, true);
  add('indexStretch', value, rowQueries + 2 * heads * elements, true);
  add('indexQueries', value, heads * elements);
  add('indexProjected', value, elements + heads);
  add('indexScores', value, heads * slots);
}

/** What it adds up, in the order of the program. */
export function indexerReductions(s: LatentShape, on: On): Reduction[] {
  const { form, positions, indexer, selection } = s;
  if (indexer === undefined) return [];
  const { heads, elements, rowQueries } = indexer;
  return [
    on(form === 'expanded' ? 'row' : 'head', rowQueries),
    on('column', heads * elements + elements + heads),
    on('head', 2, 'f32'),
    on('head', heads * positions),
    on('row', positions),
    ...selectionReductions(selection, on),
  ];
}
