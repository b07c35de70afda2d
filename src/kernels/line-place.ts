/** Lines of cores on which collectives run to their first core, their root. */
import { EAST, NORTH, RAMP, SOUTH, WEST, route, send, store } from '../program/builder.js';
import type { CoreCode, Stretch } from '../program/builder.js';

/** Where a core stands on a line. */
export interface LinePlace {
  index: number;
  /** Cores of the line. */
  length: number;
  /** Cores of a group of the two-phase reduce. */
  group: number;
  /** Ports to the root's side, and to the other. */
  back: number;
  ahead: number;
  /** The first of the line's colours, and of its labels. */
  color: number;
  label: number;
}

export interface LineReduce {
  labels: readonly string[];
  /** How many colours a line of so many cores uses. */
  colorsOf: (length: number) => number;
  /** Equal for places on one line whose cores do the same. */
  keyOf: (place: LinePlace) => string;
  /** Appends the reduction of a vector, and adds its routes. */
  write: (core: CoreCode, vector: Stretch, place: LinePlace) => void;
}

/** Place `index` on a row (towards the west) or a column (towards the north). */
export function placeOn(axis: 'row' | 'column', at: Omit<LinePlace, 'back' | 'ahead'>): LinePlace {
  const [back, ahead] = axis === 'row' ? [WEST, EAST] : [NORTH, SOUTH];
  return { ...at, back, ahead };
}

/** Appends a broadcast of the root's vector over a line, on one colour: routers pass copies on. */
export function broadcastOn(core: CoreCode, vector: Stretch, place: LinePlace): void {
  const { index, length, back, ahead, color, label } = place;
  if (length === 1) return;
  const further = index < length - 1 ? [ahead] : [];
  core.label = label;
  if (index === 0) {
    core.routes.push(route(color, RAMP, ahead));
    send(core, vector, color);
  } else {
    core.routes.push(route(color, back, ...further, RAMP));
    store(core, vector, color);
  }
}
