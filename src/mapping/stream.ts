/**
 * How the residual stream is dealt to the rows of a region: the same number of elements to each, one row after the
 * other. Where each block of the weights' format has rows of its own, these share out its elements alone, so that no
 * row's slice lies across the border of two blocks and keeps the scales of both.
 */
import { formatsOf, isBlocked } from '../model/formats.js';
import type { ModelSpec } from '../model/model.js';
import { gcd, type Runs } from './runs.js';

/** Rows of a region, and elements of the stream that each has room for. */
export interface RowsOfStream {
  rows: number;
  dims: number;
}

const known = new WeakMap<ModelSpec, number[]>();

/** Sides of blocks into which the stream of a model can be cut without a rest; the experts' first. */
export function streamBlocks(model: ModelSpec): number[] {
  let found = known.get(model);
  if (found !== undefined) return found;
  const { dim } = model;
  const sides = formatsOf(model).flatMap(({ format }) => (isBlocked(format) ? format.block : []));
  found = [...new Set(sides)].filter((side) => side > 1 && side < dim && dim % side === 0);
  known.set(model, found);
  return found;
}

/** Elements of a block that has rows of its own, and does not fall to them evenly; undefined if there is none. */
function ownBlock(model: ModelSpec, { rows, dims }: RowsOfStream): number | undefined {
  for (const block of streamBlocks(model))
    if (rows % (model.dim / block) === 0) return block % dims === 0 ? undefined : block;
  return undefined;
}

/** The elements of a row among those of the stream. */
export function streamRuns(model: ModelSpec, of: RowsOfStream): Runs {
  const { dims: length } = of;
  const within = ownBlock(model, of);
  if (within === undefined) return { length, of: model.dim };
  return { length, of: model.dim, step: gcd(within, length), within };
}

/** The first element of a row, and the first one after those that it may have. */
export function streamSlice(
  model: ModelSpec,
  of: RowsOfStream,
  row: number,
): { first: number; end: number } {
  const { dim } = model;
  const block = ownBlock(model, of);
  if (block === undefined) return { first: row * of.dims, end: dim };
  const rowsOfBlock = (of.rows * block) / dim;
  const start = Math.floor(row / rowsOfBlock) * block;
  return { first: start + (row % rowsOfBlock) * of.dims, end: start + block };
}
