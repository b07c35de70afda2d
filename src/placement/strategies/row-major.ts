/** Every shelf from west to east, as text is written; a token crosses the wafer at each shelf's end. */
import { fillShelves, type Strategy } from './shelves.js';

export const rowMajor: Strategy = (sizes, rows, wafer) =>
  fillShelves(sizes, rows, wafer, () => true);
