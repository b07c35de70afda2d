/**
 * The next region goes where the hand-off to it is cheapest, as long as all that follow still find
 * room: the nearest-neighbour rule of tours (Rosenkrantz, Stearns and Lewis, SIAM J. Comput. 1977).
 * The first region is tried at several positions; the cheapest whole path, the path back included, is kept.
 */
import { costOf, haveRoom, without } from './shelves.js';
import type { Placed, Position, Run, Strategy, Task } from './shelves.js';

/** Positions at which the first region is tried, evenly spread over the wafer if there are more. */
const STARTS = 64;

export const greedy: Strategy = (task) => {
  let best: Position[] | undefined;
  let bestCost = Infinity;
  const firsts = task.widths.length === 0 ? [] : startsOf(task);
  for (const [i, first] of firsts.entries()) {
    task.onProgress?.(i, firsts.length);
    const positions = tour(task, first);
    const cost = positions === undefined ? Infinity : costOf(task, positions);
    if (cost < bestCost) {
      best = positions;
      bestCost = cost;
    }
  }
  return best && { positions: best };
};

interface Candidate {
  run: number;
  x: number;
  cost: number;
}

function startsOf({ widths, runs }: Task): { run: number; x: number }[] {
  const all = runs.flatMap((run, index) =>
    run.width >= widths[0] ? columnsIn(run, widths[0]).map((x) => ({ run: index, x })) : [],
  );
  const step = Math.max(1, Math.ceil(all.length / STARTS));
  return all.filter((_, i) => i % step === 0);
}

function tour(task: Task, first: { run: number; x: number }): Position[] | undefined {
  const { widths } = task;
  const positions: Position[] = [{ x: first.x, y: task.runs[first.run].y }];
  let free = without(task.runs, first.run, first.x, widths[0]);
  if (!haveRoom(widths.slice(1), free)) return undefined;
  for (let part = 1; part < widths.length; part++) {
    const before = { ...positions[part - 1], width: widths[part - 1] };
    const rest = widths.slice(part + 1);
    let next: Run[] | undefined;
    for (const { run, x } of candidates(task, free, before, part, positions[0])) {
      const left = without(free, run, x, widths[part]);
      if (!haveRoom(rest, left)) continue;
      next = left;
      positions.push({ x, y: free[run].y });
      break;
    }
    if (next === undefined) return undefined;
    free = next;
  }
  return positions;
}

/** Positions of a region, the cheapest first; that of the last one includes the path onward. */
function candidates(
  task: Task,
  free: Run[],
  before: Placed,
  part: number,
  first: Position,
): Candidate[] {
  const width = task.widths[part];
  const last = part === task.widths.length - 1;
  const found: Candidate[] = [];
  free.forEach((run, index) => {
    if (run.width < width) return;
    for (const x of columnsIn(run, width, before.x)) {
      const to = { x, y: run.y, width };
      let cost = task.handOff(before, to, task.words?.[part]);
      if (last && task.leave) cost += task.leave(to);
      if (last && task.back) cost += task.back(to, { ...first, width: task.widths[0] });
      found.push({ run: index, x, cost });
    }
  });
  return found.sort((a, b) => a.cost - b.cost);
}

/** Columns of a run: both ends, those at whole widths from its west end, and the one nearest to `wanted`. */
function columnsIn(run: Run, width: number, wanted?: number): number[] {
  const last = run.x + run.width - width;
  const columns = new Set<number>([run.x, last]);
  for (let x = run.x + width; x <= last; x += width) columns.add(x);
  if (wanted !== undefined) columns.add(Math.min(Math.max(wanted, run.x), last));
  return [...columns];
}
