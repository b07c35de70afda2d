/**
 * Shelves alternately eastward and westward, so that a token only steps down at each shelf's end: the
 * boustrophedon order, which WaferLLM (OSDI 2025) and the vendor's pipelines of layers use.
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
