/**
 * The cheapest layout by exact search: branch and bound (Land and Doig, Econometrica 1960) over the
 * positions of the regions in the order of a token's path. Positions are all columns of a small wafer; on a
 * larger one they are the normal patterns of Herz (IBM J. Res. Dev. 1972), sums of widths from either
 * end of a run. A search that is cut short returns the best layout met and the bound reached.
 */
import { anneal } from './anneal.js';
import { costOf } from './shelves.js';
import type { Placed, Position, Run, Strategy, Task } from './shelves.js';

const MOST_NODES = 200_000;
/** Positions of one width up to which every column is tried. */
const EVERY_COLUMN = 400;
/** Positions of one width up to which a search is begun at all. */
const MOST_CANDIDATES = 1500;

export const optimal: Strategy = (task) => {
  const start = anneal(task);
  if (start === undefined || task.widths.length === 0) return start;
  return branchAndBound(task, start.positions);
};

interface Candidate extends Placed {
  run: number;
}

function branchAndBound(task: Task, start: Position[]) {
  const { widths, enter, leave } = task;
  const n = widths.length;
  const back = n > 1 ? task.back : undefined;
  const candidatesOf = new Map(widths.map((width) => [width, candidatesFor(task, width)]));
  let best = start;
  let bestCost = costOf(task, start);
  if (
    Math.max(...[...candidatesOf.values()].map((candidates) => candidates.length)) > MOST_CANDIDATES
  )
    return { positions: start, bound: 0 };
  const least = leastRest(task, candidatesOf);
  let nodes = 0;
  const chosen: Candidate[] = [];
  const descend = (cost: number): void => {
    const part = chosen.length;
    if (part === n) {
      const last = chosen[n - 1];
      const whole = cost + (back?.(last, chosen[0]) ?? 0) + (leave?.(last) ?? 0);
      if (whole < bestCost) {
        bestCost = whole;
        best = chosen.map(({ x, y }) => ({ x, y }));
      }
      return;
    }
    const options = candidatesOf
      .get(widths[part])!
      .filter((candidate) => chosen.every((other) => apart(candidate, other)))
      .map((candidate) => ({
        candidate,
        cost: cost + costTo(task, chosen, candidate),
      }))
      .sort((a, b) => a.cost - b.cost);
    for (const option of options) {
      if (option.cost + least[part] >= bestCost || ++nodes > MOST_NODES) return;
      chosen.push(option.candidate);
      if (haveWidth(task, chosen)) descend(option.cost);
      chosen.pop();
    }
  };
  descend(0);
  const first = enter ? Math.min(...candidatesOf.get(widths[0])!.map(enter)) : 0;
  const bound = nodes > MOST_NODES ? Math.min(first + least[0], bestCost) : bestCost;
  return { positions: best, bound };
}

/** From the region before, or from the wafer's edge. */
function costTo(
  { handOff, enter, words }: Task,
  chosen: Candidate[],
  candidate: Candidate,
): number {
  const before = chosen.at(-1);
  return before ? handOff(before, candidate, words?.[chosen.length]) : (enter?.(candidate) ?? 0);
}

/** For each region: what the hand-offs after it cost at least, the path back or onward included. */
function leastRest(
  { widths, words, handOff, back, leave }: Task,
  candidatesOf: Map<number, Candidate[]>,
): number[] {
  const known = new Map<string, number>();
  const least = (a: number, b: number, cost: Task['handOff'], sent?: number): number => {
    const key = `${cost === handOff ? 'on' : 'back'} ${a} ${b} ${sent}`;
    let found = known.get(key);
    if (found === undefined) {
      found = Infinity;
      for (const from of candidatesOf.get(a)!)
        for (const to of candidatesOf.get(b)!)
          if (apart(from, to)) found = Math.min(found, cost(from, to, sent));
      known.set(key, found);
    }
    return found;
  };
  const rest = Array.from({ length: widths.length }, () => 0);
  const last = widths.length - 1;
  if (back && last > 0) rest[last] = least(widths[last], widths[0], back);
  if (leave) rest[last] += Math.min(...candidatesOf.get(widths[last])!.map(leave));
  for (let i = last - 1; i >= 0; i--)
    rest[i] = rest[i + 1] + least(widths[i], widths[i + 1], handOff, words?.[i + 1]);
  return rest;
}

function apart(a: Placed, b: Placed): boolean {
  return a.y !== b.y || a.x + a.width <= b.x || b.x + b.width <= a.x;
}

/** Whether the runs still have the width, if not the positions, for the regions that are left. */
function haveWidth({ widths, runs }: Task, chosen: Candidate[]): boolean {
  let free = 0;
  for (const run of runs) free += run.width;
  for (const { width } of chosen) free -= width;
  for (let i = chosen.length; i < widths.length; i++) free -= widths[i];
  return free >= 0;
}

function candidatesFor({ widths, runs }: Task, width: number): Candidate[] {
  const columns = runs.reduce((sum, run) => sum + Math.max(0, run.width - width + 1), 0);
  const every = columns <= EVERY_COLUMN;
  return runs.flatMap((run, index) =>
    (every ? range(run.width - width) : patterns(run, width, widths)).map((x) => ({
      run: index,
      x: run.x + x,
      y: run.y,
      width,
    })),
  );
}

function range(last: number): number[] {
  return Array.from({ length: Math.max(0, last + 1) }, (_, x) => x);
}

/** Columns of a run at which a region may stand if its neighbours lean west, or east, without gaps. */
function patterns(run: Run, width: number, widths: readonly number[]): number[] {
  const last = run.width - width;
  const sums = new Uint8Array(Math.max(0, last + 1));
  if (sums.length > 0) sums[0] = 1;
  for (const other of widths) for (let x = last; x >= other; x--) if (sums[x - other]) sums[x] = 1;
  return range(last).filter((x) => sums[x] || sums[last - x]);
}
