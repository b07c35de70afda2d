/** Shelves alternately eastward and westward, so that a token only steps down at each shelf's end. */
import { fillShelves, type Strategy } from './shelves.js';

export const snake: Strategy = (sizes, rows, wafer) =>
  fillShelves(sizes, rows, wafer, (shelf) => shelf % 2 === 0);
