/**
 * Shelves alternately eastward and westward, so that a token only steps down at each shelf's end: the
 * snake-like order of Thompson and Kung (Sorting on a Mesh-Connected Parallel Computer, CACM 1977).
 */
import { fillAll, shelvesOf, type Strategy } from './shelves.js';

export const snake: Strategy = (task) =>
  fillAll(
    task,
    shelvesOf(task.runs).flatMap((shelf, i) => {
      const east = i % 2 === 0;
      return (east ? shelf : shelf.toReversed()).map((run) => ({ ...run, east }));
    }),
  );
