/** Which elements the cores of a layer of latent attention have, and where their parts begin. */
import type { LatentSpec } from '../model/attention-spec.js';
import type { LatentWeights, Matrix } from '../model/model-weights.js';
import type { RotaryPair } from '../model/rope.js';
import { WINDOWS, type Window } from '../mapping/latent-buffers.js';
import type { LatentShape } from '../mapping/latent.js';
import type { LayerMatrices } from '../mapping/matrices.js';
import type { LayerCache } from './lowering.js';
import { consecutive, type Image } from './stored.js';

/** A core whose memory is being filled. */
export interface Filled extends Image {
  shape: LatentShape;
  matrices: LayerMatrices;
  row: number;
  column: number;
}

export interface Source {
  spec: LatentSpec;
  weights: LatentWeights;
  cache: LayerCache;
  /** Of the whole run. */
  positions: number;
}

/** Elements that turn, of the columns of a group one after the other; -1 where padded. */
export function turningOf(
  s: Pick<LatentShape, 'groupWidth' | 'pairs'>,
  rotary: readonly RotaryPair[],
): number[] {
  const columns = Array.from({ length: s.groupWidth }, (_, i) => i * s.pairs);
  return columns.flatMap((first) => {
    const pairs = Array.from({ length: s.pairs }, (_, i) => rotary.at(first + i));
    return [...pairs.map((pair) => pair?.first ?? -1), ...pairs.map((pair) => pair?.second ?? -1)];
  });
}

/** A stretch of an order; -1 beyond its end. */
export function part(order: readonly number[], first: number, length: number): number[] {
  return Array.from({ length }, (_, i) => order[first + i] ?? -1);
}

/** A stretch of what columns have one after the other, as many numbers each; -1 beyond the last of them. */
export function acrossColumns(
  of: (column: number) => number[],
  columns: number,
  first: number,
  length: number,
): number[] {
  const each = of(0).length;
  const from = Math.floor(first / each);
  const to = Math.min(columns, Math.ceil((first + length) / each));
  const own = Array.from({ length: Math.max(0, to - from) }, (_, i) => of(from + i));
  return part(own.flat(), first - from * each, length);
}

/** The column's elements of both latent vectors. */
export function latentsAt(
  { qRank = 0, kvRank }: LatentSpec,
  { shape: s, column }: Pick<Filled, 'shape' | 'column'>,
) {
  const at = s.form === 'expanded' ? column : column % s.groupWidth;
  return {
    at,
    queries: consecutive(at * s.queryLatents, s.queryLatents, qRank),
    keys: consecutive(at * s.keyLatents, s.keyLatents, kvRank),
  };
}

export const outputsOf = (of: Matrix, rows: readonly number[]) =>
  rows.map((output) => ({ of, output }));

/** Where a column's part of what a row has begins, in a stretch of what the row has between zeros. */
export function windowOf(
  wanted: { first: number; length: number },
  has: { first: number; length: number },
) {
  const first = wanted.length + wanted.first - has.first;
  return Math.min(Math.max(first, 0), wanted.length + has.length);
}

export function setWindow({ image, at, shape }: Filled, name: Window, first: number, i = 0): void {
  image[at.windows + WINDOWS.indexOf(name) * Math.max(1, shape.headsPerRow) + i] = first;
}
