/**
 * Shelves of a wafer: strips of equal height, one below the other. A run is a stretch of a shelf that
 * regions may take; a whole shelf is one run unless dead cores cut it. A strategy lays regions, all as
 * high as a shelf, side by side on the runs.
 */

/** North-west core of a region on one wafer. */
export interface Position {
  x: number;
  y: number;
}

/** A free stretch of a shelf: `width` columns from the core (x, y) to the east. */
export interface Run extends Position {
  width: number;
}

/** A region that is laid out; its height is that of the shelves. */
export type Placed = Run;

/** What a strategy is asked to lay on one wafer. */
export interface Task {
  /** Widths of the regions, in the order of a token's path. */
  widths: readonly number[];
  /** In the order of reading: shelf by shelf, from west to east. */
  runs: readonly Run[];
  /** Words of each row that each of them receives, if not all as many. */
  words?: readonly number[] | undefined;
  /** Estimated cycles from a region to the next one of the token's path, which receives so many words a row. */
  handOff: (from: Placed, to: Placed, words?: number) => number;
  /** The same from the last region back to the first; none if another wafer lies between them. */
  back?: (from: Placed, to: Placed) => number;
  /** From the wafer's edge to the first region, and from the last one to it, where there are others. */
  enter?: (to: Placed) => number;
  leave?: (from: Placed) => number;
  /** Next number of a seeded generator, from 0 (included) to 1. */
  random: () => number;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What a strategy finds; undefined if it finds no room for all regions. */
export type Strategy = (task: Task) => Layout | undefined;

export interface Layout {
  /** One per region, in the order of the token's path. */
  positions: Position[];
  /** What an exact search proved: no layout costs less than `bound` estimated cycles. */
  bound?: number;
}

/** The path as estimated, in cycles: every hand-off, and the path back or those from and to the edge. */
export function costOf(task: Task, positions: readonly Position[]): number {
  return costOfRegions(
    task,
    task.widths.map((width, i) => ({ x: positions[i].x, y: positions[i].y, width })),
  );
}

/** The same of regions where they lie; `handOffTo` gives the hand-off to the `i`-th one. */
export function costOfRegions(
  task: Task,
  regions: readonly Placed[],
  handOffTo = (i: number) => task.handOff(regions[i - 1], regions[i], task.words?.[i]),
): number {
  const { back, enter, leave } = task;
  if (regions.length === 0) return 0;
  const first = regions[0];
  const last = regions[regions.length - 1];
  let cost = enter?.(first) ?? 0;
  for (let i = 1; i < regions.length; i++) cost += handOffTo(i);
  cost += leave?.(last) ?? 0;
  if (back && regions.length > 1) cost += back(last, first);
  return cost;
}

/** A run with the end at which its filling begins: in the west, if none is given. */
export type DirectedRun = Run & { east?: boolean };

/**
 * Fills runs one after the other, a new one being begun when the next region does not fit. Returns the
 * positions of as many regions as there is room for; `east` runs are filled from west to east.
 */
export function fill(widths: readonly number[], runs: readonly DirectedRun[]): Position[] {
  const positions: Position[] = [];
  let at = 0;
  let used = 0;
  for (const width of widths) {
    while (at < runs.length && used + width > runs[at].width) {
      at++;
      used = 0;
    }
    if (at === runs.length) break;
    const run = runs[at];
    positions.push({ x: run.x + (run.east === false ? run.width - used - width : used), y: run.y });
    used += width;
  }
  return positions;
}

/** `fill` for a strategy: all regions or nothing. */
export function fillAll({ widths }: Task, runs: readonly DirectedRun[]): Layout | undefined {
  const positions = fill(widths, runs);
  return positions.length === widths.length ? { positions } : undefined;
}

/** Numbers of the shelves that have runs, from the north. */
export function shelvesOf(runs: readonly Run[]): Run[][] {
  const shelves = new Map<number, Run[]>();
  for (const run of runs) {
    const shelf = shelves.get(run.y);
    if (shelf) shelf.push(run);
    else shelves.set(run.y, [run]);
  }
  return [...shelves.values()];
}

/** Whether first-fit, the widest first, finds room for the widths: if so there is room. */
export function haveRoom(widths: readonly number[], runs: readonly Run[]): boolean {
  const free = runs.map((run) => run.width);
  let from = 0;
  let last = Infinity;
  for (const width of [...widths].sort((a, b) => b - a)) {
    if (width < last) from = 0;
    last = width;
    while (from < free.length && free[from] < width) from++;
    if (from === free.length) return false;
    free[from] -= width;
  }
  return true;
}

/**
 * The widest first, each on the first run that has room for it: the first-fit decreasing rule of bin packing
 * (Johnson et al., SIAM J. Comput. 1974). It finds room wherever `haveRoom` does.
 */
export const widestFirst: Strategy = ({ widths, runs }) => {
  const free = runs.map((run) => ({ ...run }));
  const positions: Position[] = [];
  for (const part of [...widths.keys()].sort((a, b) => widths[b] - widths[a])) {
    const run = free.find(({ width }) => width >= widths[part]);
    if (run === undefined) return undefined;
    positions[part] = { x: run.x, y: run.y };
    run.x += widths[part];
    run.width -= widths[part];
  }
  return { positions };
};

/** Runs left of `runs` when a region of this width stands at x on run `index`. */
export function without(runs: readonly Run[], index: number, x: number, width: number): Run[] {
  const run = runs[index];
  const west = { ...run, width: x - run.x };
  const east = { ...run, x: x + width, width: run.x + run.width - x - width };
  const parts = [west, east].filter((part) => part.width > 0);
  return [...runs.slice(0, index), ...parts, ...runs.slice(index + 1)];
}

/**
 * Every shelf from west to east, as text is written; a token crosses the wafer at each shelf's end.
 * The next-fit rule of shelf packing (Baker and Schwarz, Shelf Algorithms, SIAM J. Comput. 1983).
 */
export const rowMajor: Strategy = (task) =>
  fillAll(
    task,
    task.runs.map((run) => ({ ...run, east: true })),
  );

/**
 * Shelves alternately eastward and westward, so that a token only steps down at each shelf's end: the
 * snake-like order of Thompson and Kung (Sorting on a Mesh-Connected Parallel Computer, CACM 1977).
 */
export const snake: Strategy = (task) =>
  fillAll(
    task,
    shelvesOf(task.runs).flatMap((shelf, i) => {
      const east = i % 2 === 0;
      return (east ? shelf : shelf.toReversed()).map((run) => ({ ...run, east }));
    }),
  );
