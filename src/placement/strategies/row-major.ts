/**
 * Every shelf from west to east, as text is written; a token crosses the wafer at each shelf's end.
 * The next-fit rule of shelf packing (Baker and Schwarz, Shelf Algorithms, SIAM J. Comput. 1983).
 */
import { fillAll, type Strategy } from './shelves.js';

export const rowMajor: Strategy = (task) =>
  fillAll(
    task,
    task.runs.map((run) => ({ ...run, east: true })),
  );
