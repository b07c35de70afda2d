/**
 * Shelves of a wafer: strips of equal height, as wide as the wafer, one below the other. Regions are
 * laid on them in the order of a token's way, a new shelf being begun when the next does not fit.
 */
import type { WaferSpec } from '../../hardware/wafer.js';

/** North-west core of a region on one wafer. */
export interface Position {
  x: number;
  y: number;
}

/**
 * Lays regions of the given widths and `rows` rows on one wafer, in order, until the next has no room;
 * returns the positions of those that have.
 */
export type Strategy = (sizes: { width: number }[], rows: number, wafer: WaferSpec) => Position[];

/** Fills shelves in order; `east(shelf)` says whether a shelf is filled from west to east. */
export function fillShelves(
  sizes: { width: number }[],
  rows: number,
  wafer: WaferSpec,
  east: (shelf: number) => boolean,
): Position[] {
  const positions: Position[] = [];
  const shelves = Math.floor(wafer.height / rows);
  let shelf = 0;
  let used = 0;
  for (const { width } of sizes) {
    if (used + width > wafer.width) {
      shelf++;
      used = 0;
    }
    if (shelf >= shelves || width > wafer.width) break;
    positions.push({ x: east(shelf) ? used : wafer.width - used - width, y: shelf * rows });
    used += width;
  }
  return positions;
}
