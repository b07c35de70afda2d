/**
 * What a hand-off between two regions costs, estimated from where they lie: the longest path that one
 * row's slice travels, hop by hop, and what its relay adds (lowering/hand-off.ts says how the slices
 * go). Contention between rows, what the regions' own work hides, and streams that rows share for want of
 * colours are left out, so it serves to choose among layouts and is never reported as a result.
 */
import { elementsPerWavelet } from '../numeric/types.js';
import type { Detours } from '../hardware/defects.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import type { Placed, Task } from './strategies/shelves.js';

/** Which of several wafers: what enters the first and leaves the last is the chosen token. */
export interface WaferOf {
  index: number;
  wafers: number;
}

/**
 * Costs of a task: regions of `rows` rows, to which a slice of the residual stream is sent where no words are
 * given; where the wafer is the only one the last region hands back to the first, otherwise it hands on to the
 * east edge, and the first takes from the west edge; with the detours of a wafer whose rows have moved on to
 * spares.
 */
export function handOffCosts(
  model: ModelSpec,
  wafer: WaferSpec,
  rows: number,
  { index, wafers }: WaferOf,
  detours?: Detours,
): Pick<Task, 'handOff' | 'back' | 'enter' | 'leave'> {
  const { fabric, costs } = wafer;
  const handOff = (from: Placed, to: Placed, words = Math.ceil(model.dim / rows)): number => {
    const wavelets = Math.ceil(words / elementsPerWavelet(model.dtype));
    const relay = 2 * fabric.rampCycles + costs.setup[model.dtype] + wavelets;
    if (from.y === to.y) {
      const [start, end] = straight(from, to);
      return fabric.hopCycles * hopsBetween(start, from.y, end, from.y, detours);
    }
    const { first, count } = turningColumns(from, to, rows);
    const lanes = Math.ceil(rows / count);
    const hops = Math.max(
      turned(from, to, first, detours),
      turned(from, to, first + count - 1, detours),
    );
    return fabric.hopCycles * hops + relay + (lanes - 1) * wavelets;
  };
  if (wafers > 1) {
    const rowsEnter = index > 0 || model.tied;
    const rowsLeave = index < wafers - 1 || model.tied;
    return {
      handOff,
      // A port's column lies beyond the edge, on the rows of its region (lowering/places.ts).
      enter: (to) => fabric.hopCycles * entering(to, rowsEnter ? 0 : rows, detours),
      leave: (from) => fabric.hopCycles * leaving(from, wafer, rowsLeave ? 0 : rows, detours),
    };
  }
  const tokenBack = (from: Placed, to: Placed) =>
    fabric.hopCycles * tokenHops(from, to, rows, detours);
  return { handOff, back: model.tied ? handOff : tokenBack };
}

/** Hops from beyond the west edge to the far end of a region; a token continues along columns. */
function entering(to: Placed, tokenRows: number, detours?: Detours): number {
  const [end, south] = [to.x + to.width - 1, to.y + Math.max(1, tokenRows) - 1];
  return 1 + hopsBetween(0, to.y, end, south, detours);
}

/** Hops to beyond the east edge from a region's nearest core, or from its middle for a token. */
function leaving(from: Placed, { width }: WaferSpec, tokenRows: number, detours?: Detours): number {
  const x = tokenRows > 0 ? from.x + Math.floor(from.width / 2) : from.x + from.width - 1;
  const y = from.y + Math.floor(tokenRows / 2);
  return 1 + hopsBetween(x, y, width - 1, y, detours);
}

/** Columns of the sending core and of the farthest one that receives it, on the same rows. */
function straight(from: Placed, to: Placed): [number, number] {
  return to.x > from.x ? [from.x + from.width - 1, to.x + to.width - 1] : [from.x, to.x];
}

/** Columns of the destination in which streams change rows, those under the source if enough. */
function turningColumns(from: Placed, to: Placed, rows: number) {
  const first = Math.max(from.x, to.x);
  const count = Math.min(from.x + from.width, to.x + to.width) - first;
  return count >= Math.min(to.width, Math.ceil(rows / 3))
    ? { first, count }
    : { first: to.x, count: to.width };
}

/** Hops of a slice that changes rows in this column and is relayed to both ends of its row. */
function turned(from: Placed, to: Placed, column: number, detours?: Detours): number {
  const sender = Math.min(Math.max(column, from.x), from.x + from.width - 1);
  const west = hopsBetween(column, to.y, to.x, to.y, detours);
  const east = hopsBetween(column, to.y, to.x + to.width - 1, to.y, detours);
  return hopsBetween(sender, from.y, column, to.y, detours) + Math.max(west, east);
}

/** The chosen token's hops: from the middle of the head to the farthest core of the first region. */
function tokenHops(from: Placed, to: Placed, rows: number, detours?: Detours): number {
  const x = from.x + Math.floor(from.width / 2);
  const y = from.y + Math.floor(rows / 2);
  const x1 = Math.min(Math.max(x, to.x), to.x + to.width - 1);
  const y1 = Math.min(Math.max(y, to.y), to.y + rows - 1);
  const across = Math.max(x1 - to.x, to.x + to.width - 1 - x1);
  const along = Math.max(y1 - to.y, to.y + rows - 1 - y1);
  return hopsBetween(x, y, x1, y1, detours) + across + along;
}

/** Hops along row y0, then along column x1. */
function hopsBetween(x0: number, y0: number, x1: number, y1: number, detours?: Detours): number {
  const hops = Math.abs(x1 - x0) + Math.abs(y1 - y0);
  return detours ? hops + detours.row(y0, x0, x1) + detours.column(x1, y0, y1) : hops;
}
