/** The slices of the matrices of latent attention that a core keeps; see latent.ts. */
import type { LatentSpec } from '../model/attention-spec.js';
import { indexerMatrices, type IndexerMatrices } from './indexer.js';
import { downDims, queriesBy, type LatentShape } from './latent.js';
import { gcd, single, type Runs } from './runs.js';
import type { MatrixSlice, Projected, slicesIn } from './matrices.js';

export interface LatentMatrices {
  /** Queries: of a row by their latent vector, or without one of a column by the stream. */
  queries: MatrixSlice;
  /** Expanded form: keys and values of a row. */
  keyValues?: MatrixSlice;
  /** Latent form, for each head of a row: from its query to what is compared with latent vectors; its values. */
  absorb: readonly MatrixSlice[];
  values: readonly MatrixSlice[];
  indexer?: IndexerMatrices;
}

/** What makes slices: of matrices as they are, and with their inputs in place of their outputs. */
interface Slicers {
  sliceOf: ReturnType<typeof slicesIn>;
  transposed: ReturnType<typeof slicesIn>;
  stream: Runs;
}

/** What a column projects from the stream: of both latent vectors, and of the rotary key; and its heads' values. */
export function latentRuns(
  { heads, qRank = 0, kvRank, rope, value }: LatentSpec,
  s: LatentShape,
): Projected {
  const { queryHeads, values } = s;
  return {
    projected: downDims(s),
    attended: queryHeads * values,
    all: [
      ...(s.queryLatents > 0 ? [{ length: s.queryLatents, of: qRank }] : []),
      { length: s.keyLatents, of: kvRank },
      single(rope.dim, s.rotary),
    ],
    own: { length: values, step: gcd(values, value), of: heads * value, runs: queryHeads },
  };
}

export function latentMatrices(a: LatentSpec, s: LatentShape, by: Slicers): LatentMatrices {
  const indexer = indexerMatrices(a, s, by.sliceOf, by.stream);
  return {
    ...(indexer && { indexer }),
    queries: queriesOf(a, s, by),
    ...(s.form === 'expanded' ? expanded(a, s, by) : folded(a, s, by)),
  };
}

function queriesOf(
  { heads, qRank, nope, rope }: LatentSpec,
  s: LatentShape,
  { sliceOf, stream }: Slicers,
): MatrixSlice {
  const outputs = queriesBy(s);
  const runs = single(heads * (nope + rope.dim), outputs);
  const slice = { name: 'wQueries', outputs, parts: [outputs] };
  if (qRank === undefined) return sliceOf({ ...slice, inputs: s.dims }, stream, runs);
  const latents = { length: s.queryLatents, of: qRank };
  return sliceOf({ ...slice, inputs: s.queryLatents }, latents, runs);
}

function expanded(a: LatentSpec, s: LatentShape, { sliceOf }: Slicers) {
  const { keyLatents: inputs, rowKeys: outputs } = s;
  const slice = { name: 'wKeyValues', inputs, outputs, parts: [outputs] };
  const runs = single(a.heads * (a.nope + a.value), outputs);
  const keyValues = sliceOf(slice, { length: inputs, of: a.kvRank }, runs);
  return { keyValues, absorb: [], values: [] };
}

/** A head's key matrix multiplies its query from the other side. */
function folded(a: LatentSpec, s: LatentShape, { sliceOf, transposed }: Slicers) {
  const of = a.heads * (a.nope + a.value);
  const { keyLatents, rowQueries, rowValues } = s;
  const latents = { length: keyLatents, of: a.kvRank };
  const absorb = { inputs: rowQueries, outputs: keyLatents, parts: [keyLatents] };
  const values = { inputs: keyLatents, outputs: rowValues, parts: [rowValues] };
  const each = Array.from({ length: s.headsPerRow }, (_, i) => i);
  return {
    absorb: each.map((i) =>
      transposed({ name: `wAbsorb${i}`, ...absorb }, single(of, rowQueries), latents),
    ),
    values: each.map((i) =>
      sliceOf({ name: `wValues${i}`, ...values }, latents, single(of, rowValues)),
    ),
  };
}
