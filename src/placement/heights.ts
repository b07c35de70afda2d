/** The heights of regions that are tried: all regions of a model have the same. */
import type { WaferSpec } from '../hardware/wafer.js';
import { formatsOf, isBlocked } from '../model/formats.js';
import { streamBlocks } from '../mapping/stream.js';
import type { ModelSpec } from '../model/model.js';

/** Every height that a region can have, from one row to the whole wafer. */
export function everyHeight({ height }: Pick<WaferSpec, 'height'>): number[] {
  return upTo(height);
}

/**
 * The tallest height for each number of shelves: lower ones only leave rows of the wafer unused. And those whose
 * rows cut the blocks of weights, so that no row's slice lies across the border of two and keeps the scales of
 * both; the tallest first.
 */
export function triedHeights(model: ModelSpec, { height }: Pick<WaferSpec, 'height'>): number[] {
  const tallest = everyHeight({ height }).map((shelves) => Math.floor(height / shelves));
  const whole = [...evenRows(model), ...ownRows(model)].filter((rows) => rows <= height);
  return [...new Set([...tallest, ...whole])].sort((a, b) => b - a);
}

/** Rows each of which has as many inputs as divide a block, or whole blocks of them. */
function evenRows(model: ModelSpec): number[] {
  const { dim } = model;
  const blocks = formatsOf(model).flatMap(({ format }) => (isBlocked(format) ? format.block : []));
  return [...new Set(blocks)]
    .filter((block) => block > 1 && block < dim)
    .flatMap((block) => {
      const divisors = upTo(block).filter((dims) => block % dims === 0);
      return [...divisors, ...upTo(Math.floor(dim / block)).map((blocks) => blocks * block)];
    })
    .map((dims) => ({ dims, rows: Math.ceil(dim / dims) }))
    .filter(({ dims, rows }) => Math.ceil(dim / rows) === dims)
    .map(({ rows }) => rows);
}

/**
 * Rows of which each block has some of its own, which share out its inputs unevenly (mapping/stream.ts); of those
 * that have as many inputs at most, the fewest.
 */
function ownRows(model: ModelSpec): number[] {
  return streamBlocks(model).flatMap((block) =>
    upTo(block)
      .filter((dims) => block % dims > 0)
      .map((dims) => ({ dims, each: Math.ceil(block / dims) }))
      .filter(({ dims, each }) => Math.ceil(block / each) === dims)
      .map(({ each }) => (each * model.dim) / block),
  );
}

function upTo(most: number): number[] {
  return Array.from({ length: most }, (_, i) => i + 1);
}
